"""A WebSocket client as little as a generator needs: a thousand of them cost less than the server that they ask.

Messages come whole and unmasked (RFC 6455 forbids servers to mask), and no extension is offered.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import cast

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_QUIET = 0.005  # seconds without anything new after which what has arrived is read
_LONGEST = 0.05  # seconds that it waits at most
_MASK = bytes(4)  # a key like any other, by which what is sent stays as it is


class Inbox:
    """What has arrived, and when (unix time, s): it is read once nothing more arrives, so that reading it delays nothing.

    A message to a thousand clients of one process arrives a thousand times within milliseconds; were each read at once, the last
    would count the reading of all before it as the server's delay.
    """

    def __init__(self) -> None:
        self._held: list[tuple[Callable[[bytes, float], None], bytes, float]] = []

    def put(self, read: Callable[[bytes, float], None], data: bytes) -> None:
        """`read(data, arrived)` comes within 50 ms, in the order of arrival."""
        if not self._held:
            asyncio.get_running_loop().call_later(_QUIET, self._look)
        self._held.append((read, data, time.time()))

    def _look(self) -> None:
        now, (first, last) = time.time(), (self._held[0][2], self._held[-1][2])
        if now - last < _QUIET and now - first < _LONGEST - _QUIET:
            asyncio.get_running_loop().call_later(_QUIET - max(0.0, now - last), self._look)
            return
        held, self._held = self._held, []
        for read, data, arrived in held:
            read(data, arrived)


class Socket(asyncio.Protocol):
    """One connection, which keeps what arrives in an inbox.

    `told(message, arrived)` for each text message, with its unix time (s); `ended(code)` when it is over, 1006 where nobody said
    why.
    """

    def __init__(self, told: Callable[[bytes, float], None], ended: Callable[[int], None], inbox: Inbox) -> None:
        self._told, self._ended, self._inbox = told, ended, inbox
        self._rest = b""
        self._code = 1006
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the upgrade."""
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's are none by type
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def send(self, text: bytes) -> None:
        """Sends a text message."""
        self._frame(_TEXT, text)

    def close(self) -> None:
        """Says that it leaves."""
        self._frame(_CLOSE, struct.pack("!H", 1000))

    def _frame(self, opcode: int, payload: bytes) -> None:
        if self.transport.is_closing():  # what is read a little later may be the last of a connection that is gone
            return
        size = len(payload)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        self.transport.write(head + _MASK + payload)

    def data_received(self, data: bytes) -> None:
        """The answer to the handshake, then frames."""
        self._inbox.put(self._read, data)

    def _read(self, data: bytes, arrived: float) -> None:
        rest = self._rest + data if self._rest else data
        if not self.ready.done():
            end = rest.find(b"\r\n\r\n")
            if end < 0:
                self._rest = rest
                return
            status, rest = int(rest[9:12]), rest[end + 4 :]
            self.ready.set_result(status)
            if status != 101:
                self.transport.close()
                return
        self._rest = rest[self._frames(rest, arrived) :]

    def _frames(self, data: bytes, arrived: float) -> int:
        """Takes the whole frames; where the rest begins."""
        place, most = 0, len(data)
        while place + 2 <= most:
            first, size, begin = data[place], data[place + 1], place + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                if begin + wide > most:
                    break
                size, begin = int.from_bytes(data[begin : begin + wide], "big"), begin + wide
            if begin + size > most:
                break
            self._take(first & 0xF, data[begin : begin + size], arrived)
            place = begin + size
        return place

    def _take(self, opcode: int, payload: bytes, arrived: float) -> None:
        if opcode == _TEXT:
            self._told(payload, arrived)
        elif opcode == _PING:
            self._frame(_PONG, payload)
        elif opcode == _CLOSE:
            self._code = int.from_bytes(payload[:2], "big") or 1005
            self._frame(_CLOSE, payload[:2])
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # the base class's signature
        """It is over, once what came before has been read."""
        self._inbox.put(self._over, b"")

    def _over(self, *_: object) -> None:
        if not self.ready.done():
            self.ready.set_result(0)
        self._ended(self._code)
