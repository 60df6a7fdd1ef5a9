"""`python -m stream` with a source of its own: its prices reach a client, its loss is told, and nobody is turned away."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.stream.edge.real import Real, get
from tests.stream.feed.servers import Feed, eventually, serving

TRADE = '{"data": [{"s": "XBTUSD", "p": "%s", "v": "0.5"}]}'
SITE = """
stream:
  sources:
    market:
      endpoint: %s
      reconnect: 50ms
      retry: 100ms
      attempts: 2
      mapping: {items: data, symbol: s, price: p, quantity: v, symbols: {XBTUSD: BTC}}
"""


async def sample(real: Real, series: str) -> float:
    """The value of one series on the admin port."""
    text = await asyncio.to_thread(get, f"http://127.0.0.1:{real.admin}/metrics")
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(series + " "))


def test_live_prices_reach_a_client_and_a_lost_source_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        feed = Feed(greet=[TRADE % "60000.10"])
        async with serving(feed):
            real = Real(tmp_path, SITE % feed.ws_url)
            await asyncio.to_thread(real.start)
            try:
                await followed(real, feed)
                assert await asyncio.to_thread(real.stop) == 0
            except BaseException:
                real.stop(signal.SIGKILL)
                raise
            await eventually("the source to be let go", lambda: all(socket.closed for socket in feed.sockets))

    asyncio.run(story())


async def followed(real: Real, feed: Feed) -> None:
    """A client through a source's good and bad times."""
    await until_told(real, "the first price", lambda said: said["rooms"][0]["symbols"] == ["BTC"], f"{real.http}/api/rooms")
    async with aiohttp.ClientSession() as session, session.ws_connect(real.ws) as client:
        await client.send_json({"type": "subscribe", "room": "market-data"})
        first = [await client.receive_json(timeout=5) for _ in range(3)]
        assert [message["type"] for message in first] == ["connection", "subscription", "initial-data"]
        assert [item["price"] for item in first[2]["data"]] == ["60000.10"]

        await feed.send(TRADE % "60001.25")
        data = await client.receive_json(timeout=5)
        assert (data["type"], data["data"]["symbol"], data["data"]["price"]) == ("data", "BTC", "60001.25")
        assert await sample(real, 'feed_source_info{source="market",kind="websocket"}') == 1
        rooms = json.loads(await asyncio.to_thread(get, f"{real.http}/api/rooms"))["rooms"]
        assert [room["room"] for room in rooms if room["replay"]] == ["onchain-data", "sentiment-data"]

        feed.status = 503
        await feed.sockets[-1].close()
        ready = f"http://127.0.0.1:{real.admin}/readyz"
        await until_told(real, "the loss", lambda said: any("market has failed" in text for text in said["degraded"]), ready)
        assert await sample(real, 'feed_source_state{source="market",state="failed"}') == 1
        assert await sample(real, 'feed_source_state{source="onchain",state="connected"}') == 1

        feed.status, feed.greet = 200, [TRADE % "59990"]
        back = await client.receive_json(timeout=5)
        assert back["data"]["price"] == "59990"
        await until_told(real, "the recovery", lambda said: not any("market" in text for text in said["degraded"]), ready)


async def until_told(real: Real, what: str, condition: Callable[[Any], bool], url: str) -> None:
    """Asks the server until it says so."""
    for _ in range(400):
        if condition(json.loads(await asyncio.to_thread(get, url))):
            return
        await asyncio.sleep(0.05)  # the server limits how often an address may ask
    raise AssertionError(f"{what} was never told: {real.log.read_text(encoding='utf-8')[-2000:]}")
