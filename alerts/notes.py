"""What a notification says beside the texts of the catalogue: the value, what it is compared with, what to do first.

Annotations, because Prometheus alone knows an alert's value and labels when it fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from alerts.model import Alert, number, words
from metrics import durations, units
from metrics.model import Unit

FIRST_STEPS = 3
# `humanize` alone would write half a row as "500m".
_NUMBER = '{{ if lt $value 1000.0 }}{{ $value | printf "%.3g" }}{{ else }}{{ $value | humanize }}{{ end }}'
# How Prometheus's own templates write a value of that unit, three digits or a duration; the unit follows.
_VALUES = {
    Unit.RATIO: "{{ $value | humanizePercentage }}",
    Unit.PERCENT: '{{ $value | printf "%.3g" }}%',
    Unit.SECONDS: "{{ $value | humanizeDuration }}",
    Unit.BYTES: "{{ $value | humanize1024 }}B",
    Unit.BYTES_PER_SECOND: "{{ $value | humanize1024 }}B/s",
    Unit.BITS_PER_SECOND: "{{ $value | humanize }}b/s",
    Unit.PER_SECOND: _NUMBER + "/s",
    Unit.CELSIUS: '{{ $value | printf "%.3g" }} °C',
}
_WITHOUT = (Unit.BOOL, Unit.INFO, Unit.TIMESTAMP)  # yes or no, and what is no quantity


def facts(alert: Alert) -> dict[str, str]:
    """Annotations by name: `value`, `threshold`, `after` and `steps`, each where there is such a thing."""
    return dict(_facts(alert))


def _facts(alert: Alert) -> Iterator[tuple[str, str]]:
    unit = alert.signal.unit
    if alert.threshold is not None and unit not in _WITHOUT:
        yield "value", _VALUES.get(unit, _NUMBER)
        yield "threshold", f"{'below' if alert.signal.bad_below else 'above'} {limit(alert.threshold, unit)}"
    if durations.seconds(alert.for_):
        yield "after", words(alert.for_)
    yield "steps", "\n".join(f"{place}. {step}" for place, step in enumerate(alert.entry.steps[:FIRST_STEPS], start=1))


def limit(threshold: float, unit: Unit) -> str:
    """A threshold with its unit, as exact as it was declared: `90%`, `5 minutes`, `2 GiB`."""
    if unit is Unit.SECONDS and threshold >= 1 and threshold == int(threshold):
        return words(f"{timedelta(seconds=threshold) // timedelta(seconds=1)}s")
    if unit in (Unit.PER_SECOND, Unit.COUNT, Unit.NONE):
        return f"{number(threshold)}{'/s' if unit is Unit.PER_SECOND else ''}"
    return units.write(threshold, unit.grafana)
