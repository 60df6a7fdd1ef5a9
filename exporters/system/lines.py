"""Picking single values out of files with many lines: a search for each is cheaper than splitting them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metrics.model import Metric, Sample


def keys(metrics: Mapping[str, Metric]) -> dict[bytes, Metric]:
    """The metrics by the bytes that stand before their values: newline, name, blank."""
    return {b"\n" + name.encode() + b" ": metric for name, metric in metrics.items()}


def pick(data: bytes, wanted: Mapping[bytes, Metric]) -> Iterator[Sample]:
    """The whole number after each of `keys()` that the file has; blanks around it, and what follows it, do not matter."""
    data = b"\n" + data
    for key, metric in wanted.items():
        start = data.find(key)
        if start >= 0:
            start += len(key)
            end = data.find(b"\n", start)
            yield metric, (), int(data[start : end if end >= 0 else None].split(None, 1)[0])
