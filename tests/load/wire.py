"""HTTP on one keep-alive connection, as little of it as a generator needs: what it costs is not what is measured.

Requests are written when they are due; answers come in their order. Nothing of a request is held back because an earlier one is
still being answered.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Due(NamedTuple):
    """A request in flight: what it is, when it was due (`time.perf_counter()`), and whose it is."""

    kind: str
    at: float
    user: int = 0


class Wire(asyncio.Protocol):
    """One connection. `answered(due, status)` for each answer, `ended(left)` when it is over, with what was not answered."""

    def __init__(self, answered: Callable[[Due, int], None], ended: Callable[[list[Due]], None] | None = None) -> None:
        self.waiting: deque[Due] = deque()
        self.open = False
        self._answered, self._ended = answered, ended
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It may be written to."""
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's are none by type
        self.open = True

    def ask(self, request: bytes, due: Due) -> None:
        """Sends a request."""
        self.waiting.append(due)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Answers, or parts of them."""
        self._rest = self._rest + data if self._rest else data
        while self._rest:
            head = self._rest.find(b"\r\n\r\n")
            if head < 0:
                return
            found = _LENGTH.search(self._rest, 0, head)
            end = head + 4 + (int(found[1]) if found else 0)
            if len(self._rest) < end:
                return
            status = int(self._rest[9:12])
            self._rest = self._rest[end:]
            self._answered(self.waiting.popleft(), status)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # the base class's signature
        """It is over."""
        self.open = False
        if self._ended:
            self._ended(list(self.waiting))
        self.waiting.clear()


def address(number: int) -> str:
    """The loopback address of user `number`: each has its own, so that the server's limits by address stay on."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def get(path: str) -> bytes:
    """A GET as it is sent."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST of JSON as it is sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
