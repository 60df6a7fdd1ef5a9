"""Metrics recorded by name: what is not declared is refused. Pure; `/metrics` reads what is recorded here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from metrics import catalog
from metrics.instruments import Instruments
from metrics.model import Counter, Gauge, Histogram, Labels, Metric, Unit


class RecordingError(ValueError):
    """A name, a label or a value that is refused; the text says which, why, and what to do."""


class Recorder:
    """Records into the instruments of a process. A metric has one emitter: only what these instruments hold can be recorded."""

    def __init__(self, instruments: Sequence[Instruments]) -> None:
        self._instruments = tuple(instruments)

    def metric(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """Sets a gauge, or observes into a histogram, in the metric's unit. Raises RecordingError."""
        metric, holder = self._find(name)
        if isinstance(metric, Counter):
            raise RecordingError(f"{name}: is a counter, which only grows: increment it")
        values = _values(name, metric, labels)
        if isinstance(metric, Gauge):
            holder.set(metric, value, *values)
        elif isinstance(metric, Histogram):
            holder.observe(metric, _finite(name, value), *values)

    def duration(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Observes into a histogram of seconds. Raises RecordingError."""
        metric, holder = self._find(name)
        if not isinstance(metric, Histogram) or metric.unit is not Unit.SECONDS:
            raise RecordingError(f"{name}: is no histogram of seconds, but a {metric.type} ({metric.unit.key or 'no unit'})")
        if _finite(name, seconds) < 0:
            raise RecordingError(f"{name}: a duration of {seconds} s: give the seconds that passed, by a clock that is steady")
        holder.observe(metric, seconds, *_values(name, metric, labels))

    def increment(self, name: str, labels: Mapping[str, str]) -> None:
        """Adds 1 to a counter. Raises RecordingError."""
        metric, holder = self._find(name)
        if not isinstance(metric, Counter):
            raise RecordingError(f"{name}: is a {metric.type}, no counter: record it")
        holder.inc(metric, *_values(name, metric, labels))

    def _find(self, name: str) -> tuple[Metric, Instruments]:
        metric = catalog.find(name)
        if metric is None or metric.name != name:
            raise RecordingError(f"{name}: is not declared: declare it in metrics/ (CONTRIBUTING.md, A metric)")
        metric = _source(name, metric)
        for holder in self._instruments:
            if metric in holder:
                return metric, holder
        raise RecordingError(f"{name}: is declared, but another program emits it, and a metric has one emitter")


def _source(name: str, metric: Metric) -> Metric:
    """What is emitted for a name of the original vocabulary, whose own series a recording rule makes; others are themselves."""
    for recording in catalog.recordings():
        if recording.recorded_as == name:
            (selector, constant), *more = recording.sources
            if more or constant or selector.metric is None:
                raise RecordingError(f"{name}: is computed from several metrics by a rule: record one of those")
            return selector.metric
    return metric


def _values(name: str, metric: Metric, labels: Mapping[str, str]) -> Labels:
    """Label values in declared order."""
    if set(labels) != set(metric.labels):
        wanted = ", ".join(metric.labels) or "none"
        raise RecordingError(f"{name}: has the labels {', '.join(sorted(labels)) or 'none'}: give {wanted}")
    for label, value in labels.items():
        if label in metric.closed and value not in metric.closed[label]:
            raise RecordingError(f"{name}: {label} is {value!r}: give one of {', '.join(metric.closed[label])}")
    return tuple(labels[label] for label in metric.labels)


def _finite(name: str, value: float) -> float:
    if not isfinite(value):
        raise RecordingError(f"{name}: {value} would spoil the sum of all observations: give a finite number")
    return value
