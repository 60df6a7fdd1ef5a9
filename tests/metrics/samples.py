"""Strategies for samples: any label value, any number, any histogram, over a few declared shapes of metric."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from metrics.model import Column, Counter, Distribution, Gauge, Histogram, Keys, Packed, Sample, Unit

HELP = 'Help with a backslash \\, a "quote" and\na second line.'
PLAIN = Gauge("wf_plain", HELP, Unit.BYTES)
LABELLED = Gauge("wf_labelled", HELP, labels=("a", "b"))
TOTAL = Counter("wf_total", HELP, labels=("a",))
UPSTREAM = Counter("wf_upstream_counter", "A counter whose upstream name lacks `_total`.", labels=("a",))
TIMES = Histogram("wf_times_seconds", HELP, Unit.SECONDS, buckets=(0.005, 1, 2.5, 1e6))
LABELLED_TIMES = Histogram("wf_labelled_times_seconds", HELP, Unit.SECONDS, labels=("a",), buckets=(0.1,))

# Surrogates included: they are what Python makes of file names that are not UTF-8.
label_values = st.one_of(st.text(), st.text(alphabet='\\"\n\r\t{},= ü\udc80\ud800\x00\u2028'))
numbers = st.one_of(st.floats(), st.integers(-(10**300), 10**300), st.booleans())
# Parsers read every value as a float, so a total keeps its digits up to 2**53.
totals = st.one_of(st.floats(min_value=0), st.integers(min_value=0, max_value=2**53))


def distributions(metric: Histogram) -> st.SearchStrategy[Distribution]:
    counts = st.lists(st.integers(0, 2**40), min_size=len(metric.buckets) + 1, max_size=len(metric.buckets) + 1)
    return st.builds(Distribution, counts, st.floats(min_value=0, allow_infinity=False))


WIDE = Gauge("wf_wide", HELP, labels=("a", "b"))


def _columns() -> st.SearchStrategy[Sample]:
    """A column of bytes, or of numbers, some without a value; rows are no two alike once surrogates are replaced."""
    digits = st.integers(-(2**53), 2**53).map(lambda value: str(value).encode())
    cells: st.SearchStrategy[list[Any]] = st.one_of(
        *(st.lists(st.tuples(label_values, label_values, st.none() | kind), max_size=6) for kind in (digits, numbers))
    )

    def column(rows: list[tuple[str, str, bytes | float | None]]) -> Sample:
        seen: dict[tuple[bytes, bytes], tuple[str, str, bytes | float | None]] = {}
        for a, b, value in rows:
            seen.setdefault((a.encode("utf-8", "metrics.expose"), b.encode("utf-8", "metrics.expose")), (a, b, value))
        values = [value for _, _, value in seen.values()]
        digits = [value for value in values if isinstance(value, bytes)]
        packed = Packed(b"\n".join(value or b"" for value in digits), len(values)) if len(digits) == len(values) else values
        return WIDE, (), Column(Keys([(a, b) for a, b, _ in seen.values()]), packed)

    return cells.map(column)


def _one() -> st.SearchStrategy[Sample]:
    return st.one_of(
        st.builds(PLAIN.sample, numbers),
        st.builds(LABELLED.sample, numbers, label_values, label_values),
        st.builds(TOTAL.sample, totals, label_values),
        st.builds(UPSTREAM.sample, totals, label_values),
        st.builds(TIMES.sample, distributions(TIMES)),
        st.builds(LABELLED_TIMES.sample, distributions(LABELLED_TIMES), label_values),
        _columns(),
    )


def _visible(sample: Sample) -> tuple[object, ...]:
    """What makes two samples one series once surrogates are replaced."""
    metric, labels, _ = sample
    return (metric.name, *(label.encode("utf-8", "metrics.expose") for label in labels))


scrapes = st.lists(_one(), max_size=12, unique_by=_visible)
