"""Pressure stall information, from /proc/pressure. psutil has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Counter, Sample
from metrics.system import cpu as m

# File, line, metric. /proc/pressure/cpu has a line "full" too; for a whole machine it means nothing and is 0.
_WANTED: tuple[tuple[str, bytes, Counter], ...] = (
    ("cpu", b"some", m.PRESSURE_CPU_WAITING),
    ("io", b"some", m.PRESSURE_IO_WAITING),
    ("io", b"full", m.PRESSURE_IO_STALLED),
    ("memory", b"some", m.PRESSURE_MEMORY_WAITING),
    ("memory", b"full", m.PRESSURE_MEMORY_STALLED),
    ("irq", b"full", m.PRESSURE_IRQ_STALLED),
)
_LINE = re.compile(rb"^(some|full) .*total=(\d+)", re.MULTILINE)


def parse(data: bytes) -> dict[bytes, float]:
    """Seconds in total, by line (some, full)."""
    return {kind: int(microseconds) / 1e6 for kind, microseconds in _LINE.findall(data)}


class Pressure:
    """Pressure."""

    name = "pressure"
    help = "Time that tasks waited for processor, memory, I/O, interrupts."
    emits = tuple(metric for _, _, metric in _WANTED)

    def __init__(self, roots: Roots) -> None:
        kinds = {kind for kind, _, _ in _WANTED}
        self._files = {kind: ProcFile(roots.proc / "pressure" / kind) for kind in sorted(kinds)}

    def collect(self) -> Iterator[Sample]:
        """Seconds; nothing where the kernel has no PSI, or it is switched off (EOPNOTSUPP)."""
        lines: dict[str, dict[bytes, float]] = {}
        for kind, file in self._files.items():
            try:
                lines[kind] = parse(file.raw())
            except OSError:
                lines[kind] = {}
        for kind, line, metric in _WANTED:
            if line in lines[kind]:
                yield metric, (), lines[kind][line]
