"""Page faults, paging, swapping and OOM kills, from /proc/vmstat. psutil.swap_memory() knows pswpin and pswpout only."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.lines import keys, pick
from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import memory as m

_WANTED = keys({metric.name.removeprefix("node_vmstat_"): metric for metric in m.VMSTAT})


def parse(data: bytes) -> Iterator[Sample]:
    """The declared fields; the other ~180 are left out, as upstream leaves them out."""
    return pick(data, _WANTED)


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
