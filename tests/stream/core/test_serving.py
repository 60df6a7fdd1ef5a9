"""The protocol on real sockets: subscribe, filter, resume, measure, and every way to be told off."""

from __future__ import annotations

import json
from typing import get_args

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics import websocket as declared
from stream.codes import MOST_OFFENCES, CloseCode, ErrorCode
from stream.filters import EVERYTHING
from stream.keeper import Times
from stream.messages import ASKED_TYPES, MARKET, ROOMS, Error, Told, Update
from stream.queue import BATCH, LIMIT, Broadcast, Filtered, QueueFullError, Targeted
from tests.stream.core.serving import becomes, closed, run, serving, told, told_until


def test_a_client_is_greeted_subscribed_told_and_let_go() -> None:
    async def story() -> None:
        async with serving() as here:
            here.publish(price="60000.10")
            client = await here.http.ws_connect(here.url)
            greeting = await told(client)
            assert (greeting["type"], greeting["protocol"]) == ("connection", 1)
            assert greeting["message"] == "Connected to real-time data stream"
            await client.send_json({"type": "subscribe", "room": MARKET})
            stands, initial = await told(client), await told(client)
            assert (stands["type"], stands["status"], stands["seq"], stands["resumed"]) == ("subscription", "subscribed", 1, 0)
            assert (initial["type"], initial["seq"], initial["epoch"]) == ("initial-data", 1, stands["epoch"])
            assert initial["data"] == [{"symbol": "BTC", "price": "60000.10"}]
            here.publish(price="60000.20")
            data = await told(client)
            assert (data["type"], data["seq"], data["prev"]) == ("data", 2, 1)
            assert (data["data"]["price"], data["sourceTime"]) == ("60000.20", 1_700_000_000_000)
            await client.send_json({"type": "unsubscribe", "room": MARKET})
            assert (await told(client))["status"] == "unsubscribed"
            assert here.server.hub.rooms.occupied == {}
            here.publish()
            await client.send_json({"type": "ping", "id": "mine"})
            assert (await told(client))["id"] == "mine", "nothing of a room that was left"
            await client.close()
            await becomes("nobody is connected", lambda: not here.server.endpoint.sessions)

    run(story())


def test_filters_choose_symbols_fields_and_changes_and_loss_stays_visible() -> None:
    async def story() -> None:
        async with serving() as here:
            symbols = await here.subscribed(filters={"symbols": ["eth"], "fields": ["price"]})
            moves = await here.subscribed(filters={"min_change": 1})
            for symbol, price in (("BTC", 100.0), ("ETH", 10.0), ("BTC", 100.5), ("BTC", 101.0), ("ETH", 10.01), ("ETH", 10.2)):
                here.publish(symbol, figure=price, price=str(price), volume="1")
            got = [await told(symbols) for _ in range(3)]
            assert [(one["seq"], one["prev"]) for one in got] == [(2, 0), (5, 2), (6, 5)]
            assert all(set(one["data"]) == {"symbol", "price"} for one in got)
            assert [(await told(moves))["seq"] for _ in range(4)] == [1, 2, 4, 6]

    run(story())


@pytest.mark.parametrize("window", [0, 15])
def test_both_formats_and_compression_carry_the_same(window: int) -> None:
    async def story() -> None:
        async with serving() as here:
            text = await here.connect(compress=window)
            packed = await here.connect(compress=window, protocols=("watchfloor.msgpack",))
            await text.send_json({"type": "subscribe", "room": MARKET})
            await packed.send_bytes(msgspec.msgpack.encode({"type": "subscribe", "room": MARKET}))
            for _ in range(2):
                await told(text)
                await packed.receive()
            for number in range(5):
                here.publish(price=str(number), note="long enough to be worth compressing " * 5)
                one, other = await told(text), await packed.receive()
                assert other.type is aiohttp.WSMsgType.BINARY
                assert msgspec.msgpack.decode(other.data) == one
            samples = await here.samples()
            assert samples[f'ws_connections{{format="msgpack",compressed="{"yes" if window else "no"}"}}'] == 1

    run(story())


def test_who_comes_back_gets_what_it_missed_then_what_is_new() -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.subscribed()
            here.publish(n=1)
            first = await told(client)
            await client.close()
            for number in range(2, 1200):
                here.publish(("BTC", "ETH")[number % 2], n=number)
            again = await here.connect()
            asked = {"type": "subscribe", "room": MARKET, "after": first["seq"], "epoch": first["epoch"]}
            await again.send_json(asked)
            stands = await told(again)
            assert (stands["resumed"], stands["seq"]) == (1198, 1199)
            here.publish(n=1200)  # while it catches up
            got = [await told(again) for _ in range(1199)]
            assert [one["seq"] for one in got] == list(range(2, 1201))
            assert [one["prev"] for one in got] == list(range(1, 1200))
            # The same with a filter, by another client.
            other = await here.connect()
            await other.send_json(asked | {"filters": {"symbols": ["ETH"]}})
            assert (await told(other))["resumed"] == 599
            last = [await told(other) for _ in range(599)][-1]
            here.publish("ETH")
            assert (await told(other))["prev"] == last["seq"]

    run(story())


@pytest.mark.parametrize(("after", "epoch", "reason"), [(0, "", "epoch"), (99, None, "epoch"), (0, None, "history")])
def test_who_cannot_resume_is_told_the_gap_and_gets_the_latest(after: int, epoch: str | None, reason: str) -> None:
    async def story() -> None:
        async with serving() as here:
            room = here.server.hub.rooms.all[MARKET]
            for number in range(5):
                here.publish(n=number)
            if reason == "history":
                room.lose()
            client = await here.connect()
            epoch_asked = room.epoch if epoch is None else epoch
            await client.send_json({"type": "subscribe", "room": MARKET, "after": after, "epoch": epoch_asked})
            stands, gap, initial = [await told(client) for _ in range(3)]
            assert stands["resumed"] == 0
            assert (gap["type"], gap["from"], gap["to"], gap["reason"]) == ("gap", after + 1, room.seq, reason)
            assert initial["data"] == [{"symbol": "BTC", "n": 4}]

    run(story())


BAD = [
    ("{", ErrorCode.BAD_MESSAGE),
    ({"type": "dance"}, ErrorCode.UNKNOWN_TYPE),
    ({"type": "subscribe", "room": "nowhere"}, ErrorCode.UNKNOWN_ROOM),
    ({"type": "subscribe", "room": MARKET, "filters": {"color": "red"}}, ErrorCode.BAD_FILTER),
    ({"type": "subscribe"}, ErrorCode.BAD_FIELD),
    ({"type": "unsubscribe", "room": MARKET}, ErrorCode.NOT_SUBSCRIBED),
    ({"type": "auth", "token": "nonsense"}, ErrorCode.BAD_TOKEN),
]


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
            while (message := await silent.receive()).type is aiohttp.WSMsgType.PING:
                await lively.receive()  # reading is what answers pings
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, CloseCode.NO_PONG)
            assert (await told_until(lively, "data"))[-1]["room"] == "canary"
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


def test_the_queue_tells_its_publisher_when_it_is_full_and_delivers_by_kind() -> None:
    async def story() -> None:
        async with serving() as here:
            one, other = await here.subscribed(filters={"symbols": ["BTC"]}), await here.subscribed()
            queue, hub = here.server.queue, here.server.hub
            note = Error(code="internal", message="a note", timestamp=1)
            queue.put(Filtered(MARKET, EVERYTHING, note))
            queue.put(Targeted(next(iter(here.server.endpoint.sessions)), note))
            queue.put(Targeted("nobody", note))
            assert (await told(one))["message"] == "a note"
            assert (await told(other))["message"] == "a note"
            update = Update(MARKET, "BTC", {"symbol": "BTC"}, 1)
            for _ in range(LIMIT):
                queue.put(Broadcast(update))
            with pytest.raises(QueueFullError):
                queue.put(Broadcast(update))
            assert not queue.publish(update)
            await becomes("a batch has left", lambda: len(queue) < LIMIT)
            assert (LIMIT - len(queue)) % BATCH == 0
            await becomes("all have left", lambda: len(queue) == 0)
            assert hub.rooms.all[MARKET].seq == LIMIT
            seqs = [(await told(other))["seq"] for _ in range(LIMIT)]
            assert seqs == list(range(1, LIMIT + 1))
            samples = await here.samples()
            assert samples['ws_queued_total{kind="broadcast",result="full"}'] == 2
            assert samples['ws_dropped_total{reason="absent"}'] == 1
            assert samples['ws_deliveries_total{room="market-data"}'] == 2 * LIMIT

    run(story())


def test_what_cannot_be_sent_costs_itself_alone_and_what_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.subscribed()
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": object()}, 1))
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": "BTC"}, 1))
            assert (await told(client))["seq"] == 1
            monkeypatch.setattr("stream.queue.TIMEOUT", -1.0)
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": "BTC"}, 1))
            gap = await told(client)
            assert (gap["type"], gap["from"], gap["to"], gap["reason"]) == ("gap", 2, 2, "dropped")
            samples = await here.samples()
            assert samples['ws_dropped_total{reason="unusable"}'] == samples['ws_dropped_total{reason="timeout"}'] == 1

    run(story())


def test_every_declared_figure_is_told_and_no_other() -> None:
    async def story() -> None:
        async with serving() as here:
            await here.subscribed("canary")
            for room in declared.ROOMS:
                here.publish(room=room)
            await becomes("a turn was written", lambda: here.server.tally.rooms["canary"].deliveries > 0)
            names = {series.partition("{")[0] for series in await here.samples()}
            assert {name for name in names if name.startswith("ws_")} == {
                series for metric in declared.METRICS for series in metric.series
            }
            assert {name.split("_")[0] for name in names} == {"ws", "app", "process", "watchfloor"}
            assert declared.ROOMS == ROOMS
            assert set(declared.KINDS_IN) == {*ASKED_TYPES, "unusable"}
            assert set(declared.KINDS_OUT) == {str(kind.__struct_config__.tag) for kind in get_args(Told)} | {"data"}

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
