"""Calls, time, refusals and failures of each command, and the percentiles of its latency; errors by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from exporters.redis import info
from exporters.redis.info import Info
from exporters.redis.session import Session
from metrics.model import Column, Keys, Labels, Sample
from metrics.redis import commands as m
from metrics.redis import stats


class Kept:
    """The keys of a column, the same object as long as the rows are called the same."""

    def __init__(self) -> None:
        self._last: object = None
        self._keys = Keys(())

    def keys(self, raw: object, rows: Callable[[], Sequence[Labels]]) -> Keys:
        """The keys of what the server calls `raw`; `rows` makes their labels of it."""
        if raw != self._last:
            self._last, self._keys = raw, Keys(rows())
        return self._keys

    def named(self, names: Sequence[bytes]) -> Keys:
        """The keys of rows that have one label, a name."""
        return self.keys(names, lambda: [(info.name_of(name),) for name in names])


class Commands:
    """Commands, as INFO tells of them."""

    name = "commands"
    help = "Calls, time, refusals, failures and latency percentiles of each command; errors by kind."
    emits = (
        m.CALLS, m.SECONDS, m.REJECTED, m.FAILED, m.PERCENTILE, m.PERCENTILE_SUM, m.PERCENTILE_COUNT, stats.ERRORS,
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls, self._latency, self._quantiles, self._errors = Kept(), Kept(), Kept(), Kept()

    def collect(self) -> Iterator[Sample]:
        """A row for each command that was ever called."""
        found = self._session.info
        rows = info.commands(found)
        if rows:
            names, calls, microseconds, rejected, failed = zip(*rows, strict=True)
            keys = self._calls.named(names)
            yield m.CALLS, (), Column(keys, calls)
            yield m.SECONDS, (), Column(keys, [int(value) / 1e6 for value in microseconds])
            yield m.REJECTED, (), Column(keys, [value or None for value in rejected])
            yield m.FAILED, (), Column(keys, [value or None for value in failed])
        yield from self._percentiles(found, {row[0]: row for row in rows})
        if errors := info.errors(found):
            keys = self._errors.named([name for name, _ in errors])
            yield stats.ERRORS, (), Column(keys, [count for _, count in errors])

    def _percentiles(self, found: Info, by_name: dict[bytes, tuple[bytes, ...]]) -> Iterator[Sample]:
        told = [(name, [part.split(b"=", 1) for part in text.split(b",")]) for name, text in info.percentiles(found)]
        quantiles = [(name, part[0]) for name, parts in told for part in parts]
        if quantiles:
            keys = self._quantiles.keys(
                quantiles, lambda: [(info.name_of(name), percent[1:].decode("ascii", "replace")) for name, percent in quantiles]
            )
            yield m.PERCENTILE, (), Column(keys, [float(part[-1]) for _, parts in told for part in parts])
        known = [row for name, _ in told if (row := by_name.get(name))]
        if known:
            keys = self._latency.named([row[0] for row in known])
            yield m.PERCENTILE_SUM, (), Column(keys, [row[2] for row in known])
            yield m.PERCENTILE_COUNT, (), Column(keys, [row[1] for row in known])
