"""An open-loop client: requests leave at their own times, answered or not, so that a stall is seen by all that it delays."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

from stream.loop import choose


class _Connection(asyncio.Protocol):
    """One keep-alive connection; `due` are the times for which the requests in flight were meant."""

    def __init__(self, seen: list[float], statuses: dict[bytes, int]) -> None:
        self.due: deque[float] = deque()
        self._seen, self._statuses = seen, statuses
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's are none by type

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            head, end, body = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            if len(body) < length:
                return
            self._rest = body[length:]
            self._statuses[head[9:12]] = self._statuses.get(head[9:12], 0) + 1
            self._seen.append(time.perf_counter() - self.due.popleft())


async def _run(
    port: int, paths: Sequence[str], rate: float, seconds: float, connections: int
) -> tuple[list[float], dict[bytes, int]]:
    seen: list[float] = []
    statuses: dict[bytes, int] = {}
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: _Connection(seen, statuses), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    asked = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths]
    began, count = time.perf_counter(), round(rate * seconds)
    sent = 0
    while sent < count:
        now = time.perf_counter()
        while sent < count and began + sent / rate <= now:
            connection = opened[sent % connections]
            connection.due.append(began + sent / rate)
            connection.transport.write(asked[sent % len(asked)])
            sent += 1
        await asyncio.sleep(max(0.0, began + sent / rate - time.perf_counter()))
    end = time.perf_counter() + 5
    while len(seen) < count and time.perf_counter() < end:  # noqa: ASYNC110  # two conditions and a deadline
        await asyncio.sleep(0.01)
    for connection in opened:
        connection.transport.close()
    return seen, statuses


def latencies(
    port: int, paths: Sequence[str], rate: float, seconds: float, connections: int = 64
) -> tuple[list[float], dict[bytes, int]]:
    """Seconds from the time a request was meant for to its answer's last byte, sorted; and how often each status came."""
    with asyncio.Runner(loop_factory=choose()[0]) as runner:
        seen, statuses = runner.run(_run(port, paths, rate, seconds, connections))
    return sorted(seen), statuses
