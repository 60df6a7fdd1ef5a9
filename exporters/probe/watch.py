"""One target's probes, on a thread of their own, so that a scrape only reads what they found and no server can hold it up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as Late
from contextlib import suppress

from exporters.base import Collector
from exporters.probe.board import Board
from exporters.probe.follower import Follower
from exporters.probe.goal import Goal
from exporters.probe.tries import Tries
from metrics import probe as m
from metrics.model import Metric, Sample

_LESS_OFTEN = {"ai-analysis": 6}  # intervals between two questions to the models, which are work and are stored


class Watch:
    """Starts with the first scrape. `interval` and `timeout` in seconds."""

    def __init__(self, goal: Goal, interval: float, timeout: float) -> None:
        self._goal, self._interval, self._timeout = goal, interval, timeout
        self._board = Board(goal.target.name, goal.endpoints)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._first = True
        self.found: dict[Metric, list[Sample]] = {}
        self.trouble = ""

    def prepare(self, _names: frozenset[str], deadline: float) -> None:
        """Takes the figures of now from the probes' thread, by `deadline` (time.monotonic()); the first time, waits for some."""
        self.found, self.trouble = {}, "the probes' thread does not answer"
        if self._loop is None:
            self._begin()
        assert self._loop is not None
        asked = asyncio.run_coroutine_threadsafe(self._figures(deadline if self._first else 0.0), self._loop)
        try:
            for sample in asked.result(max(0.0, deadline - time.monotonic())):
                self.found.setdefault(sample[0], []).append(sample)
        except Late:
            asked.cancel()
            return
        self._first, self.trouble = False, ""

    def close(self) -> None:
        """Ends the probes."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop)

    def _begin(self) -> None:
        self._loop = asyncio.new_event_loop()
        name = f"probe-{self._goal.target.name}"
        threading.Thread(target=self._work, args=(self._loop,), name=name, daemon=True).start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        tries = Tries(self._goal, self._board, self._timeout)
        endpoints = [endpoint for endpoint in self._goal.endpoints if endpoint != m.STREAM]
        self._tasks = [
            loop.create_task(self._again(tries, endpoint, index / len(endpoints))) for index, endpoint in enumerate(endpoints)
        ]
        if m.STREAM in self._goal.endpoints:
            self._tasks.append(loop.create_task(Follower(self._goal, self._board, self._timeout).run()))
        loop.run_forever()
        loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        loop.close()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        asyncio.get_running_loop().stop()

    async def _again(self, tries: Tries, endpoint: str, share: float) -> None:
        """Tries an endpoint at once, and from then on once an interval; each at a time of its own within it."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval * share
        while True:
            good = await tries.run(endpoint)
            due = max(due + self._interval * (_LESS_OFTEN.get(endpoint, 1) if good else 1), loop.time())
            await asyncio.sleep(due - loop.time())

    async def _figures(self, deadline: float) -> list[Sample]:
        """What was found; the first time as much as comes in half of the time that is left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - time.monotonic()) / 2):
                await self._board.complete.wait()
        return list(self._board.samples())


class Found:
    """A collector of what the probes found: these metrics of it."""

    def __init__(self, name: str, about: str, emits: tuple[Metric, ...], watch: Watch) -> None:
        self.name, self.help, self.emits = name, about, emits
        self._watch = watch

    def collect(self) -> Iterator[Sample]:
        """Samples. Raises RuntimeError when there are none because the probes hang."""
        if self._watch.trouble:
            raise RuntimeError(self._watch.trouble)
        for metric in self.emits:
            yield from self._watch.found.get(metric, ())


def collectors(watch: Watch) -> Iterable[Collector]:
    """Every collector, in the order of the exposition."""
    return (
        Found("tries", "Handshakes, subscriptions and requests, each over a connection of its own.", m.TRIED, watch),
        Found("stream", "What a client that stays gets: messages, latency, gaps, closes.", m.FOLLOWED, watch),
    )
