"""Board and firmware, from /sys/class/dmi. psutil has none."""

from __future__ import annotations

from exporters.system.procfs import Roots, read_line
from metrics.model import Sample
from metrics.system import host as m

_FILES = {"system_vendor": "sys_vendor"}  # where label and file differ


class Dmi:
    """Board and firmware."""

    name = "dmi"
    help = "Board, chassis, product and firmware."
    emits = (m.DMI_INFO,)

    def __init__(self, roots: Roots) -> None:
        folder = roots.sys / "class/dmi/id"
        self._labels = tuple(read_line(folder / _FILES.get(label, label)) for label in m.DMI_LABELS)

    def collect(self) -> list[Sample]:
        """One info sample that stays as it was at the start; nothing without DMI tables."""
        return [m.DMI_INFO.sample(1, *self._labels)] if any(self._labels) else []
