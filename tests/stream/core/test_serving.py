"""The protocol on real sockets: subscribe, filter, resume, measure."""

from __future__ import annotations

from typing import get_args

import aiohttp
import msgspec
import pytest

from metrics import websocket as declared
from stream.messages import ASKED_TYPES, MARKET, ROOMS, Told
from tests.stream.core.serving import becomes, run, serving, told


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
            assert {name.split("_")[0] for name in names} == {"ws", "app", "feed", "process", "watchfloor"}
            assert declared.ROOMS == ROOMS
            assert set(declared.KINDS_IN) == {*ASKED_TYPES, "unusable"}
            assert set(declared.KINDS_OUT) == {str(kind.__struct_config__.tag) for kind in get_args(Told)} | {"data"}

    run(story())
