"""A fan-out server in Python: `python -m tests.bench.peers.python KIND PORT`; a line "K" on stdin: K messages to every client.

Kinds: `ours` (the product, with numbering, history, metrics), `uncounted` (the same without metrics), `sendstr` (aiohttp,
`send_str(json.dumps())` in a loop),
`broadcast` (websockets.broadcast). A line "pace RATE MS" sends so many a second for so long. `--uvloop` for any.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from settings import parse

SIZE = 200  # bytes of a message
ROOM = "market-data"
_SITE = """
stream:
  limits: {connections_per_address: 100000, idle_seconds: 100000}
  backlog_bytes: 4194304
"""
_TLS = "  tls: {certificate: %s/cert.pem, key_file: %s/key.pem}\n"
Publish = Callable[[], Awaitable[None]]


def stamp() -> str:
    """Now, as 19 digits of CLOCK_MONOTONIC ns."""
    return f"{time.monotonic_ns():019d}"


def plain() -> dict[str, str]:
    """A message of `SIZE` bytes as `json.dumps` writes it."""
    message = {"at": stamp(), "pad": ""}
    message["pad"] = " " * (SIZE - len(json.dumps(message)))
    return message


async def ours(port: int, tls: str = "") -> Callable[[int], Awaitable[None]]:
    """The product's server without sources: publishing goes through queue, rooms, history and fan-out."""
    from stream.app import Server, Sockets  # noqa: PLC0415  # the others must not pay for it
    from stream.descriptors import enough  # noqa: PLC0415  # the same
    from stream.messages import Update  # noqa: PLC0415  # the same

    enough()
    server = Server(parse(_SITE + (_TLS % (tls, tls) if tls else ""), "bench", {}))
    sockets = Sockets(socket.create_server(("127.0.0.1", port), backlog=4096), socket.create_server(("127.0.0.1", port + 1)))
    await server.start(sockets)
    room = server.hub.rooms.all[ROOM]
    room.epoch = "bench"
    room.seq = 10_000_000  # so that every message has as many digits
    empty = Update(ROOM, "S00", {"symbol": "S00", "at": stamp(), "pad": ""}, time.time_ns() // 1_000_000)
    pad = " " * (SIZE - len(room.publish(empty, empty.source_time).writer.payload((), room.seq, _json())))
    room.latest.clear()  # initial data with a stamp would be counted as a message
    sent = 0

    async def publish(count: int) -> None:
        nonlocal sent
        now = time.time_ns() // 1_000_000
        for _ in range(count):
            sent += 1
            symbol = f"S{sent % 100:02d}"
            server.queue.publish(Update(ROOM, symbol, {"symbol": symbol, "at": stamp(), "pad": pad}, now))

    return publish


def _json() -> Any:
    from stream.messages import Format  # noqa: PLC0415  # as above

    return Format.JSON


async def uncounted(port: int, tls: str = "") -> Callable[[int], Awaitable[None]]:
    """The product with a tally that counts nothing: what the figures cost is the difference."""
    from stream import app, tally  # noqa: PLC0415  # as above

    class Nothing(tally.Tally):
        """Counts nothing that happens for a message."""

        def __init__(self, rooms: Iterable[str]) -> None:
            super().__init__(rooms)
            self.instruments.inc = lambda *_, **__: None  # type: ignore[method-assign]  # here alone
            self.instruments.observe = lambda *_, **__: None  # type: ignore[method-assign]  # the same

        def published(self, room: str, count: int) -> None:
            """Nothing."""

        def written(self, turn: Iterable[tuple[str, float, int, int]], now: float, wall: float) -> None:
            """Nothing."""

    setattr(app, "Tally", Nothing)  # noqa: B010  # a switch of the bench alone, not of the product
    return await ours(port, tls)


async def sendstr(port: int) -> Callable[[int], Awaitable[None]]:
    """What one writes first."""
    clients: set[web.WebSocketResponse] = set()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        clients.add(client)
        async for _ in client:
            pass
        return client

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()

    async def publish(count: int) -> None:
        for _ in range(count):
            message = plain()
            for client in clients:
                await client.send_str(json.dumps(message))

    return publish


async def broadcast(port: int) -> Callable[[int], Awaitable[None]]:
    """websockets.broadcast."""
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415  # as above
    from websockets.asyncio.server import broadcast as to_all  # noqa: PLC0415  # as above

    clients: set[ServerConnection] = set()

    async def keep(connection: ServerConnection) -> None:
        clients.add(connection)
        await connection.wait_closed()

    await serve(keep, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096)

    async def publish(count: int) -> None:
        for _ in range(count):
            to_all(clients, json.dumps(plain()))

    return publish


async def pace(publish: Callable[[int], Awaitable[None]], rate: float, seconds: float) -> None:
    """One message each 1/rate s, at its time whatever the others took."""
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    while (passed := loop.time() - start) < seconds:
        due = int(passed * rate) + 1
        if due > sent:
            await publish(due - sent)
            sent = due
        await asyncio.sleep(max(0.0, start + sent / rate - loop.time()))
    print(f"sent {sent}", flush=True)


_PRODUCTS = {"ours": ours, "uncounted": uncounted}


async def run(kind: str, port: int, tls: str) -> None:
    """Serves until stdin ends."""
    if kind in _PRODUCTS:
        publish = await _PRODUCTS[kind](port, tls)
    else:
        publish = await {"sendstr": sendstr, "broadcast": broadcast}[kind](port)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("listening", flush=True)
    while line := await lines.readline():
        words = line.split()
        if words[0] == b"pace":
            await pace(publish, float(words[1]), float(words[2]) / 1000)
        else:
            await publish(int(words[0]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("ours", "uncounted", "sendstr", "broadcast"))
    parser.add_argument("port", type=int)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--tls", default="", help="a folder with cert.pem and key.pem; the product alone")
    options = parser.parse_args()
    if options.uvloop:
        # An option of the measurement alone, installed by who wants to know.
        importlib.import_module("uvloop").run(run(options.kind, options.port, options.tls))
    else:
        asyncio.run(run(options.kind, options.port, options.tls))
