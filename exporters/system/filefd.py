"""File descriptors of the whole machine, from /proc/sys/fs/file-nr. psutil knows those of one process."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import filesystem as m


class Filefd:
    """File descriptors."""

    name = "filefd"
    help = "File descriptors in use and allowed on the whole machine."
    emits = (m.FILEFD_ALLOCATED, m.FILEFD_MAXIMUM)

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "sys/fs/file-nr")

    def collect(self) -> Iterator[Sample]:
        """Two gauges."""
        allocated, _, maximum = self._file.number().split()
        yield m.FILEFD_ALLOCATED, (), int(allocated)
        yield m.FILEFD_MAXIMUM, (), int(maximum)
