"""The product's server joined by a Redis: `python -m tests.bench.peers.joined PORT REDIS_URL`; the lines of `peers/python.py`."""

from __future__ import annotations

import asyncio
import socket
import sys
import time

from settings import parse
from stream.app import Server, Sockets
from stream.bus.bus import build_bus
from stream.descriptors import enough
from stream.messages import Update
from tests.bench.peers.python import ROOM, pace, stamp

_SITE = """
stream:
  limits: {connections_per_address: 100000, idle_seconds: 100000}
  backlog_bytes: 4194304
  bus: {url: '%s'}
"""
_PAD = " " * 18  # a message is then about as long as those of the others
LINE = 2**16


async def run(port: int, url: str) -> None:
    """Serves until stdin ends."""
    enough()
    server = Server(parse(_SITE % url, "bench", {}), bus=build_bus)
    sockets = Sockets(socket.create_server(("127.0.0.1", port), backlog=4096), socket.create_server(("127.0.0.1", port + 1)))
    await server.start(sockets)
    bus, sent = server.bus, 0
    assert bus is not None
    await bus.leases.turn("market")

    async def publish(count: int) -> None:
        nonlocal sent
        now = time.time_ns() // 1_000_000
        for _ in range(count):
            sent += 1
            symbol = f"S{sent % 100:02d}"
            if not bus.publish(Update(ROOM, symbol, {"symbol": symbol, "at": stamp(), "pad": _PAD}, now)):
                sys.exit("refused: the bus does not keep up")

    lines = asyncio.StreamReader(LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("listening", flush=True)
    while line := await lines.readline():
        words = line.split()
        if words[0] == b"pace":
            await pace(publish, float(words[1]), float(words[2]) / 1000)
        else:
            await publish(int(words[0]))


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2]))
