"""An open-loop client: requests leave at their own times, answered or not, so that a stall is seen by all that it delays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from stream.loop import choose
from tests.load.wire import Due, Wire, get


async def _run(
    port: int, paths: Sequence[str], rate: float, seconds: float, connections: int
) -> tuple[list[float], dict[int, int]]:
    seen: list[float] = []
    statuses: dict[int, int] = {}
    loop = asyncio.get_running_loop()

    def answered(due: Due, status: int) -> None:
        statuses[status] = statuses.get(status, 0) + 1
        seen.append(time.perf_counter() - due.at)

    opened = [(await loop.create_connection(lambda: Wire(answered), "127.0.0.1", port))[1] for _ in range(connections)]
    asked = [get(path) for path in paths]
    began, count = time.perf_counter(), round(rate * seconds)
    sent = 0
    while sent < count:
        now = time.perf_counter()
        while sent < count and began + sent / rate <= now:
            opened[sent % connections].ask(asked[sent % len(asked)], Due("", began + sent / rate))
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
) -> tuple[list[float], dict[int, int]]:
    """Seconds from the time a request was meant for to its answer's last byte, sorted; and how often each status came."""
    with asyncio.Runner(loop_factory=choose()[0]) as runner:
        seen, statuses = runner.run(_run(port, paths, rate, seconds, connections))
    return sorted(seen), statuses
