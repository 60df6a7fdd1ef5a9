"""What the value of an alert is: the signal that its label names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from metrics import catalog
from metrics.model import Signal, Unit


def signal_of(labels: Mapping[str, str]) -> Signal | None:
    """The declared signal behind an alert of the catalogue; None for an alert of somebody else's."""
    return _declared().get(labels.get("signal", ""))


def unit_of(labels: Mapping[str, str]) -> Unit:
    """The unit of the alert's value."""
    signal = signal_of(labels)
    return signal.unit if signal else Unit.NONE


@cache
def _declared() -> dict[str, Signal]:
    return catalog.signals()
