"""Prices by the ccxt library itself, from a server that speaks as one of its exchanges does; where the extra is installed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aiohttp import web

from metrics import feed as m
from stream.sources.base import State
from tests.stream.feed.servers import eventually
from tests.stream.feed.test_live import running

library = pytest.importorskip("ccxt.pro", reason="the extra `ccxt` is not installed")

PAIRS = {
    "error": [],
    "result": {
        "XXBTZUSDT": {
            "altname": "XBTUSDT", "wsname": "XBT/USDT", "aclass_base": "currency", "base": "XXBT", "aclass_quote": "currency",
            "quote": "USDT", "lot": "unit", "cost_decimals": 5, "pair_decimals": 1, "lot_decimals": 8, "lot_multiplier": 1,
            "fees": [[0, 0.25]], "fees_maker": [[0, 0.25]], "ordermin": "0.0001", "tick_size": "0.1", "status": "online",
        }
    },
}  # fmt: skip


class Kraken:
    """Kraken's public interface, as far as ccxt asks: pairs, bars, and trades by WebSocket v2."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.asked: list[Any] = []

    async def rest(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        minute = int(time.time()) // 60 * 60
        bars = [[minute - 60 * n, "60000.0", "60010.0", "59990.0", "60005.0", "60000.0", "1.5", 3] for n in range(99, -1, -1)]
        answers: dict[str, Any] = {
            "AssetPairs": PAIRS,
            "Assets": {"error": [], "result": {}},
            "OHLC": {"error": [], "result": {"XXBTZUSDT": bars, "last": minute}},
        }
        return web.json_response(answers[name])

    async def trades(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.asked.append(json.loads(message.data))
            if self.asked[-1]["method"] == "subscribe":
                await self.trade(60000.1)
        return socket

    async def trade(self, price: float) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        item = {
            "symbol": "BTC/USDT", "side": "sell", "price": price, "qty": 0.25, "ord_type": "market", "trade_id": len(self.asked),
            "timestamp": stamp,
        }  # fmt: skip
        await self.sockets[-1].send_json({"channel": "trade", "type": "update", "data": [item]})


def local(port: int) -> Any:
    """ccxt's own Kraken, at our address."""

    def describe(self: Any) -> Any:
        api = {"public": f"http://127.0.0.1:{port}", "private": f"http://127.0.0.1:{port}"}
        ws = {"publicV2": f"ws://127.0.0.1:{port}/v2", "public": f"ws://127.0.0.1:{port}/v2"}
        return self.deep_extend(library.kraken.describe(self), {"urls": {"api": {**api, "ws": ws}}})

    return type("localkraken", (library.kraken,), {"describe": describe})


def test_trades_and_the_past_of_an_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        kraken, app = Kraken(), web.Application()
        app.router.add_get("/0/public/{name}", kraken.rest)
        app.router.add_get("/v2", kraken.trades)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monkeypatch.setattr(library, "localkraken", local(runner.addresses[0][1]), raising=False)
        monkeypatch.setattr(library, "exchanges", [*library.exchanges, "localkraken"])
        settings = "endpoint: 'ccxt:localkraken', reconnect: 50ms, mapping: {symbols: {BTC/USDT: BTC}}"
        async with running(settings) as watched:
            await eventually("the past and a trade", lambda: len(watched.got) >= 2)
            past, trade = watched.got[0].payload, watched.got[1].payload
            assert (past["symbol"], past["bar_ms"], len(past["bars"])) == ("BTC", 60_000, 99)  # the open bar is left out
            assert (trade["symbol"], str(trade["price"]), str(trade["quantity"])) == ("BTC", "60000.1", "0.25")
            await kraken.trade(60002.5)
            await eventually("the next trade", lambda: str(watched.got[-1].payload["price"]) == "60002.5")
            assert len(watched.got) == 3
            assert watched.source.state is State.CONNECTED

            await kraken.sockets[-1].close()
            await eventually("a new connection", lambda: len(kraken.sockets) == 2)
            await eventually("trades again", lambda: len(watched.got) >= 5)
            assert watched.count(m.RECONNECTS) == 1
        await runner.cleanup()

    asyncio.run(story())
