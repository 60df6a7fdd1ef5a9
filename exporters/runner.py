"""Runs a domain's collectors for a scrape: in time, each on its own account, never piling up behind one that hangs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

from exporters.base import Collector, Domain, Preparation, Run, run_safely
from exporters.lane import Batch, Lane
from metrics import stack
from metrics.instruments import Instruments
from metrics.model import Metric, Sample

COLLECTOR_TIMEOUT = 2.0
LOG = logging.getLogger("exporters")


LEAST_BUDGET = 0.2  # seconds; collectors together take a tenth of it
_RESERVE = 0.2  # of the budget, kept from a preparation for the collectors that read what it brought


class Runner:
    """Owns the lane on which a domain's collectors run. For one event loop."""

    def __init__(self, domain: Domain, timeout: float = COLLECTOR_TIMEOUT) -> None:
        self._domain = domain
        self._timeout = timeout
        self._lane = Lane(f"collect-{domain.name}")
        self._shared: dict[frozenset[str], asyncio.Task[list[Sample]]] = {}
        self._hung: dict[str, Run] = {}
        self._states: dict[str, str] = dict.fromkeys(domain.names, "ok")
        self._cut: set[Metric] = set()
        self._told: set[str] = set()
        self._counts = Instruments((stack.COLLECTOR_TIMEOUTS, stack.COLLECTOR_ERRORS))
        for name in domain.names:  # every child exists at 0 from the start
            self._counts.inc(stack.COLLECTOR_TIMEOUTS, domain.name, name, by=0)
            self._counts.inc(stack.COLLECTOR_ERRORS, domain.name, name, by=0)

    @property
    def domain(self) -> Domain:
        """The collectors it runs."""
        return self._domain

    async def collect(self, names: Collection[str] = (), budget: float = 10.0) -> list[Sample]:
        """Samples of the named collectors (all when none is named) and of how they fared, within `budget` seconds.

        Scrapes that ask for the same collectors while they run share the answer.
        """
        wanted = frozenset(names or self._domain.names)
        # One caller's haste must not cut short what another one is waiting for.
        budget = max(budget, LEAST_BUDGET)
        task = self._shared.get(wanted)
        if task is None:
            task = asyncio.create_task(self._collect(wanted, budget))
            self._shared[wanted] = task
            task.add_done_callback(lambda _: self._shared.pop(wanted, None))
        return await asyncio.shield(task)  # one client that goes away must not cancel the others

    def first_cut(self, metric: Metric) -> bool:
        """True the first time that series of this metric had to be left out: a log line then, none for each scrape."""
        if metric in self._cut:
            return False
        self._cut.add(metric)
        return True

    def close(self) -> None:
        """Ends the lane's thread, and what the domain holds open."""
        self._lane.close()
        if self._domain.close:
            self._domain.close()

    async def _collect(self, wanted: frozenset[str], budget: float) -> list[Sample]:
        chosen = [collector for collector in self._domain.collectors if collector.name in wanted]
        runs = [self._prepared(collector) for collector in chosen]
        # Collectors that failed last time go last: the healthy ones must not wait for them.
        fresh = sorted((run for run in runs if run.state == "running"), key=lambda run: self._states[run.collector.name] != "ok")
        deadline = time.monotonic() + budget
        if self._domain.prepare:
            # It asks for all collectors at once, so that it may take what the collectors together might.
            within = frozenset(run.collector.name for run in fresh)
            first = Run(Preparation(self._domain.prepare, within, deadline - budget * _RESERVE), limit=budget)
            fresh.insert(0, first)
        await self._run(fresh, deadline)
        for run in runs:
            self._account(run)
        return list(chain(chain.from_iterable(run.samples for run in runs), self._own(runs)))

    def _prepared(self, collector: Collector) -> Run:
        hung = self._hung.get(collector.name)
        if hung is None or hung.state != "running":
            self._hung.pop(collector.name, None)
            return Run(collector)
        seconds = time.monotonic() - hung.started
        return Run(collector, state="timeout", reason=f"still hangs after {seconds:.0f} s", seconds=seconds)

    async def _run(self, runs: list[Run], deadline: float) -> None:
        if not runs:
            return
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        batch = self._lane.submit([partial(self._begin, run) for run in runs], partial(_wake, loop, ended))
        while not batch.done:
            current = batch.running()
            left = self._limit(runs[current[0]]) - current[1] if current else self._timeout
            await asyncio.wait({ended}, timeout=max(0.001, min(left, deadline - time.monotonic())))
            if not ended.done():
                self._late(batch, runs, deadline)

    def _limit(self, run: Run) -> float:
        """Seconds that the run may take."""
        return run.limit or self._timeout

    def _begin(self, run: Run) -> None:
        """A run as a task of the lane; it waited there, and its collector may have begun to hang for another scrape."""
        earlier = self._hung.get(run.collector.name)
        if earlier is not None and earlier.state == "running":
            run.state, run.reason = "timeout", "hangs since an earlier scrape"
        else:
            run_safely(run)

    def _late(self, batch: Batch, runs: list[Run], deadline: float) -> None:
        """Gives up the running collector when its time, or the scrape's, is over."""
        current, over = batch.running(), time.monotonic() >= deadline
        if current is None:
            if over:
                batch.cancel()
            return
        index, seconds = current
        if not over and seconds < self._limit(runs[index]):
            return
        # Known as hung before its thread is given up: what the next thread begins looks here first.
        name, before = runs[index].collector.name, self._hung.get(runs[index].collector.name)
        self._hung[name] = runs[index]
        if not self._lane.give_up(batch, index, all_left=over):
            self._forget(name, before)

    def _forget(self, name: str, before: Run | None) -> None:
        """The collector ended just in time: what was known of it holds again."""
        if before is None:
            del self._hung[name]
        else:
            self._hung[name] = before

    def _account(self, run: Run) -> None:
        """Counts how the run ended, and logs a change of state once."""
        name, state = run.collector.name, run.state
        if state == "running":  # given up, or never begun
            state, run.seconds = "timeout", (time.monotonic() - run.started) if run.started else 0.0
            run.samples = list(run.samples)  # the hung thread may go on appending
            run.reason = f"no answer in {run.seconds:.1f} s" if run.started else "no time left in this scrape"
            self._counts.inc(stack.COLLECTOR_TIMEOUTS, self._domain.name, name)
        elif state == "error":
            self._counts.inc(stack.COLLECTOR_ERRORS, self._domain.name, name)
        if state == self._states[name]:
            return
        self._states[name] = state
        told = run.told or (state == "ok" and name in self._told)
        (self._told.add if run.told else self._told.discard)(name)
        if told:
            return
        if state == "ok":
            LOG.info("collector %s: answers again", name)
        else:
            LOG.warning("collector %s: %s: its samples may be missing", name, run.reason)

    def _own(self, runs: list[Run]) -> Iterator[Sample]:
        domain = self._domain
        for run in runs:
            name = run.collector.name
            success = int(self._states[name] == "ok")
            seconds = round(run.seconds, 6)
            yield stack.COLLECTOR_SUCCESS, (domain.name, name), success
            yield stack.COLLECTOR_DURATION, (domain.name, name), seconds
            if domain.success and domain.duration:
                yield domain.success, (name,), success
                yield domain.duration, (name,), seconds
        wanted = {run.collector.name for run in runs}
        yield from (sample for sample in self._counts.collect() if sample[1][1] in wanted)


def _wake(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    with suppress(RuntimeError):  # a hung collector may come back after the exporter's loop has closed
        loop.call_soon_threadsafe(lambda: None if ended.done() else ended.set_result(None))
