"""Page faults, paging, swapping and OOM kills, from /proc/vmstat. psutil.swap_memory() knows pswpin and pswpout only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import memory as m

_FIELDS = {metric.name.removeprefix("node_vmstat_").encode(): metric for metric in m.VMSTAT}
_LINE = re.compile(rb"^(" + b"|".join(_FIELDS) + rb") (\d+)$", re.MULTILINE)


def parse(data: bytes) -> Iterator[Sample]:
    """The declared fields; the other ~180 are left out, as upstream leaves them out."""
    for name, value in _LINE.findall(data):
        yield _FIELDS[name], (), int(value)


class Vmstat:
    """Paging."""

    name = "vmstat"
    help = "Page faults, paging, swapping, OOM kills."
    emits = m.VMSTAT

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "vmstat")

    def collect(self) -> Iterator[Sample]:
        """Counters."""
        return parse(self._file.raw())
