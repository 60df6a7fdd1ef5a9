"""From samples to the exposition formats: our own renderer, and prometheus_client's interface to the same samples.

The renderer keeps the text before each value (`name{label="value"} `) from scrape to scrape, because building it is where
Python spends its time (docs/topics/exposition.md). Formats: Prometheus text 0.0.4 and OpenMetrics 1.0.0.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.model import Counter, Distribution, Histogram, Labels, Metric, Sample

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_SPARE_PREFIXES = 64


@dataclass(frozen=True)
class Format:
    """What the client of `/metrics` asked for."""

    openmetrics: bool = False
    gzip: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Response headers of that format."""
        headers = {"Content-Type": OPENMETRICS if self.openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        return headers | {"Content-Encoding": "gzip"} if self.gzip else headers


def negotiate(accept: str = "", accept_encoding: str = "") -> Format:
    """The format for these request headers (RFC 9110, section 12.5): text unless OpenMetrics is preferred."""
    openmetrics = _quality(accept, "application/openmetrics-text")
    plain = max(_quality(accept, "text/plain"), _quality(accept, "*/*"))
    zipped = max(_quality(accept_encoding, "gzip"), _quality(accept_encoding, "*"))
    return Format(openmetrics=openmetrics > 0 and openmetrics >= plain, gzip=zipped > 0)


def _quality(header: str, wanted: str) -> float:
    best = 0.0
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        if value != wanted or "version=0.0.1" in parameters:
            continue
        weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            best = max(best, float(weights[0]) if weights else 1.0)
        except ValueError:
            continue
    return best


def escape(value: str) -> str:
    """A label value as both formats write it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def number(value: float) -> str:
    """A value as both formats write it; integers keep all their digits."""
    text = repr(value)
    if text[-1] not in "fne":
        return text
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text) or repr(int(value))


def _label_text(names: Iterable[str], values: Iterable[str]) -> str:
    return ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))


class _FamilyCache:
    """What stays the same about one metric from scrape to scrape: its header lines and the text before its values."""

    def __init__(self, metric: Metric, *, openmetrics: bool) -> None:
        self.metric = metric
        self.prefixes: dict[Labels, str] = {}
        self.buckets: dict[Labels, list[str]] = {}
        name, kind = metric.name, metric.type
        help_text = metric.help.replace("\\", "\\\\").replace("\n", "\\n")
        if openmetrics:
            help_text = help_text.replace('"', '\\"')
            if kind == "counter":
                kind = "counter" if name.endswith("_total") else "unknown"
                name = name.removesuffix("_total")
        self.header = f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"

    def prefix(self, labels: Labels) -> str:
        inner = _label_text(self.metric.labels, labels)
        text = self.metric.name + ("{" + inner + "} " if inner else " ")
        self.prefixes[labels] = text
        return text

    def histogram(self, labels: Labels, value: Distribution) -> str:
        prefixes = self.buckets.get(labels) or self._bucket_prefixes(labels)
        lines, total = [], 0
        for prefix, count in zip(prefixes, value.counts, strict=False):
            total += count
            lines.append(f"{prefix}{total}\n")
        return f"{''.join(lines)}{prefixes[-2]}{total}\n{prefixes[-1]}{number(value.sum)}\n"

    def _bucket_prefixes(self, labels: Labels) -> list[str]:
        assert isinstance(self.metric, Histogram)
        name, inner = self.metric.name, _label_text(self.metric.labels, labels)
        bounds = [*(number(float(bound)) for bound in self.metric.buckets), "+Inf"]
        separator = "," if inner else ""
        prefixes = [f'{name}_bucket{{{inner}{separator}le="{bound}"}} ' for bound in bounds]
        plain = "{" + inner + "} " if inner else " "
        prefixes += [f"{name}_count{plain}", f"{name}_sum{plain}"]
        self.buckets[labels] = prefixes
        return prefixes

    def forget_unused(self, live: int) -> None:
        """Label values that come and go must not fill the memory."""
        for cache in (self.prefixes, self.buckets):
            if len(cache) > 2 * live + _SPARE_PREFIXES:
                cache.clear()


class Renderer:
    """Turns samples into one exposition; keep it from scrape to scrape. Not thread-safe: one renderer per thread."""

    def __init__(self) -> None:
        self._text: dict[Metric, _FamilyCache] = {}
        self._openmetrics: dict[Metric, _FamilyCache] = {}

    def render(self, samples: Iterable[Sample], wanted: Format | None = None) -> bytes:
        """The exposition of `samples` in any order: each family once, in order of first appearance.

        Raises ValueError when a sample has not as many label values as its metric has labels.
        """
        wanted = wanted or Format()
        body = self._body(samples, openmetrics=wanted.openmetrics).encode("utf-8", "surrogateescape")
        return gzip.compress(body, compresslevel=1, mtime=0) if wanted.gzip else body

    def _body(self, samples: Iterable[Sample], *, openmetrics: bool) -> str:
        caches = self._openmetrics if openmetrics else self._text
        families: dict[Metric, tuple[_FamilyCache, list[str]]] = {}
        for metric, labels, value in samples:
            found = families.get(metric)
            if found is None:
                cache = caches.get(metric)
                if cache is None:
                    cache = caches[metric] = _FamilyCache(metric, openmetrics=openmetrics)
                found = families[metric] = (cache, [cache.header])
            cache, lines = found
            if isinstance(value, Distribution):
                lines.append(cache.histogram(labels, value))
                continue
            prefix = cache.prefixes.get(labels) or cache.prefix(labels)
            text = repr(value)
            lines.append(f"{prefix}{text if text[-1] not in 'fne' else number(value)}\n")
        for cache, lines in families.values():
            cache.forget_unused(len(lines))
        body = "".join(["".join(lines) for _, lines in families.values()])
        return body + "# EOF\n" if openmetrics else body


class ClientCollector:
    """The same samples behind prometheus_client's collector interface, for a program that has a registry of its own."""

    def __init__(self, source: Callable[[], Iterable[Sample]]) -> None:
        self._source = source

    def collect(self) -> Iterator[Family]:
        """prometheus_client's metric families, one per declared metric that has samples."""
        # Imported here because only this interface needs it, and a service's memory counts.
        from prometheus_client.metrics_core import Metric as Family

        families: dict[Metric, Family] = {}
        for metric, labels, value in self._source():
            name = metric.name.removesuffix("_total") if isinstance(metric, Counter) else metric.name
            kind = metric.type
            if isinstance(metric, Counter) and not metric.name.endswith("_total"):
                kind = "unknown"  # prometheus_client would append `_total`; upstream's name must stay
            family = families.setdefault(metric, Family(name, metric.help, kind))
            values = dict(zip(metric.labels, labels, strict=True))
            if not isinstance(value, Distribution):
                family.add_sample(metric.name, values, value)
                continue
            assert isinstance(metric, Histogram)
            total = 0
            for bound, count in zip((*metric.buckets, float("inf")), value.counts, strict=True):
                total += count
                family.add_sample(f"{metric.name}_bucket", values | {"le": number(float(bound))}, total)
            family.add_sample(f"{metric.name}_count", values, total)
            family.add_sample(f"{metric.name}_sum", values, value.sum)
        yield from families.values()
