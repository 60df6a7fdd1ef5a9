"""Interrupts, context switches, forks, tasks and boot time, from /proc/stat.

psutil.cpu_stats() and boot_time() read the same file again, each in full; here one read serves two collectors.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.lines import keys, pick
from exporters.system.procfs import ProcFile
from metrics.model import Metric, Sample
from metrics.system import kernel as m

_FIELDS: dict[str, Metric] = {
    "intr": m.INTERRUPTS,
    "ctxt": m.CONTEXT_SWITCHES,
    "btime": m.BOOT_TIME,
    "processes": m.FORKS,
    "procs_running": m.PROCS_RUNNING,
    "procs_blocked": m.PROCS_BLOCKED,
}
_WANTED = keys(_FIELDS)


def parse(data: bytes) -> Iterator[Sample]:
    """The totals of /proc/stat."""
    return pick(data, _WANTED)


class Stat:
    """Totals of the kernel."""

    name = "stat"
    help = "Interrupts, context switches, forks, running and blocked tasks, boot time."
    emits = tuple(_FIELDS.values())

    def __init__(self, stat: ProcFile) -> None:
        self._stat = stat

    def collect(self) -> Iterator[Sample]:
        """Totals and gauges."""
        return parse(self._stat.take())
