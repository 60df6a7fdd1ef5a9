"""Traffic of network devices, from /proc/net/dev. psutil.net_io_counters() has 8 of its 16 columns."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m


def parse(text: str) -> Iterator[tuple[str, list[int]]]:
    """Name and columns of each device."""
    for line in text.splitlines()[2:]:
        name, _, columns = line.rpartition(":")  # the last one: an alias such as eth0:1 has one too
        yield name.strip(), [int(column) for column in columns.split()]


class Netdev:
    """Network traffic."""

    name = "netdev"
    help = "Bytes, packets, errors and drops of each network device."
    emits = (*m.DEV_COLUMNS, m.RECEIVE_NOHANDLER)

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.net / "dev")
        self._class = roots.sys / "class/net"
        self._unhandled: dict[str, ProcFile] = {}

    def collect(self) -> Iterator[Sample]:
        """Counters."""
        devices = dict(parse(self._file.text()))
        self._unhandled = {
            name: self._unhandled.get(name) or ProcFile(self._class / name / "statistics/rx_nohandler") for name in devices
        }
        for name, columns in devices.items():
            labels = (name,)
            for metric, value in zip(m.DEV_COLUMNS, columns, strict=False):
                yield metric, labels, value
            try:
                yield m.RECEIVE_NOHANDLER, labels, int(self._unhandled[name].number())
            except OSError:
                continue  # no /sys, an older kernel, or the device has just gone
