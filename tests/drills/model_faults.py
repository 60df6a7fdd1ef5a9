"""Faults of the models: a version with wrong weights that is let answer."""

from __future__ import annotations

import contextlib
import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from settings.environment import SITE_VARIABLE
from settings.paths import HOME_VARIABLE
from stream.analysis.versions import Shelf
from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.stream.analysis.damage import corrupted
from tests.waiting import until

_LEARNS = 3000  # seconds until a model has learned and 200 of its predictions were scored, at factor 1
_HUGE = 1e300  # finite; its square is not


def corrupt_model(model: str, change: Callable[[dict[str, Any]], dict[str, Any]] = corrupted) -> Fault:
    """A file of other weights, which loads, is put on the shelf and chosen by hand; taken back by `rollback`, as a person would.

    Before that, the model learns until its own intervals hold what they state.
    """

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        accuracy = f'ai_model_accuracy{{model="{model}"}}'
        good_enough = f"{accuracy} > 0.85"
        until(f"{model} holds what it states", lambda: appliance.value(good_enough), appliance.factor * _LEARNS + 120, 0.5)
        shelf = Shelf(appliance.paths.data / "analysis", appliance.site.analysis.versions)
        good = shelf.load(model, shelf.numbers(model)[0])
        bad = shelf.add(replace(good, state=change(good.state)))
        _answer(appliance, model, bad.version)
        try:
            yield
        finally:
            _answer(appliance, model, good.version)

    return fault


def overflowing(state: dict[str, Any]) -> dict[str, Any]:
    """A state that loads, of numbers so large that what is computed from them is none any more."""
    changed = copy.deepcopy(state)
    for horizon in changed.values():
        regression = horizon["regression"]
        size = len(regression["natural"])
        regression["natural"] = [_HUGE] * size
        regression["covariance"] = [[_HUGE * (-1) ** place for place in range(size)]] * size
    return changed


def motionless(state: dict[str, Any]) -> dict[str, Any]:
    """A state that loads, learned from a market that stood still: it states no change, and that without any doubt."""
    changed = copy.deepcopy(state)
    for horizon in changed.values():
        regression = horizon["regression"]
        regression["natural"] = [0.0] * len(regression["natural"])
        regression["quantiles"]["errors"] = [0.0] * len(regression["quantiles"]["errors"])
    return changed


def _answer(appliance: Appliance, model: str, version: int) -> None:
    """Lets a version answer, by the command that people have for it."""
    own = {SITE_VARIABLE: str(appliance.paths.site), HOME_VARIABLE: str(appliance.home)}
    words = [sys.executable, "-m", "stream.analysis", "rollback", model, str(version)]
    subprocess.run(words, env=os.environ | own, check=True, capture_output=True, text=True)
