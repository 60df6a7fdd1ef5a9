"""The queue before the fan-out: bounded, emptied in batches by the loop itself, never polled. For one event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from metrics import websocket as ws
from metrics.instruments import Instruments
from metrics.model import Sample
from stream.filters import Canonical
from stream.hub import Hub
from stream.messages import Told, Update
from stream.outlet import Outlet

LIMIT, BATCH, TIMEOUT = 10_000, 100, 5.0  # messages, messages, seconds
_LOG = logging.getLogger("watchfloor.stream")


@dataclass(frozen=True, slots=True)
class Broadcast:
    """To a room: numbered, and to each subscriber as its filters say."""

    update: Update


@dataclass(frozen=True, slots=True)
class Targeted:
    """To one client, by its id."""

    client: str
    message: Told


@dataclass(frozen=True, slots=True)
class Filtered:
    """To the members of a room that have these filters: not numbered."""

    room: str
    filters: Canonical
    message: Told


Message: TypeAlias = Broadcast | Targeted | Filtered
_KINDS: dict[type[Message], str] = {Broadcast: "broadcast", Targeted: "targeted", Filtered: "filtered"}


class QueueFullError(Exception):
    """The fan-out does not keep up: this message was not taken."""


class PublisherQueue:
    """Takes messages from publishers and hands them to the hub, at most `BATCH` in one turn of the loop.

    A message that waited longer than `TIMEOUT` is not sent any more; its room is told by a gap. Failed writes are tried again by
    the fan-out, on the connections concerned alone.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, hub: Hub, clients: Callable[[str], Outlet | None], instruments: Instruments
    ) -> None:
        self._loop, self._hub, self._clients, self._instruments = loop, hub, clients, instruments
        self._waiting: deque[tuple[float, Message]] = deque()
        self._scheduled = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """Takes a message. Raises QueueFullError when `LIMIT` are waiting."""
        kind = _KINDS[type(message)]
        if len(self._waiting) >= LIMIT:
            self._instruments.inc(ws.QUEUED, kind, "full")
            raise QueueFullError(f"{LIMIT} messages wait for the fan-out")
        self._instruments.inc(ws.QUEUED, kind, "accepted")
        self._waiting.append((time.monotonic(), message))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def publish(self, update: Update) -> bool:
        """Takes an update for its room; False when the queue is full."""
        try:
            self.put(Broadcast(update))
        except QueueFullError:
            return False
        return True

    def flush(self) -> None:
        """Hands over everything that waits, now."""
        while self._waiting:
            self._drain()

    def _drain(self) -> None:
        waiting = self._waiting
        now = time.monotonic()
        for _ in range(min(BATCH, len(waiting))):
            since, message = waiting.popleft()
            self._instruments.observe(ws.QUEUE_WAIT, now - since)
            try:
                self._handle(message, since, expired=now - since > TIMEOUT)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                # What a publisher got wrong costs its own message alone.
                self._instruments.inc(ws.DROPPED, "unusable")
                _LOG.warning("message dropped", extra={"event": "message_unusable", "reason": repr(error)[:200]})
        self._scheduled = bool(waiting)
        if waiting:
            self._loop.call_soon(self._drain)

    def _handle(self, message: Message, since: float, *, expired: bool) -> None:
        if expired:
            self._instruments.inc(ws.DROPPED, "timeout")
            if isinstance(message, Broadcast):
                self._hub.lose(message.update.room)
        elif isinstance(message, Broadcast):
            self._hub.publish(message.update, since)
        elif isinstance(message, Filtered):
            self._hub.filtered(message.room, message.filters, message.message)
        else:
            outlet = self._clients(message.client)
            if outlet is None:
                self._instruments.inc(ws.DROPPED, "absent")
            else:
                self._hub.tell(outlet, message.message)

    def collect(self) -> Iterator[Sample]:
        """How full it is."""
        yield ws.QUEUE_DEPTH.sample(len(self._waiting))
        yield ws.QUEUE_LIMIT.sample(LIMIT)
