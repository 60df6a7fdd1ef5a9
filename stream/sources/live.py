"""A live source: a transport that brings messages, a reader that checks them, and the rules by which it connects again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from metrics import feed
from stream.events import Event, EventBus, SourceEvent
from stream.sources.base import Description, Emit, RawMessage, SourceError, State, Vitals, pause
from stream.sources.mapping import Reader, Reading
from stream.sources.reconnect import Attempts

_LOG = logging.getLogger("watchfloor.stream.feed")


class Link(Protocol):
    """What a transport tells the source of."""

    def connected(self) -> None:
        """It can now bring messages."""
        ...

    def message(self, content: str | bytes) -> None:
        """It has brought one message, as JSON."""
        ...

    def items(self, trees: Sequence[Any]) -> None:
        """It has brought items, as JSON that is decoded already."""
        ...

    def item(self, message: RawMessage) -> None:
        """It has brought one item that needs no reading."""
        ...


class Transport(Protocol):
    """Brings messages by one connection, or by one series of requests."""

    description: Description
    drops_when_stale: bool

    async def session(self, link: Link) -> None:
        """Brings messages until the connection ends, which it says by SourceError."""
        ...


class LiveSource:
    """One source from outside."""

    def __init__(
        self, name: str, room: str, vitals: Vitals, transport: Transport, *, reader: Reader, attempts: Attempts, bus: EventBus
    ) -> None:
        self.name = name
        self.room = room
        self.vitals = vitals
        self._transport = transport
        self._reader = reader
        self._attempts = attempts
        self._bus = bus
        self._emit: Emit = lambda _: None
        self._since = 0.0  # when this connection began, or its last good message came
        self._linked = False
        self._told_stale = False

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self.vitals.state

    @property
    def last_message_at(self) -> float | None:
        """When the last good message came, by the steady clock; None before the first."""
        return self.vitals.last_message_at

    def describe(self) -> Description:
        """By what it is fed."""
        return self._transport.description

    async def run(self, emit: Emit, stop: asyncio.Event) -> None:
        """Connects, and connects again by the rules, until `stop` is set."""
        self._emit = emit
        while not stop.is_set():
            self._begin()
            try:
                await self._session(stop)
            except SourceError as error:
                wait = self._ended(error)
                if await pause(stop, wait):
                    break
        if self._linked:
            self._bus.emit(Event.SOURCE_DISCONNECTED, SourceEvent(self.name, "", "the server is stopping"))
        self.vitals.state = State.STOPPED

    # -- one connection ----------------------------------------------------------------------------------------------
    def _begin(self) -> None:
        self.vitals.counts.inc(feed.ATTEMPTS, self.name)
        self._since = self.vitals.clock.steady()
        self._linked = False

    async def _session(self, stop: asyncio.Event) -> None:
        """Runs one connection until it ends, goes stale, or `stop` is set. Raises SourceError for the first two."""
        session = asyncio.ensure_future(self._transport.session(self))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                left = self._since + self.vitals.stale_after - self.vitals.clock.steady()
                if left <= 0:
                    self._stale()
                    left = self.vitals.stale_after
                await asyncio.wait((session, stopping), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if session.done():
                    session.result()
                    raise SourceError("closed", "the connection ended")
        finally:
            await _ended((session, stopping))

    def _stale(self) -> None:
        """Nothing good has come for too long. Raises SourceError where a new connection may help."""
        detail = f"no message for {self.vitals.age:.3g} s"
        if self._transport.drops_when_stale:
            raise SourceError("stale", detail)
        self._since = self.vitals.clock.steady()
        if not self._told_stale:
            self._told_stale = True
            self._tell_error(SourceError("stale", detail))

    def _ended(self, error: SourceError) -> float:
        """Takes note of the end of a connection; returns the seconds to wait before the next."""
        wait = self._attempts.missed()
        self.vitals.counts.inc(feed.SOURCE_FAILURES, self.name, error.reason)
        failed = self._attempts.exhausted
        if failed and self.vitals.state is not State.FAILED:
            _LOG.error(
                "source has failed", extra={"event": "source_failed", "source": self.name, "attempts": self._attempts.in_a_row}
            )
        self.vitals.state = State.FAILED if failed else State.RECONNECTING
        self._tell_error(error)
        if self._linked:
            self._linked = False
            self._bus.emit(Event.SOURCE_DISCONNECTED, SourceEvent(self.name, error.reason, error.detail))
        return wait

    def _tell_error(self, error: SourceError) -> None:
        self.vitals.detail = error.detail
        told = {"event": "source_error", "source": self.name, "reason": error.reason, "detail": error.detail}
        _LOG.warning("source error", extra=told)
        self._bus.emit(Event.SOURCE_ERROR, SourceEvent(self.name, error.reason, error.detail))

    # -- what the transport tells ------------------------------------------------------------------------------------
    def connected(self) -> None:
        """The transport can bring messages; a source that had failed must bring one before it counts as well."""
        self._linked = True
        self._since = self.vitals.clock.steady()
        if self.vitals.state is State.RECONNECTING or self._attempts.in_a_row:
            self.vitals.counts.inc(feed.RECONNECTS, self.name)
        if not self._attempts.exhausted:
            self.vitals.state = State.CONNECTED
        told = {"event": "source_connected", "source": self.name, "address": self._transport.description.text}
        _LOG.info("source connected", extra=told)
        self._bus.emit(Event.SOURCE_CONNECTED, SourceEvent(self.name))

    def message(self, content: str | bytes) -> None:
        """Reads one message, counts what is wrong with it, and hands on what is good."""
        vitals = self.vitals
        vitals.counts.inc(feed.RECEIVED_BYTES, self.name, by=len(content))
        self._read(self._reader.read(content, vitals.clock.now_ms()))

    def items(self, trees: Sequence[Any]) -> None:
        """The same for items that a library has decoded."""
        self._read(self._reader.read_items(trees, self.vitals.clock.now_ms()))

    def _read(self, found: Reading) -> None:
        counts = self.vitals.counts
        for reason in found.bad:
            counts.inc(feed.BAD_MESSAGES, self.name, reason)
        if found.ignored:
            counts.inc(feed.IGNORED, self.name, by=found.ignored)
        for item in found.good:
            self.item(item)

    def item(self, message: RawMessage) -> None:
        """Hands one good item on."""
        self._attempts.succeeded()
        self._since = self.vitals.clock.steady()
        self._told_stale = False
        self.vitals.state, self.vitals.detail = State.CONNECTED, ""
        self.vitals.good(message)
        self._emit(message)


async def _ended(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancels what still runs, and waits for it; what it raises meanwhile has no more meaning."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
