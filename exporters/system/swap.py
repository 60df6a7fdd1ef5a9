"""Swap devices, from /proc/swaps. psutil.swap_memory() has the sum only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import memory as m

_OCTAL = re.compile(r"\\([0-7]{3})")


def unescape(text: str) -> str:
    """The path that /proc writes with blanks, tabs and backslashes as octal escapes."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text) if "\\" in text else text


def parse(text: str) -> Iterator[Sample]:
    """Bytes and priority of each device."""
    for line in text.splitlines()[1:]:
        device, kind, size, used, priority = line.split()
        labels = (unescape(device), kind)
        yield m.SWAP_SIZE, labels, int(size) * 1024
        yield m.SWAP_USED, labels, int(used) * 1024
        yield m.SWAP_PRIORITY, labels, int(priority)


class Swap:
    """Swap devices."""

    name = "swap"
    help = "Size, use and priority of each swap device."
    emits = m.SWAP

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "swaps")

    def collect(self) -> Iterator[Sample]:
        """Gauges; nothing without swap."""
        try:
            return parse(self._file.text())
        except FileNotFoundError:
            return iter(())  # the kernel has no swap
