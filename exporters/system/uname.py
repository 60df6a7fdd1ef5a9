"""What uname(2) tells, and the NIS domain name. psutil has neither."""

from __future__ import annotations

import os
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import host as m


class Uname:
    """The kernel's identity."""

    name = "uname"
    help = "Kernel, its version, architecture, host name."
    emits = (m.UNAME_INFO,)

    def __init__(self, roots: Roots) -> None:
        self._domain = ProcFile(roots.proc / "sys/kernel/domainname")

    def collect(self) -> Iterator[Sample]:
        """One info sample."""
        told = os.uname()
        labels = (told.sysname, told.release, told.version, told.machine, told.nodename, self._domain.value())
        yield m.UNAME_INFO, labels, 1
