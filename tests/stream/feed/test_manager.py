"""The manager: from settings to updates at the publisher and in the sinks; failures of one part stay with that part."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from metrics import feed as m
from metrics.expose import Renderer
from metrics.instruments import Instruments
from metrics.model import Sample
from settings import parse
from stream.events import Event, EventBus, ProcessorError, SourceEvent
from stream.manager import StreamManager, build_manager
from stream.messages import ROOMS, Update
from stream.processors.base import Shape
from stream.processors.onchain import OnchainProcessor
from stream.sink import LastValues
from stream.sources.base import Clock, Description, Emit, RawMessage, State, Vitals
from tests.stream.feed.servers import Feed, eventually, serving

FAST = "reconnect: 20ms, poll: 20ms, interval: 20ms"


@asynccontextmanager
async def started(manager: StreamManager) -> AsyncIterator[StreamManager]:
    manager.start()
    try:
        yield manager
    finally:
        async with asyncio.timeout(10):
            await manager.stop()


class Kept:
    """A publisher that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.full = False

    def __call__(self, update: Update) -> bool:
        if not self.full:
            self.updates.append(update)
        return not self.full

    def rooms(self) -> set[str]:
        return {update.room for update in self.updates}


def value(samples: list[Sample], metric: Any, *labels: str) -> Any:
    return next(found for which, at, found in samples if which is metric and at == labels)


def test_without_any_setting_the_replay_fills_every_room() -> None:
    async def story() -> None:
        kept = Kept()
        site = parse("stream: {replay: {rate: 200}, sources: {onchain: {interval: 20ms}, sentiment: {interval: 20ms}}}")
        async with started(build_manager(site, kept)) as manager:
            await eventually("all rooms and symbols", lambda: all(len(manager.last.symbols(room)) == 5 for room in ROOMS[:3]))
            assert manager.degraded == []
            assert manager.describe("market-data") is not None
            assert manager.describe("canary") is None
            first = next(update for update in kept.updates if update.room == "market-data")
            assert json.loads(json.dumps(first.data)) == first.data
            assert first.data["change_24h"] is not None
            assert first.data["ma200"] is not None
            assert first.data["histogram"] is not None
            latest = manager.last.snapshot("market-data")
            assert [update.symbol for update in latest] == ["BNB", "BTC", "ETH", "SOL", "XRP"]
        assert manager.last.snapshot("market-data") == []

    asyncio.run(story())


def test_live_sources_and_a_failing_one_side_by_side() -> None:
    async def story() -> None:
        prices, chain = Feed(greet=['{"symbol": "BTC", "price": "60000"}']), Feed(body=b'{"symbol": "BTC", "mvrv": 2.5}')
        async with serving(prices), serving(chain), serving(Feed()) as gone:
            settings = f"""
            stream:
              sources:
                market: {{endpoint: '{prices.ws_url}', {FAST}}}
                onchain: {{endpoint: '{chain.http_url}', {FAST}}}
                sentiment: {{endpoint: '{gone.ws_url.replace("stream", "nothing")}', {FAST}, attempts: 2}}
            """
            kept, bus, told = Kept(), EventBus(), list[str]()
            for event in Event:
                bus.on(event, lambda _, event=event: told.append(event))  # type: ignore[misc]  # the default binds the loop's value
            async with started(build_manager(parse(settings), kept, bus=bus)) as manager:
                await eventually("both rooms", lambda: kept.rooms() == {"market-data", "onchain-data"})
                await eventually("failure", lambda: manager.degraded)
                assert manager.degraded == ["source sentiment has failed: the handshake was answered with 404"]
                samples = list(manager.samples())
                assert value(samples, m.SOURCE_STATE, "sentiment", "failed") == 1
                assert value(samples, m.SOURCE_STATE, "market", "connected") == 1
                assert value(samples, m.SOURCE_FAILURES, "sentiment", "status") >= 2
                assert value(samples, m.SOURCE_INFO, "onchain", "http") == 1
                snapshot = manager.snapshot({"connections": 3})
                assert snapshot["sources"]["sentiment"]["state"] == "failed"
                assert snapshot["sources"]["market"]["messages"] == 1
                assert snapshot["processors"]["onchain"]["updates_published"] >= 1
                assert snapshot["server"] == {"connections": 3}
                json.dumps(snapshot)
            assert {"dataSourceData", "dataSourceConnected", "dataSourceDisconnected", "dataSourceError", "processedData"} <= set(
                told
            )

    asyncio.run(story())


class Moody:
    """A source with a fault in its program: it raises on its first two runs."""

    name, room = "onchain", "onchain-data"

    def __init__(self) -> None:
        self.vitals = Vitals("onchain", Clock(), 10)
        self.runs = 0

    @property
    def state(self) -> State:
        return self.vitals.state

    @property
    def last_message_at(self) -> float | None:
        return self.vitals.last_message_at

    def describe(self) -> Description:
        return Description("http", "a source with a fault")

    async def run(self, emit: Emit, stop: asyncio.Event) -> None:
        self.runs += 1
        if self.runs < 3:
            raise ZeroDivisionError("by design")
        emit(RawMessage("onchain", {"symbol": "BTC", "mvrv": 1.0}, 1, 1))
        await stop.wait()


class Picky(OnchainProcessor):
    """A processor with a fault in its program: it cannot bear a symbol."""

    def flush(self, now_ms: int = 0) -> list[Update]:
        updates = super().flush(now_ms)
        if any(update.symbol == "BAD" for update in updates):
            raise KeyError("BAD")
        return updates


def own(source: Any, publish: Any, bus: EventBus | None = None) -> tuple[StreamManager, Instruments]:
    counts = Instruments(m.COUNTED)
    processor = Picky(Shape(10, 10, 5000), counts)
    return StreamManager([source], [processor], publish, counts, restart_seconds=0.01, bus=bus), counts


def test_a_source_that_raises_is_started_again() -> None:
    async def story() -> None:
        kept, bus, errors = Kept(), EventBus(), list[SourceEvent]()
        bus.on(Event.SOURCE_ERROR, errors.append)
        manager, _ = own(Moody(), kept, bus)
        async with started(manager):
            await eventually("an update", lambda: kept.updates)
        assert [error.reason for error in errors] == ["crash", "crash"]
        assert "ZeroDivisionError" in errors[0].detail
        assert value(list(manager.samples()), m.SOURCE_FAILURES, "onchain", "crash") == 2

    asyncio.run(story())


def test_a_processor_that_raises_goes_on_with_what_comes_next() -> None:
    async def story() -> None:
        kept, bus, errors = Kept(), EventBus(), list[ProcessorError]()
        bus.on(Event.PROCESSOR_ERROR, errors.append)
        manager, _ = own(Moody(), kept, bus)
        async with started(manager):
            bus.emit(Event.SOURCE_DATA, RawMessage("onchain", {"symbol": "BAD", "mvrv": 1.0}, 1, 1))
            await eventually("the error", lambda: errors)
            await eventually("an update", lambda: kept.updates)
            assert value(list(manager.samples()), m.PROCESSOR_ERRORS, "onchain") == 1

    asyncio.run(story())


class Broken:
    """A sink that cannot keep anything."""

    name = "last_values"

    def write(self, update: Update) -> None:
        raise OSError(28, "No space left on device", update.symbol)

    async def close(self) -> None:
        """Nothing to let go of."""


def test_a_sink_that_fails_costs_the_room_nothing() -> None:
    async def story() -> None:
        kept, counts = Kept(), Instruments(m.COUNTED)
        processor = OnchainProcessor(Shape(10, 10, 5000), counts)
        manager = StreamManager([Moody()], [processor], kept, counts, restart_seconds=0.01, sinks=[Broken()])
        async with started(manager):
            await eventually("an update", lambda: kept.updates)
            assert value(list(manager.samples()), m.SINK_ERRORS, "last_values") >= 1

    asyncio.run(story())


def test_a_full_publisher_is_counted_and_the_last_value_is_still_known() -> None:
    async def story() -> None:
        kept = Kept()
        kept.full = True
        manager, _ = own(Moody(), kept)
        async with started(manager):
            await eventually("an update", lambda: manager.last.snapshot("onchain-data"))
            samples = list(manager.samples())
            assert value(samples, m.UPDATES, "onchain", "refused") == 1
            assert value(samples, m.UPDATES, "onchain", "published") == 0

    asyncio.run(story())


def test_the_end_flushes_what_was_waiting() -> None:
    async def story() -> None:
        kept, counts = Kept(), Instruments(m.COUNTED)
        manager = StreamManager([], [OnchainProcessor(Shape(10, 3_600_000, 5000), counts)], kept, counts)
        manager.start()
        manager.bus.emit(Event.SOURCE_DATA, RawMessage("onchain", {"symbol": "BTC", "mvrv": 1.0}, 1, 1))
        async with asyncio.timeout(5):
            await manager.stop()
        assert [update.symbol for update in kept.updates] == ["BTC"]

    asyncio.run(story())


def test_every_closed_series_exists_from_the_start_and_none_twice() -> None:
    async def story() -> None:
        manager = build_manager(parse(""), Kept())
        samples = list(manager.samples())
        series = [(metric.name, labels) for metric, labels, _ in samples]
        assert len(series) == len(set(series))
        assert {metric for metric, _, _ in samples} == set(m.METRICS)
        for metric in m.METRICS:
            if metric.labels and all(label in metric.closed for label in metric.labels):
                wanted = 1
                for label in metric.labels:
                    wanted *= len(metric.closed[label])
                assert len([1 for name, _ in series if name == metric.name]) == wanted, metric.name
        assert b"feed_source_state" in Renderer().render(samples)

    asyncio.run(story())


def test_an_event_reaches_all_though_one_listener_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        bus, heard = EventBus(), list[str]()

        def broken(_: object) -> None:
            raise RuntimeError("by design")

        async def slow(told: str) -> None:
            await asyncio.sleep(0)
            heard.append(told)
            raise RuntimeError("later, by design")

        bus.on("processedData", broken)
        bus.on("processedData", slow)
        end = bus.on("processedData", heard.append)
        bus.emit(Event.PROCESSED, "one")
        await bus.drain()
        assert heard == ["one", "one"]
        assert bus.errors[Event.PROCESSED] == 2
        end()
        bus.emit(Event.PROCESSED, "two")
        await bus.drain()
        assert heard == ["one", "one", "two"]

    asyncio.run(story())
    assert "listener failed" in caplog.text
    with pytest.raises(ValueError, match="nonsense"):
        EventBus().on("nonsense", print)


def test_last_values_keep_the_newest_by_event_time() -> None:
    last = LastValues()
    seen = []
    for at, price in ((5, "a"), (9, "b"), (7, "c"), (9, "d")):
        last.write(Update("market-data", "BTC", {"symbol": "BTC", "price": price}, at, None))
        seen += [update.data["price"] for update in last.snapshot("market-data")]

    assert seen == ["a", "b", "b", "d"]
    assert last.symbols("market-data") == ["BTC"]
    assert last.snapshot("nowhere") == []
