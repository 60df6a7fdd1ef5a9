"""What a source is: it runs until it is told to stop, hands over raw messages, and keeps its own vital signs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from metrics import feed
from metrics.instruments import Instruments


class State(StrEnum):
    """The life of a source; the values are those of `feed_source_state`."""

    STANDBY = "standby"  # another instance runs it
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"


class SourceError(Exception):
    """A connection has ended or could not be made; `reason` is a word of metrics.feed.FAILURES."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        assert reason in feed.FAILURES
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One item of a source, by our field names.

    `payload` holds "symbol" and what the source's fields say: amounts as Decimal, figures as float; or "bars", the past as
    (start ms, open, high, low, close, volume) of `bar_ms` each. Times are ms UTC; `source_ms` is that of the source.
    """

    source: str
    payload: Mapping[str, Any]
    received_ms: int
    source_ms: int


Emit = Callable[[RawMessage], None]


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of the feed, in seconds: of the wall (Unix time) and one that only goes on."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic

    def now_ms(self) -> int:
        """Unix time in ms."""
        return int(self.wall() * 1000)


@dataclass(frozen=True, slots=True)
class Description:
    """By what a source is fed: a word of metrics.feed.KINDS, and the sentence that people read."""

    kind: str
    text: str


@dataclass(slots=True)
class Vitals:
    """What a source knows of itself: numbers that change on the loop and are read by a scrape.

    Times are of the steady clock; `counts` may be shared with other sources, because every child carries the source's name.
    """

    name: str
    clock: Clock
    stale_after: float
    counts: Instruments = field(default_factory=lambda: Instruments(feed.COUNTED))
    state: State = State.CONNECTING
    last_message_at: float | None = None
    detail: str = ""
    started_at: float = 0.0

    def __post_init__(self) -> None:
        self.started_at = self.clock.steady()

    @property
    def age(self) -> float:
        """Seconds since the last good message, or since the start."""
        return self.clock.steady() - (self.started_at if self.last_message_at is None else self.last_message_at)

    @property
    def stale(self) -> bool:
        """Whether the last good message is too old."""
        return self.age > self.stale_after

    def heard(self) -> None:
        """Another instance, which runs the source, has sent something of it."""
        self.last_message_at = self.clock.steady()

    def good(self, message: RawMessage) -> None:
        """Counts one good item."""
        self.last_message_at = self.clock.steady()
        self.counts.inc(feed.MESSAGES, self.name)
        if "bars" in message.payload:
            return  # the past is late by its nature
        self.counts.observe(feed.DELAY, max(0, message.received_ms - message.source_ms) / 1000, self.name)


class Source(Protocol):
    """Hands over what it gets until it is told to stop. `run` returns then, and raises only for faults in the program."""

    name: str
    room: str
    vitals: Vitals

    @property
    def state(self) -> State:
        """Where it is in its life."""
        ...

    @property
    def last_message_at(self) -> float | None:
        """When the last good message came, by the steady clock; None before the first."""
        ...

    def describe(self) -> Description:
        """By what it is fed."""
        ...

    async def run(self, emit: Emit, stop: asyncio.Event) -> None:
        """Emits messages until `stop` is set."""
        ...


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long, or until `stop` is set; returns whether it is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
