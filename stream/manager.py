"""The stream manager: runs sources and processors, and hands what comes out to the publisher and the sinks.

    source -> dataSourceData -> processor (buffer, interval, window) -> processedData -> publish, sinks

A source or processor that fails is logged, counted and goes on by its rules; the others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from metrics import feed
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from settings import Site
from settings.feeds import Source as SourceSettings
from stream.events import Event, EventBus, ProcessorError, SourceEvent
from stream.messages import Update
from stream.processors.base import Processor, Shape
from stream.processors.market import MarketProcessor
from stream.processors.onchain import OnchainProcessor
from stream.processors.sentiment import SentimentProcessor
from stream.sink import LastValues, Sink
from stream.sources.base import Clock, Description, RawMessage, Source, State, pause
from stream.sources.build import Builder

_LOG = logging.getLogger("watchfloor.stream.feed")
_FLUSH_SECONDS = 5.0  # how long an orderly end may take

Publish: TypeAlias = Callable[[Update], bool]


class Turns(Protocol):
    """Who runs a source: exactly one of several instances."""

    async def turn(self, name: str) -> None:
        """Waits until this instance runs it."""
        ...

    async def end(self, name: str) -> None:
        """Waits until it does not any more."""
        ...


class StreamManager:
    """Sources, processors and what connects them. `publish` returns False, or raises, when it cannot take an update."""

    def __init__(
        self, sources: Sequence[Source], processors: Sequence[Processor], publish: Publish, counts: Instruments,
        *, restart_seconds: float = 5.0, sinks: Sequence[Sink] = (), bus: EventBus | None = None, clock: Clock | None = None,
        turns: Turns | None = None,
    ) -> None:  # fmt: skip
        self.sources = tuple(sources)
        self.processors = {processor.name: processor for processor in processors}
        self.bus = bus or EventBus()
        self.last = LastValues()
        self._publish = publish
        self._counts = counts
        self._restart_seconds = restart_seconds
        self._sinks: tuple[Sink, ...] = (self.last, *sinks)
        self._clock = clock or Clock()
        self._turns = turns
        self._stop = asyncio.Event()
        self._endings: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._by_room = {processor.room: processor.name for processor in processors}
        self.bus.on(Event.SOURCE_DATA, self._received)
        self.bus.on(Event.PROCESSED, self._processed)

    # -- life --------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Starts everything; needs a running loop."""
        for processor in self.processors.values():
            self._tasks.append(asyncio.create_task(self._drive(processor), name=f"processor {processor.name}"))
        for source in self.sources:
            self._tasks.append(asyncio.create_task(self._run(source), name=f"source {source.name}"))

    async def stop(self) -> None:
        """Ends sources, runs processors once more, and closes the sinks; what does not end in 5 s is cut off."""
        self._stop.set()
        for ending in self._endings:
            ending.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_FLUSH_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for processor in self.processors.values():
            self._flush(processor)
        await self.bus.drain()
        for sink in self._sinks:
            await sink.close()
        self._tasks.clear()

    async def _run(self, source: Source) -> None:
        """Runs a source while it is this instance's turn, again and again should it raise."""
        while not self._stop.is_set():
            try:
                await self._run_in_turn(source)
            except Exception as error:  # noqa: BLE001  # a task's edge: whatever a source raises, it is started again
                source.vitals.state = State.RECONNECTING
                source.vitals.detail = f"{type(error).__name__}: {error}"
                self._counts.inc(feed.SOURCE_FAILURES, source.name, "crash")
                _LOG.exception("source crashed, it is started again", extra={"event": "source_crashed", "source": source.name})
                self.bus.emit(Event.SOURCE_ERROR, SourceEvent(source.name, "crash", source.vitals.detail))
                await pause(self._stop, self._restart_seconds)
        source.vitals.state = State.STOPPED

    async def _run_in_turn(self, source: Source) -> None:
        """Runs a source from the beginning of this instance's turn to its end; all the time where there are no turns."""
        if self._turns is None:
            await source.run(self._emitted, self._stop)
            return
        source.vitals.state = State.STANDBY
        turn, stop = asyncio.create_task(self._turns.turn(source.name)), asyncio.create_task(self._stop.wait())
        await asyncio.wait((turn, stop), return_when=asyncio.FIRST_COMPLETED)
        turn.cancel()
        stop.cancel()
        if self._stop.is_set():
            return
        ending = asyncio.Event()
        self._endings.add(ending)
        end = asyncio.create_task(self._turns.end(source.name))
        end.add_done_callback(lambda _: ending.set())
        _LOG.info("runs source %s", source.name, extra={"event": "source_taken", "source": source.name})
        try:
            await source.run(self._emitted, ending)
        finally:
            end.cancel()
            self._endings.discard(ending)

    def heard(self, room: str) -> None:
        """Something has come for a room: the source that another instance runs is alive."""
        for source in self.sources:
            if source.room == room and source.vitals.state is State.STANDBY:
                source.vitals.heard()

    async def _drive(self, processor: Processor) -> None:
        """Runs a processor at its interval, by the clock and not after the run, so that it does not drift."""
        interval = processor.shape.interval_ms / 1000
        due = self._clock.steady() + interval
        while not await pause(self._stop, max(0.0, due - self._clock.steady())):
            self._flush(processor)
            due = max(due + interval, self._clock.steady())

    # -- data --------------------------------------------------------------------------------------------------------
    def _emitted(self, message: RawMessage) -> None:
        self.bus.emit(Event.SOURCE_DATA, message)

    def _received(self, message: RawMessage) -> None:
        self.processors[message.source].add(message, message.received_ms)

    def _flush(self, processor: Processor) -> None:
        began = time.perf_counter()
        try:
            updates = processor.flush(self._clock.now_ms())
        except Exception as error:  # noqa: BLE001  # the same: one bad run must not end the processor
            self._counts.inc(feed.PROCESSOR_ERRORS, processor.name)
            _LOG.exception("processor failed", extra={"event": "processor_failed", "processor": processor.name})
            self.bus.emit(Event.PROCESSOR_ERROR, ProcessorError(processor.name, f"{type(error).__name__}: {error}"))
            return
        finally:
            self._counts.observe(feed.DURATION, time.perf_counter() - began, processor.name)
        for update in updates:
            self.bus.emit(Event.PROCESSED, update)

    def _processed(self, update: Update) -> None:
        for sink in self._sinks:
            try:
                sink.write(update)
            except Exception:  # noqa: BLE001  # the same: the room must be told, whatever a sink does
                self._counts.inc(feed.SINK_ERRORS, sink.name)
                _LOG.exception("sink failed", extra={"event": "sink_failed", "sink": sink.name})
        taken = False
        try:
            taken = self._publish(update)
        finally:
            self._counts.inc(feed.UPDATES, self._by_room[update.room], "published" if taken else "refused")

    # -- what is told of it ------------------------------------------------------------------------------------------
    def describe(self, room: str) -> Description | None:
        """By what a room is fed; None for a room that no source feeds."""
        return next((source.describe() for source in self.sources if source.room == room), None)

    @property
    def degraded(self) -> list[str]:
        """What is wrong with sources, in sentences; empty when nothing is."""
        found = []
        for source in self.sources:
            vitals = source.vitals
            if vitals.state is State.FAILED:
                found.append(f"source {source.name} has failed: {vitals.detail}")
            elif vitals.stale:
                found.append(f"source {source.name} has told nothing for {vitals.age:.0f} s")
        return found

    def samples(self) -> Iterator[Sample]:
        """The samples of now, for the admin port."""
        yield from self._counts.collect()
        for source in self.sources:
            name, vitals = source.name, source.vitals
            for state in feed.STATES:
                yield feed.SOURCE_STATE.sample(int(vitals.state == state), name, state)
            yield feed.SOURCE_INFO.sample(1, name, source.describe().kind)
            yield feed.MESSAGE_AGE.sample(vitals.age, name)
            yield feed.STALE.sample(int(vitals.stale), name)
        for processor in self.processors.values():
            yield feed.BUFFER.sample(processor.waiting, processor.name)
            yield feed.BUFFER_LIMIT.sample(processor.shape.buffer, processor.name)
            yield feed.SYMBOLS.sample(processor.symbols, processor.name)
        yield feed.LISTENER_ERRORS.sample(sum(self.bus.errors.values()))

    def snapshot(self, server: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The same as one object ready for JSON: per source, per processor, and of the server what is given."""
        counted: dict[tuple[str, str], dict[str, float]] = {}
        for metric, labels, value in self._counts.collect():
            if labels and isinstance(value, int | float):
                short = metric.name.removeprefix("feed_").removesuffix("_total")
                key = "_".join((short.removeprefix("source_").removeprefix("processor_"), *labels[1:]))
                counted.setdefault((metric.labels[0], labels[0]), {})[key] = value
        sources = {
            source.name: {
                "state": source.state.value, "kind": source.describe().kind, "text": source.describe().text,
                "age_seconds": source.vitals.age, "stale": source.vitals.stale, "detail": source.vitals.detail,
                **counted.get(("source", source.name), {}),
            }
            for source in self.sources
        }  # fmt: skip
        processors = {
            name: {"buffer": processor.waiting, "symbols": processor.symbols, **counted.get(("processor", name), {})}
            for name, processor in self.processors.items()
        }
        return {"sources": sources, "processors": processors, "server": dict(server or {})}


def build_manager(
    site: Site, publish: Publish, *, sinks: Sequence[Sink] = (), bus: EventBus | None = None, clock: Clock | None = None,
    turns: Turns | None = None,
) -> StreamManager:  # fmt: skip
    """The manager of a site's sources. Raises SettingsError for a key's file that cannot be used."""
    clock, bus = clock or Clock(), bus or EventBus()
    counts = Instruments(feed.COUNTED)
    sources, wanted = Builder(site, clock, counts, bus).build(), site.stream.sources
    processors = (
        MarketProcessor(_shape(wanted.market), round(seconds(wanted.market.bar) * 1000), counts),
        OnchainProcessor(_shape(wanted.onchain), counts),
        SentimentProcessor(_shape(wanted.sentiment), counts),
    )
    return StreamManager(sources, processors, publish, counts, sinks=sinks, bus=bus, clock=clock, turns=turns)


def _shape(source: SourceSettings) -> Shape:
    return Shape(source.buffer, round(seconds(source.interval) * 1000), round(seconds(source.window) * 1000))
