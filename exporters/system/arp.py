"""ARP entries, from /proc/net/arp. psutil has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m


def parse(text: str) -> Counter[str]:
    """Entries by device."""
    return Counter(line.split()[-1] for line in text.splitlines()[1:])


class Arp:
    """Neighbours."""

    name = "arp"
    help = "ARP entries by device."
    emits = (m.ARP_ENTRIES,)

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.net / "arp")

    def collect(self) -> Iterator[Sample]:
        """One gauge a device."""
        for device, count in parse(self._file.text()).items():
            yield m.ARP_ENTRIES, (device,), count
