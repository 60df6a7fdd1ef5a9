"""Entropy, from /proc/sys/kernel/random. psutil has none."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import kernel as m


class Entropy:
    """Entropy."""

    name = "entropy"
    help = "Entropy available, and the pool's size."
    emits = (m.ENTROPY_AVAILABLE, m.ENTROPY_POOL_SIZE)

    def __init__(self, roots: Roots) -> None:
        self._available = ProcFile(roots.proc / "sys/kernel/random/entropy_avail")
        self._size = ProcFile(roots.proc / "sys/kernel/random/poolsize")

    def collect(self) -> Iterator[Sample]:
        """Bits."""
        yield m.ENTROPY_AVAILABLE, (), int(self._available.number())
        yield m.ENTROPY_POOL_SIZE, (), int(self._size.number())
