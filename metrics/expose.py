"""From samples to the exposition formats: our own renderer, and prometheus_client's interface to the same samples.

The renderer keeps the text before each value (`name{label="value"} `) from scrape to scrape, because building it is where
Python spends its time (docs/topics/exposition.md); of a column, whose metrics share their labels, the labels' text alone.
Formats: Prometheus text 0.0.4 and OpenMetrics 1.0.0.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from metrics.formats import OPENMETRICS, TEXT, Format, negotiate
from metrics.model import Column, Counter, Distribution, Histogram, Keys, Labels, Metric, Sample, Single

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

__all__ = ["OPENMETRICS", "TEXT", "ClientCollector", "Format", "Renderer", "escape", "expanded", "negotiate", "number"]

_SPARE_PREFIXES = 64
_PIECE, _ROWS = 64 * 2**10, 1000  # bytes from which a piece is handed out; rows that are made at once


def _replaced(error: UnicodeError) -> tuple[bytes, int]:
    """One U+FFFD for each run of surrogates: file names that are not UTF-8 must not fail a scrape (node_exporter does so too)."""
    assert isinstance(error, UnicodeEncodeError)
    return b"\xef\xbf\xbd", error.end


codecs.register_error("metrics.expose", _replaced)


def escape(value: str) -> str:
    """A label value as both formats write it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _valid(text: str) -> str:
    return text.encode("utf-8", "metrics.expose").decode("utf-8")


def number(value: float) -> str:
    """A value as both formats write it; integers keep all their digits."""
    text = repr(value)
    if text[-1] not in "fne":
        return text
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text) or repr(int(value))


def _label_text(names: Iterable[str], values: Iterable[str]) -> str:
    return ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))


def _label_texts(metric: Metric, keys: Keys) -> list[bytes]:
    """`{label="value"} ` for each row."""
    inner = (_label_text(metric.labels, labels) for labels in keys)
    return [("{" + text + "} " if text else " ").encode("utf-8", "metrics.expose") for text in inner]


def expanded(sample: Sample) -> Iterator[Single]:
    """A sample as it is, a column as a sample for each of its values."""
    metric, labels, value = sample
    if not isinstance(value, Column):
        yield metric, labels, value
        return
    for row, item in zip(value.keys.rows, value.unpacked(), strict=True):
        if item is not None:
            yield metric, row, int(item) if isinstance(item, bytes) else item


def bucket_bounds(metric: Histogram) -> list[str]:
    """The values of `le`, +Inf included, as both formats and every Prometheus write them."""
    return [*(number(float(bound)) for bound in metric.buckets), "+Inf"]


class _HistogramPrefixes(NamedTuple):
    """The text before each value of one histogram child."""

    buckets: list[str]
    number: str
    total: str


class _FamilyCache:
    """What stays the same about one metric from scrape to scrape: its header lines and the text before its values."""

    def __init__(self, metric: Metric, *, openmetrics: bool) -> None:
        self.metric = metric
        self.prefixes: dict[Labels, str] = {}
        self.buckets: dict[Labels, _HistogramPrefixes] = {}
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
        for prefix, count in zip(prefixes.buckets, value.counts, strict=True):
            total += count
            lines.append(f"{prefix}{total}\n")
        return f"{''.join(lines)}{prefixes.number}{total}\n{prefixes.total}{number(value.sum)}\n"

    def _bucket_prefixes(self, labels: Labels) -> _HistogramPrefixes:
        assert isinstance(self.metric, Histogram)
        name, inner = self.metric.name, _label_text(self.metric.labels, labels)
        separator = "," if inner else ""
        buckets = [f'{name}_bucket{{{inner}{separator}le="{bound}"}} ' for bound in bucket_bounds(self.metric)]
        plain = "{" + inner + "} " if inner else " "
        prefixes = self.buckets[labels] = _HistogramPrefixes(buckets, f"{name}_count{plain}", f"{name}_sum{plain}")
        return prefixes

    def forget_unused(self, live: int) -> None:
        """Label values that come and go must not fill the memory."""
        if len(self.prefixes) + len(self.buckets) > 2 * live + _SPARE_PREFIXES:
            self.prefixes.clear()
            self.buckets.clear()


class Renderer:
    """Turns samples into one exposition; keep it from scrape to scrape. Not thread-safe: one renderer per thread."""

    def __init__(self) -> None:
        self._text: dict[Metric, _FamilyCache] = {}
        self._openmetrics: dict[Metric, _FamilyCache] = {}
        self._labels: dict[tuple[Keys, Labels], list[bytes]] = {}

    def render(self, samples: Iterable[Sample], wanted: Format | None = None) -> bytes:
        """The exposition of `samples` in any order: each family once, in order of first appearance.

        Surrogates in label values become U+FFFD. Raises ValueError when a sample has not as many label values as its metric
        has labels, a histogram not as many counts as it has buckets, or a column not as many values as keys.
        """
        wanted = wanted or Format()
        body = b"".join(self.parts(samples, openmetrics=wanted.openmetrics))
        return gzip.compress(body, compresslevel=1, mtime=0) if wanted.gzip else body

    def parts(self, samples: Iterable[Sample], *, openmetrics: bool = False) -> Iterator[bytes]:
        """The same, uncompressed, a piece at a time: the text of a whole wide scrape is never in the memory at once."""
        caches = self._openmetrics if openmetrics else self._text
        families: dict[Metric, tuple[_FamilyCache, list[str]]] = {}
        columns: dict[Metric, list[Column]] = {}
        for metric, labels, value in samples:
            found = families.get(metric)
            if found is None:
                cache = caches.get(metric)
                if cache is None:
                    cache = caches[metric] = _FamilyCache(metric, openmetrics=openmetrics)
                found = families[metric] = (cache, [cache.header])
            cache, lines = found
            if isinstance(value, Column):
                if len(value.keys) != len(value.values):
                    raise ValueError(f"{metric.name}: {len(value.values)} values for {len(value.keys)} rows")
                columns.setdefault(metric, []).append(value)
                continue
            if isinstance(value, Distribution):
                lines.append(cache.histogram(labels, value))
                continue
            prefix = cache.prefixes.get(labels) or cache.prefix(labels)
            text = repr(value)
            lines.append(f"{prefix}{text if text[-1] not in 'fne' else number(value)}\n")
        for cache, lines in families.values():
            cache.forget_unused(len(lines))
        return self._pieces(families, columns, openmetrics=openmetrics)

    def _pieces(
        self,
        families: dict[Metric, tuple[_FamilyCache, list[str]]],
        columns: dict[Metric, list[Column]],
        *,
        openmetrics: bool,
    ) -> Iterator[bytes]:
        used: dict[tuple[Keys, Labels], list[bytes]] = {}
        small: list[bytes] = []  # what is short goes together
        size = 0
        for metric, (_, lines) in families.items():
            header: list[bytes] = ["".join(lines).encode("utf-8", "metrics.expose")]
            if len(lines) > 1:
                small, header = small + header, []
            for column in columns.get(metric, ()):
                for piece in self._column(metric, column, used):
                    small += [*header, piece]  # no header for a column without a value
                    header, size = [], size + len(piece)
                    if size > _PIECE:
                        yield b"".join(small)
                        small, size = [], 0
        self._labels = used
        yield b"".join([*small, b"# EOF\n"] if openmetrics else small)

    def _column(self, metric: Metric, column: Column, used: dict[tuple[Keys, Labels], list[bytes]]) -> Iterator[bytes]:
        """The lines of a column. Its values stand as they are where they are bytes, which costs a fifth of a look-up each."""
        keys, values = column.keys, column.unpacked()
        if not values:
            return
        key = (keys, metric.labels)
        texts = used.get(key)
        if texts is None:
            texts = used[key] = self._labels.get(key) or _label_texts(metric, keys)
        if None in values:
            present = [(text, value) for text, value in zip(texts, values, strict=True) if value is not None]
            if not present:
                return
            texts, values = zip(*present, strict=True)  # type: ignore[assignment]  # sequences of the same things
        if values[0].__class__ is not bytes:
            values = [number(value).encode("ascii") for value in values]  # type: ignore[arg-type]  # a column is of one kind
        name = metric.name.encode("ascii")
        between = b"\n" + name
        for start in range(0, len(values), _ROWS):
            part = slice(start, start + _ROWS)
            yield b"".join((name, between.join(map(add, texts[part], values[part])), b"\n"))


class ClientCollector:
    """The same samples behind prometheus_client's collector interface, for a program that has a registry of its own."""

    def __init__(self, source: Callable[[], Iterable[Sample]]) -> None:
        self._source = source

    def collect(self) -> Iterator[Family]:
        """prometheus_client's metric families, one per declared metric that has samples."""
        # Imported here because only this interface needs it, and a service's memory counts.
        from prometheus_client.metrics_core import Metric as Family

        families: dict[Metric, Family] = {}
        for metric, labels, value in chain.from_iterable(map(expanded, self._source())):
            name = metric.name.removesuffix("_total") if isinstance(metric, Counter) else metric.name
            kind = metric.type
            if isinstance(metric, Counter) and not metric.name.endswith("_total"):
                kind = "unknown"  # prometheus_client would append `_total`; upstream's name must stay
            family = families.setdefault(metric, Family(name, metric.help, kind))
            values = {name: _valid(text) for name, text in zip(metric.labels, labels, strict=True)}
            if not isinstance(value, Distribution):
                family.add_sample(metric.name, values, value)
                continue
            assert isinstance(metric, Histogram)
            total = 0
            for bound, count in zip(bucket_bounds(metric), value.counts, strict=True):
                total += count
                family.add_sample(f"{metric.name}_bucket", values | {"le": bound}, total)
            family.add_sample(f"{metric.name}_count", values, total)
            family.add_sample(f"{metric.name}_sum", values, value.sum)
        yield from families.values()
