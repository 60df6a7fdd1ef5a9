"""How long a server that was asked more than it can answers badly when it is asked less again: one run, no pause between."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass, field, replace

from stream.loop import choose
from tests.appliance import Appliance
from tests.load import api, shapes
from tests.load.pace import Paced, pace
from tests.load.place import Place
from tests.load.recorder import Recorder
from tests.load.wire import Due

WELL = 3  # seconds in a row within the objectives, until it counts as recovered
_LIMIT = (shapes.API_LIMITS.p95 or 0) / 1000  # seconds


@dataclass
class Seen:
    """Of each second in which requests were due: how many, and how many were answered well."""

    asked: Counter[int] = field(default_factory=Counter)
    good: Counter[int] = field(default_factory=Counter)

    def well(self, second: int) -> bool:
        """Whether its requests were answered within the objectives; one without any tells nothing good."""
        return bool(self.asked[second]) and self.good[second] >= (1 - shapes.API_LIMITS.errors) * self.asked[second]

    def recovered(self, since: float, now: float) -> float | None:
        """Seconds from `since` until the first of some good seconds in a row, of those that are over at `now`; None: not yet."""
        over = int(now - _LIMIT)
        for second in range(math.ceil(since), over - WELL + 1):
            if all(self.well(second + more) for more in range(WELL)):
                return second - since
        return None


def recovery(appliance: Appliance, *, over: float, back: float, users: int, seconds: float, patience: float) -> float | None:
    """Seconds at `back` requests a second, after some at `over`, until the objectives hold again; None: not within `patience`."""
    first = replace(shapes.TESTS[0], rate=over, users=users, hold=seconds)
    then = replace(first, rate=back, hold=patience)
    with asyncio.Runner(loop_factory=choose()[0]) as runner:
        return runner.run(_recovery(first, then, Place.of(appliance)))


async def _recovery(first: shapes.LoadTest, then: shapes.LoadTest, place: Place) -> float | None:
    seen, mix = Seen(), api.requests(first, place)
    start = time.perf_counter()

    def answered(due: Due, status: int) -> None:
        everyone.pending -= 1
        if status == 200 and time.perf_counter() - due.at <= _LIMIT:
            seen.good[int(due.at - start)] += 1

    def ask(number: int, due: float) -> None:
        seen.asked[int(due - start)] += 1
        everyone.ask(number, next(mix), due)

    everyone = api.Users(place.stream, Recorder(), first.users, answered)
    try:
        await everyone.open()
        await pace(first.shape, ask, Paced())
        since = time.perf_counter() - start
        pacing = asyncio.ensure_future(pace(then.shape, ask, Paced()))
        found = None
        while found is None and not pacing.done():
            await asyncio.sleep(0.1)
            found = seen.recovered(since, time.perf_counter() - start)
        pacing.cancel()
        return found
    finally:
        everyone.leave()
