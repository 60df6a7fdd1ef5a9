"""The open loop: each request leaves when it is due, answered or not, and counts from when it was due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.load.shapes import Shape

_GRACE = 0.05  # seconds after the end in which what was due may still leave
# Seconds. The loop's timers know whole milliseconds, and less than half of one is none: who waits for less turns and turns, and
# takes a processor from the server that is measured. What is due meanwhile leaves up to so much later, which counts as latency.
_TICK = 0.001
_AT_ONCE = 50  # requests that leave before answers are listened to


@dataclass
class Paced:
    """What came of a schedule: how many were due, how many had left when it was over; the latest's delay, its time (s)."""

    offered: int = 0
    sent: int = 0
    latest: float = 0.0
    seconds: float = 0.0


async def pace(shape: Shape, fire: Callable[[int, float], None], paced: Paced) -> None:
    """Calls `fire(number, due)` for each arrival; `due` by `time.perf_counter()`.

    What has not left when the time is over never leaves: then the generator was too slow, which `paced` tells.
    """
    began, count = time.perf_counter(), shape.count
    end, paced.seconds = began + shape.seconds, shape.seconds
    paced.offered = count
    following, at_once = began + shape.due(0), 0
    while paced.sent < count:
        now = time.perf_counter()
        if now > end + _GRACE:
            return
        if following <= now and at_once < _AT_ONCE:
            fire(paced.sent, following)
            paced.latest = max(paced.latest, now - following)
            paced.sent, at_once = paced.sent + 1, at_once + 1
            following = began + shape.due(paced.sent)
            continue
        at_once = 0
        wait = min(following, end + _GRACE) - now
        # At least one turn of the loop, or answers would wait for the schedule.
        await asyncio.sleep(max(_TICK, wait) if wait > 0 else 0)
