"""How long commands took, as a histogram, and the latency monitor's events."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.resp import Answer
from exporters.redis.session import Asking, Server, Session
from metrics.model import Distribution, Sample
from metrics.redis import commands as m


class Latency:
    """The histogram of each command's latency, and events that took long."""

    name = "latency"
    help = "The histogram of each command's latency, and the last spike of each kind of event."
    emits = (m.LATENCY, m.SPIKE_AT, m.SPIKE)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._histogram: Answer = None
        self._events: Answer = None

    def ask(self, server: Server) -> Asking:
        """Both in one go; a Sentinel has neither."""
        self._histogram = self._events = None
        if not server.sentinel:
            self._histogram, self._events = yield (("LATENCY", "HISTOGRAM"), ("LATENCY", "LATEST"))

    def collect(self) -> Iterator[Sample]:
        """What was answered; then the first refusal."""
        self._session.check(self.name)
        refusal = next((answer for answer in (self._histogram, self._events) if isinstance(answer, ServerError)), None)
        if isinstance(self._histogram, list):
            times = {row[0]: int(row[2]) for row in info.commands(self._session.info)}
            for raw, details in zip(self._histogram[::2], self._histogram[1::2], strict=True):
                yield m.LATENCY, (info.name_of(raw),), distribution(details[1], details[3], times.get(raw, 0))
        for event, at, milliseconds, *_ in self._events if isinstance(self._events, list) else ():
            name = info.name_of(event)
            yield m.SPIKE_AT.sample(at, name)
            yield m.SPIKE.sample(milliseconds / 1000, name)
        if refusal:
            raise refusal


def distribution(calls: int, cumulated: list[int], microseconds: int) -> Distribution:
    """From the server's levels, those where the count grows: an upper bound, the count up to it, the next."""
    counts, before = [0] * (len(m.LEVELS) + 1), 0
    for level, count in zip(cumulated[::2], cumulated[1::2], strict=True):
        counts[bisect_left(m.LEVELS, level)] += count - before
        before = count
    counts[-1] += max(0, calls - before)
    return Distribution(counts, microseconds)
