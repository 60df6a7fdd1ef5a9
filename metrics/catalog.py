"""Every declared metric, signal and recording, by domain. Adding a domain is one line in `DOMAINS`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from metrics import (
    analysis,
    app,
    bus,
    cache,
    database,
    feed,
    model_quality,
    postgres,
    probe,
    process,
    prometheus,
    redis,
    slo_signals,
    stack,
    stack_signals,
    stream_signals,
    system,
    websocket,
)
from metrics.model import RECORDING_RULE, Counter, Gauge, Histogram, Metric, Recording, Signal
from metrics.postgres import signals as postgres_signals
from metrics.query import TARGET_LABELS
from metrics.redis import signals as redis_signals
from metrics.system import limits
from metrics.system import signals as system_signals

WORKER_LABEL = "worker"  # that of a target which is one process of several; panels about the bus tell them apart
OWN_PREFIXES = ("app_", "db_", "cache_", "ws_", "feed_", "ai_", "probe_", "watchfloor_")
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""")
_NO_METRIC = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
MOST_INTERNAL = 0.15  # of our own metrics, those that nobody looks at and that say why


@dataclass(frozen=True)
class Domain:
    """What one module of `metrics/` declares; its signals and recordings stand beside it, where it has any.

    `made` is what rules of its own make, which are neither a signal's nor a recording's.
    """

    metrics: tuple[Metric, ...]
    signals: Mapping[str, Signal] = field(default_factory=dict)
    recordings: tuple[Recording, ...] = ()
    made: tuple[Gauge, ...] = ()


DOMAINS: Mapping[str, Domain] = {
    "system": Domain(system.METRICS, system_signals.SIGNALS | limits.SIGNALS, system_signals.RECORDINGS),
    "postgres": Domain(postgres.METRICS, postgres_signals.SIGNALS),
    "redis": Domain(redis.METRICS, redis_signals.SIGNALS),
    "websocket": Domain(websocket.METRICS, stream_signals.WEBSOCKET, websocket.RECORDINGS),
    "feed": Domain(feed.METRICS, stream_signals.FEED),
    "bus": Domain(bus.METRICS, stream_signals.BUS),
    "app": Domain(app.METRICS, stream_signals.APP, app.RECORDINGS),
    "database": Domain(database.METRICS, database.SIGNALS, database.RECORDINGS),
    "analysis": Domain(analysis.METRICS, analysis.SIGNALS, analysis.RECORDINGS),
    "probe": Domain(probe.METRICS, probe.SIGNALS),
    "model_quality": Domain(model_quality.METRICS, model_quality.SIGNALS),
    "cache": Domain(cache.METRICS, stream_signals.CACHE, cache.RECORDINGS),
    "slo": Domain((), slo_signals.SIGNALS, made=slo_signals.MADE),
    "stack": Domain(stack.METRICS, stack_signals.SIGNALS, stack_signals.RECORDINGS),
    "process": Domain(process.METRICS),
    "prometheus": Domain(prometheus.METRICS),
}


def signals() -> dict[str, Signal]:
    """Signals by key (`system.cpu_usage`), the value of the label `signal`.

    Raises ValueError for a key that two domains use.
    """
    found: dict[str, tuple[str, Signal]] = {}
    for name, domain in DOMAINS.items():
        for key, signal in domain.signals.items():
            if key in found:
                raise ValueError(f"signal {key!r} is declared by metrics.{found[key][0]} and by metrics.{name}")
            found[key] = (name, signal)
    return {key: signal for key, (_, signal) in found.items()}


def recordings() -> tuple[Recording, ...]:
    """Counters and histograms that stand in Prometheus under a second name too."""
    return tuple(recording for domain in DOMAINS.values() for recording in domain.recordings)


@functools.cache
def recorded() -> tuple[Metric, ...]:
    """What recording rules make, as declared metrics: a gauge for each recorded signal, a recording in its own type."""
    gauges = [_recorded_signal(signal) for signal in signals().values() if signal.recorded_as]
    made = (metric for domain in DOMAINS.values() for metric in domain.made)
    return (*gauges, *(_recorded_recording(recording) for recording in recordings()), *made)


def _recorded_signal(signal: Signal) -> Gauge:
    labels = tuple(label for label in signal.expr.labels if label not in TARGET_LABELS)
    return Gauge(signal.recorded_as, signal.help, signal.unit, labels=labels, emitter=RECORDING_RULE)


def _recorded_recording(recording: Recording) -> Metric:
    source = recording.sources[0][0].metric
    if not isinstance(source, Counter | Histogram):
        raise TypeError(f"recording {recording.recorded_as!r} must be of a counter or a histogram")
    added = [name for _, constant in recording.sources for name, _ in constant]
    labels = tuple(dict.fromkeys((*source.labels, *added)))
    if isinstance(source, Histogram):
        return Histogram(
            recording.recorded_as, recording.help, recording.unit, labels=labels, buckets=source.buckets, emitter=RECORDING_RULE
        )
    return Counter(recording.recorded_as, recording.help, recording.unit, labels=labels, emitter=RECORDING_RULE)


def _by_domain() -> Iterator[tuple[str, Metric]]:
    for name, domain in DOMAINS.items():
        for metric in domain.metrics:
            yield name, metric
    for metric in recorded():
        yield "catalog (recorded)", metric


def all_metrics() -> tuple[Metric, ...]:
    """Every metric that stands in Prometheus: exposed ones domain by domain, then recorded ones."""
    return tuple(metric for _, metric in _by_domain())


def is_own(metric: Metric) -> bool:
    """Whether it belongs to our own families and a program of ours exposes it."""
    return metric.name.startswith(OWN_PREFIXES) and not metric.emitter


def find(name: str) -> Metric | None:
    """The metric of that name, or of that series (`…_bucket`, `…_sum`, `…_count` of a histogram); None if undeclared."""
    return _index().get(name)


def read_by(promql: str) -> list[str]:
    """Names of the declared metrics, recorded ones included, that an expression reads; in order."""
    words = _NAME.findall(_NO_METRIC.sub(" ", _STRING.sub('""', promql)))
    return sorted({metric.name for word in words if (metric := find(word))})


@functools.cache
def _index() -> dict[str, Metric]:
    found: dict[str, tuple[str, Metric]] = {}
    for domain, metric in _by_domain():
        for name in dict.fromkeys((metric.name, *metric.series)):
            if name in found and found[name][1] is not metric:
                raise ValueError(
                    f"{name!r} is declared by metrics.{found[name][0]} and by metrics.{domain}: a name means one thing"
                )
            found[name] = (domain, metric)
    return {name: metric for name, (_, metric) in found.items()}
