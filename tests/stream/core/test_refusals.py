"""Every way to be told off, on real sockets: what is wrong, too much, too silent, not allowed."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.codes import MOST_OFFENCES, CloseCode, ErrorCode
from stream.keeper import Times
from stream.messages import MARKET
from tests.stream.core.serving import becomes, closed, run, serving, told

BAD = [
    ("{", ErrorCode.BAD_MESSAGE),
    ({"type": "dance"}, ErrorCode.UNKNOWN_TYPE),
    ({"type": "subscribe", "room": "nowhere"}, ErrorCode.UNKNOWN_ROOM),
    ({"type": "subscribe", "room": MARKET, "filters": {"color": "red"}}, ErrorCode.BAD_FILTER),
    ({"type": "subscribe"}, ErrorCode.BAD_FIELD),
    ({"type": "unsubscribe", "room": MARKET}, ErrorCode.NOT_SUBSCRIBED),
    ({"type": "auth", "token": "nonsense"}, ErrorCode.BAD_TOKEN),
]


def test_a_mistake_of_the_server_closes_with_its_code(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with serving() as here:
            monkeypatch.setattr(here.server.hub, "subscribe", lambda *_: 1 / 0)
            client = await here.connect()
            for _ in range(3):  # what comes after the first is not looked at any more
                await client.send_json({"type": "subscribe", "room": MARKET})
            assert await closed(client) == CloseCode.INTERNAL_ERROR
            await becomes("the client is gone", lambda: not here.server.endpoint.sessions)
            samples = await here.samples()
            assert samples['ws_closes_total{code="1011",by="server"}'] == 1
            assert samples['app_errors_total{route="/ws"}'] == 0
        assert caplog.text.count("Traceback") == 1

    run(story())


def test_a_rooms_scope_holds_by_every_way() -> None:
    async def story() -> None:
        async with serving("{rooms: {market-data: {scope: gold}}}") as here:
            here.publish(price="1")
            client = await here.connect()
            await client.send_json({"type": "subscribe", "room": MARKET})
            assert (await told(client))["code"] == ErrorCode.FORBIDDEN
            for name in ("dashboard", "cryptocurrencies", "trading-signals-fast"):
                async with here.http.get(f"http://127.0.0.1:{here.port}/api/{name}") as answer:
                    assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, ErrorCode.AUTH_REQUIRED)
            async with here.http.get(f"http://127.0.0.1:{here.port}/api/rooms") as answer:
                assert {one["room"]: one["scope"] for one in (await answer.json())["rooms"]}[MARKET] == "gold"

    run(story())


def test_resuming_costs_more_than_another_message() -> None:
    async def story() -> None:
        async with serving("{limits: {messages_per_second: 0.001, burst: 25}}") as here:
            client = await here.connect()
            ask = {"type": "subscribe", "room": MARKET, "after": 0, "epoch": here.server.hub.rooms.all[MARKET].epoch}
            for kind in ("subscription", "subscription", "error"):
                await client.send_json(ask)
                answer = await told(client)
                assert answer["type"] == kind
            assert answer["code"] == ErrorCode.RATE_LIMITED
            await client.send_json({"type": "ping", "id": 1})
            assert (await told(client))["type"] == "pong", "nothing was taken for what was refused"

    run(story())


def test_what_is_wrong_is_told_by_a_code_and_counted_and_the_connection_goes_on() -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.connect()
            for bad, code in BAD:
                await client.send_str(bad if isinstance(bad, str) else json.dumps(bad))
                answer = await told(client)
                assert (answer["type"], answer["code"]) == ("error", code)
                assert "Traceback" not in answer["message"]
            await client.send_json({"type": "ping", "id": 1})
            assert (await told(client))["type"] == "pong"
            samples = await here.samples()
            assert all(samples[f'ws_errors_total{{code="{code}"}}'] == 1 for _, code in BAD)

    run(story())


def test_who_offends_again_and_again_is_closed() -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.connect()
            for _ in range(MOST_OFFENCES + 1):
                await client.send_str("{")
            assert await closed(client) == CloseCode.OFFENCES
            await becomes("it is counted", lambda: not here.server.endpoint.sessions)
            assert (await here.samples())['ws_closes_total{code="4400",by="server"}'] == 1

    run(story())


def test_who_sends_too_fast_is_ignored_then_closed() -> None:
    async def story() -> None:
        async with serving("{limits: {messages_per_second: 1, burst: 5}}") as here:
            client = await here.connect()
            for number in range(300):
                await client.send_json({"type": "ping", "id": number})
            answers = [await told(client) for _ in range(10)]
            assert [one["type"] for one in answers] == ["pong"] * 5 + ["error"] * 5
            assert answers[-1]["code"] == "rate-limited"
            assert await closed(client) == CloseCode.FLOOD

    run(story())


def test_limits_of_subscriptions_and_of_size_and_of_kind() -> None:
    async def story() -> None:
        async with serving("{limits: {subscriptions: 1, message_bytes: 2048}}") as here:
            client = await here.subscribed()
            await client.send_json({"type": "subscribe", "room": "canary"})
            assert (await told(client))["code"] == "too-many-subscriptions"
            await client.send_json({"type": "subscribe", "room": MARKET, "filters": {"symbols": ["BTC"]}})
            assert (await told(client))["type"] == "subscription", "the one it has may change"
            await client.send_str(" " * 3000)
            assert await closed(client) == CloseCode.TOO_BIG
            binary = await here.connect()
            await binary.send_bytes(b"{}")
            assert await closed(binary) == CloseCode.UNSUPPORTED_DATA

    run(story())


def test_who_answers_no_ping_is_dropped_and_who_does_stays() -> None:
    async def story() -> None:
        async with serving(times=Times(ping_every=0.1, pong_within=0.4, close_within=0.5)) as here:
            silent, lively = await here.connect(autoping=False), await here.subscribed("canary")
            heard: list[str] = []

            async def listen() -> None:
                while True:  # reading is what answers pings
                    heard.append((await told(lively))["room"])

            async with asyncio.TaskGroup() as group:
                listening = group.create_task(listen())
                while (message := await silent.receive()).type is aiohttp.WSMsgType.PING:
                    pass
                assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, CloseCode.NO_PONG)
                known = len(heard)
                await becomes("the one that answers is still told", lambda: len(heard) > known)
                listening.cancel()
            assert (await here.samples())["ws_ping_duration_seconds_count"] > 0

    run(story())


def test_who_subscribes_to_nothing_is_let_go_after_a_while() -> None:
    async def story() -> None:
        async with serving("{limits: {idle_seconds: 0.2}}", times=Times(ping_every=0.2)) as here:
            busy, idle = await here.subscribed("canary"), await here.connect()
            assert await closed(idle) == CloseCode.IDLE
            assert (await told(busy))["type"] == "data"

    run(story())


def test_who_must_say_who_it_is_can_do_nothing_before_and_is_closed_in_time() -> None:
    async def story() -> None:
        async with serving("{anonymous: false, limits: {handshake_seconds: 0.3}}", times=Times(ping_every=0.2)) as here:
            client = await here.connect()
            await client.send_json({"type": "subscribe", "room": MARKET})
            assert (await told(client))["code"] == "auth-required"
            assert await closed(client) == CloseCode.UNAUTHORIZED

    run(story())


def test_a_room_that_demands_a_scope_is_closed_to_who_has_none() -> None:
    async def story() -> None:
        async with serving("{rooms: {market-data: {scope: market}}}") as here:
            client = await here.connect()
            await client.send_json({"type": "subscribe", "room": MARKET})
            assert (await told(client))["code"] == "forbidden"
            await client.send_json({"type": "list"})
            rooms = {one["room"]: one for one in (await told(client))["rooms"]}
            assert rooms[MARKET]["scope"] == "market"
            assert rooms["canary"]["scope"] == ""

    run(story())


def test_who_calls_the_server_by_a_strangers_name_is_refused_and_counted() -> None:
    async def story() -> None:
        async with serving("{allowed_hosts: [Stream.Example.org]}") as here:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await here.http.ws_connect(here.url, headers={"Host": "evil.example"})
            assert refused.value.status == 421
            assert (await here.samples())['ws_handshakes_total{result="unknown-host"}'] == 1
            await (await here.connect(headers={"Host": "stream.example.org:8080"})).close()

    run(story())


def test_whatever_a_client_sends_is_answered_and_the_server_lives() -> None:
    words = st.sampled_from(["subscribe", "unsubscribe", "ping", "auth", "list", "data", ""])
    values = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.text(max_size=5), max_size=3)
    )
    keys = st.sampled_from(["room", "filters", "after", "epoch", "id", "token", "symbols"])
    rooms = st.sampled_from([MARKET, "canary", "x"])
    objects = st.builds(
        lambda kind, room, more: json.dumps({"type": kind, "room": room} | more),
        words,
        rooms,
        st.dictionaries(keys, values, max_size=3),
    )

    async def story(texts: list[str]) -> None:
        async with serving("{limits: {messages_per_second: 100000, burst: 100000}}") as here:
            client = await here.connect()
            for text in texts:
                await client.send_str(text)
            await client.send_json({"type": "ping", "id": "the end"})
            while (answer := await told(client)).get("id") != "the end":
                assert answer["type"] != "error" or answer["code"] in set(ErrorCode) - {ErrorCode.INTERNAL}

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.text(max_size=60) | objects, max_size=MOST_OFFENCES))
    def fuzz(texts: list[str]) -> None:
        run(story(texts))

    fuzz()
