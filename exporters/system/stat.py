"""Interrupts, context switches, forks, tasks and boot time, from /proc/stat.

psutil.cpu_stats() and boot_time() read the same file again, each in full; here one read serves two collectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import ProcFile
from metrics.model import Metric, Sample
from metrics.system import kernel as m

_FIELDS: dict[bytes, Metric] = {
    b"intr": m.INTERRUPTS,
    b"ctxt": m.CONTEXT_SWITCHES,
    b"btime": m.BOOT_TIME,
    b"processes": m.FORKS,
    b"procs_running": m.PROCS_RUNNING,
    b"procs_blocked": m.PROCS_BLOCKED,
}
_LINE = re.compile(rb"^(intr|ctxt|btime|processes|procs_running|procs_blocked) (\d+)", re.MULTILINE)


def parse(data: bytes) -> Iterator[Sample]:
    """The totals of /proc/stat."""
    for name, value in _LINE.findall(data):
        yield _FIELDS[name], (), int(value)


class Stat:
    """Totals of the kernel."""

    name = "stat"
    help = "Interrupts, context switches, forks, running and blocked tasks, boot time."
    emits = tuple(_FIELDS.values())

    def __init__(self, stat: ProcFile) -> None:
        self._stat = stat

    def collect(self) -> Iterator[Sample]:
        """Totals and gauges."""
        return parse(self._stat.shared())
