"""How long a server answers badly after it was asked more than it can, or was kept from working: one run, no pause between."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar

from stream.loop import choose
from tests.appliance import Appliance
from tests.load import api, shapes
from tests.load.pace import Paced, pace
from tests.load.place import Place
from tests.load.recorder import Recorder
from tests.load.wire import Due

WELL = 3  # seconds in a row within the objectives, until it counts as recovered
_BEFORE = 5.0  # seconds of the usual, before the process is stopped
_LIMIT = (shapes.API_LIMITS.p95 or 0) / 1000  # seconds
T = TypeVar("T")


@dataclass
class Seen:
    """Of each second in which requests were due: how many, and how many were answered well; `refused`: of all, by 503."""

    asked: Counter[int] = field(default_factory=Counter)
    good: Counter[int] = field(default_factory=Counter)
    refused: int = 0

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


class Asking:
    """Users of one load test, of whom is seen how well they are answered."""

    def __init__(self, test: shapes.LoadTest, place: Place) -> None:
        self.seen = Seen()
        self.users = api.Users(place.stream, Recorder(), test.users, self._answered)
        self._mix = api.requests(test, place)
        self._start = time.perf_counter()

    def ask(self, number: int, due: float) -> None:
        """A request of one of them."""
        self.seen.asked[int(due - self._start)] += 1
        self.users.ask(number, next(self._mix), due)

    def _answered(self, due: Due, status: int) -> None:
        self.users.pending -= 1
        self.seen.refused += status == HTTPStatus.SERVICE_UNAVAILABLE
        if status == HTTPStatus.OK and time.perf_counter() - due.at <= _LIMIT:
            self.seen.good[int(due.at - self._start)] += 1

    async def well(self, pacing: asyncio.Future[None]) -> float | None:
        """Seconds from now until all is well again; None: not until the pacing, which is ended here, is over."""
        since, found = time.perf_counter() - self._start, None
        while found is None and not pacing.done():
            await asyncio.sleep(0.1)
            found = self.seen.recovered(since, time.perf_counter() - self._start)
        pacing.cancel()
        return found


def recovery(appliance: Appliance, *, over: float, back: float, users: int, seconds: float, patience: float) -> float | None:
    """Seconds at `back` requests a second, after some at `over`, until the objectives hold again; None: not within `patience`."""
    first = replace(shapes.TESTS[0], rate=over, users=users, hold=seconds)
    then = replace(first, rate=back, hold=patience)
    return _run(_recovery(first, then, Place.of(appliance)))


def stopped(appliance: Appliance, *, rate: float, users: int, seconds: float, patience: float) -> tuple[float | None, Seen]:
    """The same after the stream's process stood still for some seconds (SIGSTOP), at one rate; and what was seen."""
    test = replace(shapes.TESTS[0], rate=rate, users=users, hold=_BEFORE + seconds + patience)
    return _run(_stopped(test, Place.of(appliance), appliance.process("stream").pid, seconds))


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=choose()[0]) as runner:
        return runner.run(work)


async def _recovery(first: shapes.LoadTest, then: shapes.LoadTest, place: Place) -> float | None:
    asking = Asking(first, place)
    try:
        await asking.users.open()
        await pace(first.shape, asking.ask, Paced())
        return await asking.well(asyncio.ensure_future(pace(then.shape, asking.ask, Paced())))
    finally:
        asking.users.leave()


async def _stopped(test: shapes.LoadTest, place: Place, pid: int, seconds: float) -> tuple[float | None, Seen]:
    asking = Asking(test, place)
    try:
        await asking.users.open()
        pacing = asyncio.ensure_future(pace(test.shape, asking.ask, Paced()))
        await asyncio.sleep(_BEFORE)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return await asking.well(pacing), asking.seen
    finally:
        asking.users.leave()
