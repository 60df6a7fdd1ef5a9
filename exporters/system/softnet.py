"""Packet processing of each processor, from /proc/net/softnet_stat. psutil has none."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m

# Column, metric. Kernels from 5.14 tell the backlog's length and the processor; before, lines stand in order.
_COLUMNS = (
    (0, m.SOFTNET_PROCESSED),
    (1, m.SOFTNET_DROPPED),
    (2, m.SOFTNET_SQUEEZED),
    (8, m.SOFTNET_COLLISION),
    (9, m.SOFTNET_RECEIVED_RPS),
    (10, m.SOFTNET_FLOW_LIMIT),
    (11, m.SOFTNET_BACKLOG),
)
_PROCESSOR = 12


def parse(text: str) -> Iterator[Sample]:
    """Hexadecimal columns, as many as the kernel tells."""
    for position, line in enumerate(text.splitlines()):
        values = line.split()
        labels = (str(int(values[_PROCESSOR], 16) if len(values) > _PROCESSOR else position),)
        for column, metric in _COLUMNS:
            if column < len(values):
                yield metric, labels, int(values[column], 16)


class Softnet:
    """Packet processing."""

    name = "softnet"
    help = "Packets processed, dropped, put off, by processor."
    emits = tuple(metric for _, metric in _COLUMNS)

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.net / "softnet_stat")

    def collect(self) -> Iterator[Sample]:
        """Counters and a gauge."""
        return parse(self._file.text())
