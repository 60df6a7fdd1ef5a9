"""Real sources for the tests: WebSocket and HTTP servers on free ports, whose behaviour a test changes as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TICK = 0.02  # seconds; every wait of these tests is a multiple of it


async def eventually(what: str, condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first value of `condition` that is true; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.002)
    return found


@dataclass
class Feed:
    """What a source server does with whoever comes, and what it has seen."""

    greet: list[str | bytes] = field(default_factory=list)  # sent after each handshake
    hang_up: bool = False  # close after the greeting
    deaf: bool = False  # read nothing after the greeting, not even a close frame
    status: int = 200  # other than 200: the answer to handshakes and requests
    body: bytes = b"{}"  # the answer to a request
    hold: float = 0.0  # seconds before a request is answered
    location: str = ""
    requests: list[web.Request] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/figures"

    async def socket(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.status != 200:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        for message in self.greet:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        if self.hang_up:
            await socket.close(code=1001)
            return socket
        if self.deaf:
            await self.end.wait()
        async for told in socket:
            self.received.append(told.data)
        return socket

    async def figures(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.hold:
            await asyncio.sleep(self.hold)
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=self.status, body=self.body, headers=headers)

    async def send(self, message: str) -> None:
        """To the newest connection."""
        await self.sockets[-1].send_str(message)


@asynccontextmanager
async def serving(feed: Feed, port: int = 0) -> AsyncIterator[Feed]:
    """Answers on a free port, or on one that is given, until the end of the block."""
    app = web.Application()
    app.router.add_get("/stream", feed.socket)
    app.router.add_get("/figures", feed.figures)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    feed.port = runner.addresses[0][1]
    try:
        yield feed
    finally:
        feed.end.set()
        for socket in feed.sockets:
            await socket.close()
        await runner.cleanup()
