"""A guarded server in a thread of its own, with an endpoint that echoes; and clients that speak bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from aiohttp import WSMsgType, web

from stream import http
from stream.closing import GuardedWebSocket
from stream.guard import Guard, GuardedRunner
from stream.limits import PerAddress
from stream.loop import choose
from stream.messages import RoomInfo, Rooms

MESSAGE_BYTES = 1024
ROOMS = Rooms(rooms=[RoomInfo(room="market-data", symbols=["BTC"], epoch="e", seq=7, replay=True, source="replay")], timestamp=1)


@dataclass
class Running:
    """A server that answers on `port`."""

    port: int
    guard: Guard
    figures: http.Figures


def guard(
    handshake_seconds: float = 5.0, header_bytes: int = 4096, per_address: int = 1000, message_bytes: int = MESSAGE_BYTES
) -> Guard:
    return Guard(handshake_seconds, header_bytes, message_bytes, PerAddress(per_address))


async def echo(request: web.Request) -> web.StreamResponse:
    """Says back what it gets; "close" closes."""
    ws = GuardedWebSocket(max_msg_size=MESSAGE_BYTES + 1)
    await ws.prepare(request)
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await ws.send_bytes(message.data)
    return ws


@contextmanager
def serving(
    over: Guard,
    connect: Callable[[web.Request], Awaitable[web.StreamResponse]] = echo,
    rooms: Callable[[], Rooms] = lambda: ROOMS,
    **door: object,
) -> Iterator[Running]:
    """A server under that guard, until the block ends."""
    ready, figures = threading.Event(), http.Figures(over)
    found: list[int] = []
    loop = choose()[0]()
    stop = asyncio.Event()

    async def run() -> None:
        inner = http.public(http.Door(connect, rooms, figures, **door))  # type: ignore[arg-type]  # options by name
        runner = GuardedRunner(inner.app, over, inner.before, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.append(runner.addresses[0][1])
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield Running(found[0], over, figures)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


class Raw:
    """A socket that says exactly what it is told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends; a server that has closed already is no error: what it said before counts."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def shake(self, path: str = "/ws", extra: str = "") -> str:
        """The handshake of RFC 6455; the answer's head."""
        self.send(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n".encode()
        )
        head, _, self.rest = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")
        return head.decode()

    def until(self, end: bytes) -> bytes:
        got = self.rest
        while end not in got:
            more = self._more()
            if not more:
                break
            got += more
        return got

    def all(self) -> bytes:
        """Everything up to the end of the connection."""
        got = bytearray(self.rest)
        while more := self._more():
            got += more
        return bytes(got)

    def _more(self) -> bytes:
        try:
            return self.socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; (0, b"") when the connection has ended."""
        while True:
            if len(self.rest) >= 2:
                length, start = self.rest[1] & 0x7F, 2
                if length == 126 and len(self.rest) >= 4:
                    length, start = struct.unpack("!H", self.rest[2:4])[0], 4
                if len(self.rest) >= start + length and not (length == 126 and start == 2):
                    payload = self.rest[start : start + length]
                    opcode = self.rest[0] & 0x0F
                    self.rest = self.rest[start + length :]
                    if opcode == 9:  # the keeper's, at any moment: a client's library answers it unseen
                        continue
                    return opcode, payload
            more = self._more()
            if not more:
                return 0, b""
            self.rest += more

    def close_code(self) -> int:
        """The code of the close frame that comes, passing what comes before it; 0 if the connection ends without one."""
        while True:
            opcode, payload = self.frame()
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0]) if payload else 1005
            if opcode == 0 and not payload:
                return 0


def frame(payload: bytes = b"", opcode: int = 1, *, fin: bool = True, masked: bool = True, bits: int = 0) -> bytes:
    """A frame, masked as clients must unless told otherwise; `bits` are added to its first byte."""
    first = (0x80 if fin else 0) | bits | opcode
    length = len(payload)
    if length < 126:
        head = bytes([first, length | (0x80 if masked else 0)])
    elif length < 65_536:
        head = bytes([first, 126 | (0x80 if masked else 0)]) + struct.pack("!H", length)
    else:
        head = bytes([first, 127 | (0x80 if masked else 0)]) + struct.pack("!Q", length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
