"""Live sources against real servers: reconnection, garbage, changed schemas, silence, failure after the last attempt."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from metrics import feed as m
from metrics.instruments import Instruments
from settings import parse
from stream.events import Event, EventBus, SourceEvent
from stream.sources.base import Clock, RawMessage, Source, State
from stream.sources.build import Builder
from tests.stream.feed.servers import Feed, eventually, serving
from tests.waiting import free_ports

PRICE = '{"symbol": "BTC", "price": "60000.5"}'
FAST = "reconnect: 20ms, retry: 60ms, poll: 20ms, stale_after: 10s"


@dataclass
class Watched:
    """A running source and what came of it."""

    source: Source
    counts: Instruments
    got: list[RawMessage] = field(default_factory=list)
    events: list[tuple[Event, SourceEvent]] = field(default_factory=list)

    def count(self, metric: Any, *labels: str) -> float:
        return next(value for found, at, value in self.counts.collect() if found is metric and at == (self.source.name, *labels))  # type: ignore[return-value]  # none of these is a histogram

    async def has(self, items: int) -> None:
        await eventually(f"{items} items", lambda: len(self.got) >= items)

    def names(self) -> list[Event]:
        return [event for event, _ in self.events]


@asynccontextmanager
async def running(settings: str, which: str = "market", environment: dict[str, str] | None = None) -> AsyncIterator[Watched]:
    site = parse(f"stream: {{sources: {{{which}: {{{settings}}}}}}}")
    counts, bus = Instruments(m.COUNTED), EventBus()
    built = Builder(site, Clock(), counts, bus, environment or {})
    watched = Watched(getattr(built, which)(), counts)
    for event in (Event.SOURCE_CONNECTED, Event.SOURCE_DISCONNECTED, Event.SOURCE_ERROR):
        bus.on(event, partial(_note, watched.events, event))
    stop = asyncio.Event()
    task = asyncio.create_task(watched.source.run(watched.got.append, stop))
    try:
        yield watched
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await task
    assert watched.source.state is State.STOPPED


def _note(events: list[tuple[Event, SourceEvent]], event: Event, told: SourceEvent) -> None:
    events.append((event, told))


def test_messages_come_and_the_end_is_orderly() -> None:
    async def story() -> None:
        async with serving(Feed(greet=[PRICE, PRICE.encode()])) as feed:
            async with running(f"endpoint: '{feed.ws_url}', {FAST}") as watched:
                await eventually("both messages", lambda: len(watched.got) == 2)
                assert watched.source.state is State.CONNECTED
                assert watched.source.last_message_at is not None
                assert watched.got[0].payload["symbol"] == "BTC"
                assert str(watched.got[0].payload["price"]) == "60000.5"
                assert watched.count(m.RECEIVED_BYTES) == 2 * len(PRICE)
            assert watched.names() == [Event.SOURCE_CONNECTED, Event.SOURCE_DISCONNECTED]
            await eventually("the socket to be closed", lambda: feed.sockets[0].closed)

    asyncio.run(story())


def test_key_and_subscriptions_are_sent_with_each_connection() -> None:
    async def story() -> None:
        async with serving(Feed(greet=[PRICE])) as feed:
            settings = f"""endpoint: '{feed.ws_url}', {FAST}, subscribe: ['{{"op": "a"}}', '{{"op": "b"}}']"""
            async with running(settings, environment={"MARKET_DATA_API_KEY": "k3y"}) as watched:
                await eventually("subscriptions", lambda: len(feed.received) == 2)
                await feed.sockets[0].close()
                await eventually("them once more", lambda: len(feed.received) == 4)
                assert [json.loads(text)["op"] for text in feed.received] == ["a", "b", "a", "b"]
                assert {request.headers["Authorization"] for request in feed.requests} == {"Bearer k3y"}
                assert watched.count(m.RECONNECTS) == 1

    asyncio.run(story())


def test_a_header_of_its_own_carries_the_bare_key() -> None:
    async def story() -> None:
        async with serving(Feed(body=b'{"symbol": "BTC", "mvrv": 1.5}')) as feed:
            settings = f"endpoint: '{feed.http_url}', {FAST}, api_key_header: X-Api-Key"
            async with running(settings, "onchain", {"ONCHAIN_API_KEY": "k3y"}) as watched:
                await eventually("an answer", lambda: watched.got)
                assert feed.requests[0].headers["X-Api-Key"] == "k3y"
                assert "Authorization" not in feed.requests[0].headers

    asyncio.run(story())


def test_a_lost_connection_is_made_again() -> None:
    async def story() -> None:
        async with (
            serving(Feed(greet=[PRICE])) as feed,
            running(f"endpoint: '{feed.ws_url}', reconnect: 20ms, attempts: 3, retry: 1h") as watched,
        ):
            for times in range(1, 5):
                await watched.has(times)
                await feed.sockets[-1].close(code=1012)
            await eventually("the fifth message", lambda: len(watched.got) >= 5)
            assert watched.count(m.RECONNECTS) == 4
            assert watched.count(m.SOURCE_FAILURES, "closed") == 4
            assert watched.source.state is State.CONNECTED  # each message began the count anew
            assert "code 1012" in next(told.detail for event, told in watched.events if event is Event.SOURCE_ERROR)

    asyncio.run(story())


def test_after_the_last_attempt_it_has_failed_and_still_comes_back() -> None:
    async def story() -> None:
        (port,) = free_ports(1)
        async with running(f"endpoint: '{Feed(port=port).ws_url}', {FAST}, attempts: 3") as watched:
            await eventually("failure", lambda: watched.source.state is State.FAILED)
            assert watched.count(m.SOURCE_FAILURES, "refused") == 3
            await eventually("a slow attempt", lambda: watched.count(m.ATTEMPTS) >= 5)
            assert watched.source.state is State.FAILED
            async with serving(Feed(), port) as back:
                await eventually("a connection", lambda: back.sockets)
                await eventually("word of it", lambda: Event.SOURCE_CONNECTED in watched.names())
                assert watched.source.state is State.FAILED  # a connection alone is no data
                await back.send(PRICE)
                await eventually("recovery", lambda: watched.source.state is State.CONNECTED)
                assert watched.source.vitals.detail == ""

    asyncio.run(story())


def test_connections_without_a_message_count_as_attempts() -> None:
    async def story() -> None:
        async with (
            serving(Feed(hang_up=True)) as feed,
            running(f"endpoint: '{feed.ws_url}', {FAST}, attempts: 4") as watched,
        ):
            await eventually("failure", lambda: watched.source.state is State.FAILED)
            assert watched.count(m.SOURCE_FAILURES, "closed") == 4

    asyncio.run(story())


def test_silence_makes_a_websocket_source_stale_and_connects_it_anew() -> None:
    async def story() -> None:
        async with serving(Feed(greet=[PRICE])) as feed:
            settings = f"endpoint: '{feed.ws_url}', reconnect: 20ms, stale_after: 150ms"
            async with running(settings) as watched:
                await eventually("a message", lambda: watched.got)
                await eventually("staleness", lambda: watched.source.vitals.stale)
                await eventually("a second connection", lambda: len(feed.sockets) == 2)
                assert watched.count(m.SOURCE_FAILURES, "stale") == 1
                assert ("stale", True) in [(told.reason, bool(told.detail)) for _, told in watched.events]

    asyncio.run(story())


def test_a_peer_that_does_not_even_answer_a_close_holds_nothing_up() -> None:
    async def story() -> None:
        async with serving(Feed(greet=[PRICE], deaf=True)) as feed:
            settings = f"endpoint: '{feed.ws_url}', reconnect: 20ms, stale_after: 100ms"
            async with running(settings) as watched:
                await eventually("three connections", lambda: len(feed.sockets) == 3, seconds=5)
                assert watched.count(m.SOURCE_FAILURES, "stale") == 2
                began = time.monotonic()
            assert time.monotonic() - began < 2

    asyncio.run(story())


def test_garbage_alone_is_as_bad_as_silence() -> None:
    async def story() -> None:
        garbage: list[str | bytes] = ["", "nonsense", "[]", "{", '{"price": NaN}', '"text"', "[1, null]", "{}", b"\xff\xfe"]
        async with serving(Feed(greet=garbage)) as feed:
            settings = f"endpoint: '{feed.ws_url}', reconnect: 20ms, stale_after: 150ms, attempts: 2"
            async with running(settings) as watched:
                await eventually("failure", lambda: watched.source.state is State.FAILED)
                assert watched.got == []
                assert watched.count(m.BAD_MESSAGES, "json") >= 10
                assert watched.count(m.BAD_MESSAGES, "missing") >= 2
                assert watched.count(m.BAD_MESSAGES, "shape") >= 2

    asyncio.run(story())


def test_a_changed_schema_is_counted_and_what_is_still_right_is_taken() -> None:
    async def story() -> None:
        async with serving(Feed()) as feed, running(f"endpoint: '{feed.ws_url}', {FAST}") as watched:
            await eventually("a connection", lambda: feed.sockets)
            await feed.send(PRICE)
            await feed.send('{"symbol": "BTC", "last": "60001"}')
            await feed.send('{"symbol": "BTC", "price": {"value": 60001}}')
            await feed.send('{"symbol": "BTC", "price": -1}')
            await feed.send('[{"symbol": "BTC", "price": 60002}, {"symbol": "ETH", "price": true}]')
            await eventually("the good ones", lambda: len(watched.got) == 2)
            bad = {reason: watched.count(m.BAD_MESSAGES, reason) for reason in ("missing", "type", "range")}
            assert bad == {"missing": 1, "type": 2, "range": 1}
            assert watched.source.state is State.CONNECTED

    asyncio.run(story())


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_refused_handshake_is_told_by_its_status(status: int) -> None:
    async def story() -> None:
        async with serving(Feed(status=status)) as feed, running(f"endpoint: '{feed.ws_url}', {FAST}") as watched:
            await eventually("two attempts", lambda: watched.count(m.SOURCE_FAILURES, "status") >= 2)
            assert watched.source.state is State.RECONNECTING
            assert str(status) in watched.source.vitals.detail

    asyncio.run(story())


def test_an_endpoint_is_polled() -> None:
    async def story() -> None:
        async with (
            serving(Feed(body=b'[{"symbol": "BTC", "sopr": 1.01}, {"symbol": "ETH", "sopr": "0.99"}]')) as feed,
            running(f"endpoint: '{feed.http_url}', {FAST}", "onchain") as watched,
        ):
            await eventually("six items", lambda: len(watched.got) >= 6)
            assert {item.payload["sopr"] for item in watched.got} == {1.01, 0.99}
            assert watched.source.state is State.CONNECTED
            assert watched.count(m.ATTEMPTS) == 1
            feed.status = 500
            await eventually("trouble", lambda: watched.source.state is State.RECONNECTING)
            feed.status = 200
            await eventually("recovery", lambda: watched.source.state is State.CONNECTED)
            assert watched.count(m.RECONNECTS) >= 1

    asyncio.run(story())


def test_a_polled_source_that_only_answers_rubbish_goes_stale_without_a_new_connection() -> None:
    async def story() -> None:
        async with serving(Feed(body=b"<html>maintenance</html>")) as feed:
            settings = f"endpoint: '{feed.http_url}', poll: 20ms, stale_after: 100ms, reconnect: 20ms"
            async with running(settings, "sentiment") as watched:
                await eventually("staleness", lambda: "stale" in [told.reason for _, told in watched.events])
                asked = len(feed.requests)
                await eventually("more requests", lambda: len(feed.requests) > asked + 5)
                assert watched.count(m.ATTEMPTS) == 1
                assert watched.count(m.BAD_MESSAGES, "json") >= 5

    asyncio.run(story())


def test_a_key_does_not_follow_a_redirect() -> None:
    async def story() -> None:
        async with (
            serving(Feed(body=b'{"symbol": "BTC", "mvrv": 1}')) as other,
            serving(Feed(status=302, location=other.http_url)) as feed,
        ):
            settings = f"endpoint: '{feed.http_url}', {FAST}"
            async with running(settings, "onchain", {"ONCHAIN_API_KEY": "k3y"}) as watched:
                await eventually("two attempts", lambda: watched.count(m.SOURCE_FAILURES, "status") >= 2)
                assert other.requests == []

    asyncio.run(story())


def test_an_answer_without_end_is_given_up() -> None:
    async def story() -> None:
        async with (
            serving(Feed(body=b" " * (9 * 2**20))) as feed,
            running(f"endpoint: '{feed.http_url}', {FAST}", "onchain") as watched,
        ):
            await eventually("the end of it", lambda: watched.count(m.SOURCE_FAILURES, "protocol"))
            assert "larger than" in watched.source.vitals.detail

    asyncio.run(story())


def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    async def story() -> None:
        async with (
            serving(Feed(greet=["x" * (5 * 2**20)])) as feed,
            running(f"endpoint: '{feed.ws_url}', {FAST}") as watched,
        ):
            await eventually("the end of it", lambda: watched.count(m.ATTEMPTS) >= 2)
            assert watched.got == []

    asyncio.run(story())


def test_an_exchange_without_the_extra_says_what_to_do() -> None:
    async def story() -> None:
        async with running("endpoint: 'ccxt:kraken', reconnect: 20ms, attempts: 1") as watched:
            await eventually("failure", lambda: watched.source.state is State.FAILED)
            assert watched.count(m.SOURCE_FAILURES, "setup") >= 1
            assert watched.source.describe().kind == "ccxt"
            assert "install the extra `ccxt`" in watched.source.vitals.detail

    asyncio.run(story())


def test_no_key_is_shown() -> None:
    async def story() -> None:
        async with running("endpoint: 'wss://user:pass@127.0.0.1:9/v3/s3cret?apikey=s3cret'") as watched:
            await eventually("an attempt", lambda: watched.events)
            said = watched.source.describe().text + str(watched.events)
            assert watched.source.describe().text == "wss://127.0.0.1:9"
            assert "s3cret" not in said
            assert "pass" not in said

    asyncio.run(story())
