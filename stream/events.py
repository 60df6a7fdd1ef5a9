"""The event bus of one process: who has something to tell emits it, who wants to know listens.

Names of events, and what each carries:

    dataSourceData          RawMessage
    dataSourceConnected     SourceEvent
    dataSourceDisconnected  SourceEvent
    dataSourceError         SourceEvent
    processedData           stream.messages.Update
    processorError          ProcessorError
    clientSubscription      ClientSubscription
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

_LOG = logging.getLogger("watchfloor.stream.feed")


class Event(StrEnum):
    """What is told on the bus."""

    SOURCE_DATA = "dataSourceData"
    SOURCE_CONNECTED = "dataSourceConnected"
    SOURCE_DISCONNECTED = "dataSourceDisconnected"
    SOURCE_ERROR = "dataSourceError"
    PROCESSED = "processedData"
    PROCESSOR_ERROR = "processorError"
    CLIENT_SUBSCRIPTION = "clientSubscription"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something happened to a source; `reason` is a word of metrics.feed.FAILURES, `detail` what a person reads."""

    source: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProcessorError:
    """A processor's run failed; what it held is lost, the next run goes on."""

    processor: str
    detail: str


@dataclass(frozen=True, slots=True)
class ClientSubscription:
    """A client has joined a room."""

    client: str
    room: str
    filtered: bool


Handler: TypeAlias = Callable[[Any], Awaitable[None] | None]


class EventBus:
    """Calls handlers in the order in which they came; a handler that fails is logged and counted, the others run all the same."""

    def __init__(self) -> None:
        self._handlers: dict[Event, list[Handler]] = {event: [] for event in Event}
        self._running: set[asyncio.Future[None]] = set()
        self.errors: dict[Event, int] = dict.fromkeys(Event, 0)

    def on(self, name: Event | str, handler: Handler) -> Callable[[], None]:
        """Has `handler` called with each event of that name; returns what ends it. Raises ValueError for an unknown name."""
        handlers = self._handlers[Event(name)]
        handlers.append(handler)
        return lambda: handlers.remove(handler) if handler in handlers else None

    def emit(self, name: Event, event: object) -> None:
        """Tells all handlers: plain ones at once, coroutines as tasks. Never raises."""
        for handler in tuple(self._handlers[name]):
            try:
                pending = handler(event)
            except Exception as error:  # noqa: BLE001  # the bus's edge: one listener must not silence the others
                self._failed(name, error)
                continue
            if pending is not None:
                self._follow(name, pending)

    def _follow(self, name: Event, pending: Awaitable[None]) -> None:
        task = asyncio.ensure_future(pending)
        self._running.add(task)

        def done(ended: asyncio.Future[None]) -> None:
            self._running.discard(ended)
            error = None if ended.cancelled() else ended.exception()
            if error is not None:
                self._failed(name, error)

        task.add_done_callback(done)

    def _failed(self, name: Event, error: BaseException) -> None:
        self.errors[name] += 1
        _LOG.error("listener failed", exc_info=error, extra={"event": "listener_failed", "of": str(name)})

    async def drain(self) -> None:
        """Waits for the coroutines that are still running."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
