"""Scheduler statistics, from /proc/schedstat. psutil has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import cpu as m

# Of each processor's nine numbers the last three: nanoseconds running and waiting, time slices.
_LINE = re.compile(r"^cpu(\d+) (?:\d+ ){6}(\d+) (\d+) (\d+)", re.MULTILINE)


def parse(text: str) -> Iterator[Sample]:
    """Seconds and slices of each processor."""
    for processor, running, waiting, slices in _LINE.findall(text):
        labels = (processor,)
        yield m.SCHED_RUNNING, labels, int(running) / 1e9
        yield m.SCHED_WAITING, labels, int(waiting) / 1e9
        yield m.SCHED_TIMESLICES, labels, int(slices)


class Schedstat:
    """The scheduler."""

    name = "schedstat"
    help = "Time that tasks ran and waited on each processor."
    emits = (m.SCHED_RUNNING, m.SCHED_WAITING, m.SCHED_TIMESLICES)

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "schedstat")

    def collect(self) -> Iterator[Sample]:
        """Counters; nothing where the kernel keeps none."""
        try:
            return parse(self._file.text())
        except FileNotFoundError:
            return iter(())
