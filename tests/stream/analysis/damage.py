"""States of models that load, and are wrong. Pure: no model is loaded here, so that drills are listed in no time."""

from __future__ import annotations

import copy
from typing import Any


def with_intervals(state: dict[str, Any], factor: float) -> dict[str, Any]:
    """A regression's state, by horizon, that loads, and whose intervals are `factor` times as wide."""
    changed = copy.deepcopy(state)
    for horizon in changed.values():
        quantiles = horizon["regression"]["quantiles"]
        quantiles["errors"] = [error * factor for error in quantiles["errors"]]
    return changed


def corrupted(state: dict[str, Any]) -> dict[str, Any]:
    """A regression's state that loads, and is wrong: weights of the opposite sign and ten times as large, hardly any spread."""
    changed = with_intervals(state, 1 / 20)
    for horizon in changed.values():
        horizon["regression"]["natural"] = [-10 * weight for weight in horizon["regression"]["natural"]]
    return changed


def overflown(state: dict[str, Any]) -> dict[str, Any]:
    """A regression's state that loads, of finite numbers so large that what is made of them is none."""
    changed = copy.deepcopy(state)
    for horizon in changed.values():
        held = horizon["regression"]
        size = len(held["natural"])
        held["natural"] = [1e308 * (-1) ** place for place in range(size)]
        held["covariance"] = [[1e300] * size for _ in range(size)]
    return changed
