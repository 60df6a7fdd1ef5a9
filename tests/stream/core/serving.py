"""A stream server on free ports within the test's loop, and clients that read what it says."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from settings import parse
from stream.app import Server, Sockets
from stream.keeper import Times
from stream.loop import choose
from stream.messages import MARKET, Update
from stream.session import Checker

SECONDS = 15.0  # until a test that waits gives up


@dataclass
class Serving:
    """A running server, where it listens, and an HTTP session to reach it."""

    server: Server
    port: int
    admin: int
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ws"

    async def connect(self, **options: Any) -> aiohttp.ClientWebSocketResponse:
        """A client that has been greeted."""
        client: aiohttp.ClientWebSocketResponse = await self.http.ws_connect(self.url, **options)
        message = await client.receive(SECONDS)
        assert b"connection" in (message.data if isinstance(message.data, bytes) else message.data.encode())
        return client

    async def subscribed(self, room: str = MARKET, **more: Any) -> aiohttp.ClientWebSocketResponse:
        """A client in a room, its initial data read."""
        client = await self.connect()
        await client.send_json({"type": "subscribe", "room": room, **more})
        assert (await told(client))["type"] == "subscription"
        assert (await told(client))["type"] == "initial-data"
        return client

    def publish(self, symbol: str = "BTC", room: str = MARKET, figure: float | None = None, **data: Any) -> int:
        """Publishes an update; its number."""
        return self.server.hub.publish(Update(room, symbol, {"symbol": symbol, **data}, 1_700_000_000_000, figure))

    async def samples(self) -> dict[str, float]:
        """What a scrape tells: series -> value."""
        async with self.http.get(f"http://127.0.0.1:{self.admin}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


async def told(client: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message. AssertionError when the connection ends instead."""
    message = await client.receive(SECONDS)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    found = json.loads(message.data)
    assert isinstance(found, dict)
    return found


async def told_until(client: aiohttp.ClientWebSocketResponse, kind: str) -> list[dict[str, Any]]:
    """Messages up to the first of that type, which is the last of them."""
    found = [await told(client)]
    while found[-1]["type"] != kind:
        found.append(await told(client))
    return found


async def closed(client: aiohttp.ClientWebSocketResponse) -> int | None:
    """Reads until the connection ends; the close code."""
    while (await client.receive(SECONDS)).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
        pass
    return client.close_code


async def becomes(what: str, condition: Callable[[], bool]) -> None:
    """Waits until a condition holds, while the loop runs; AssertionError says what never came."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    while not condition():
        assert loop.time() < end, f"not within {SECONDS:g} s: {what}"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(site: str = "", checker: Checker | None = None, times: Times | None = None) -> AsyncIterator[Serving]:
    """A server with the settings of `site` (YAML below `stream:`) and without sources."""
    server = Server(parse(f"stream: {site}" if site else "", "site.yaml", {}), checker, times)
    sockets = Sockets(socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0)))
    port, admin = sockets.public.getsockname()[1], sockets.admin.getsockname()[1]
    await server.start(sockets)
    try:
        async with aiohttp.ClientSession() as http:
            yield Serving(server, port, admin, http)
    finally:
        await server.stop()


def run(story: Coroutine[Any, Any, None], make: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    """Runs one test's story on the loop that the product uses, or another; a minute is more than any needs."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    with asyncio.Runner(loop_factory=make or choose()[0]) as runner:
        runner.run(bounded())
