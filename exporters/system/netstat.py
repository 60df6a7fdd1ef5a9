"""Protocol statistics, from /proc/net/netstat, snmp and snmp6. psutil has none."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.lines import keys, pick
from exporters.system.procfs import ProcFile, Roots
from metrics.model import Metric, Sample
from metrics.system import netstat as m

_METRICS = {metric.name.removeprefix("node_netstat_"): metric for metric in m.METRICS}
_SIX = keys({name.replace("6_", "6", 1): metric for name, metric in _METRICS.items() if "6_" in name})


class Table:
    """A file of line pairs: names, then values. Where a wanted value stands is remembered, for the names stay the same."""

    def __init__(self) -> None:
        self._wanted: dict[bytes, list[tuple[int, Metric]]] = {}

    def parse(self, data: bytes) -> Iterator[Sample]:
        """The declared values."""
        lines = iter(data.splitlines())
        for header, line in zip(lines, lines, strict=False):
            wanted = self._wanted.get(header)
            if wanted is None:
                wanted = self._wanted[header] = self._find(header.decode())
            if wanted:
                values = line.split()
                for position, metric in wanted:
                    yield metric, (), int(values[position])

    @staticmethod
    def _find(header: str) -> list[tuple[int, Metric]]:
        protocol, *names = header.split()
        keys = ((position, f"{protocol[:-1]}_{name}") for position, name in enumerate(names, 1))
        return [(position, _METRICS[key]) for position, key in keys if key in _METRICS]


def parse6(data: bytes) -> Iterator[Sample]:
    """The declared values of /proc/net/snmp6."""
    return pick(data, _SIX)


class Netstat:
    """Protocols."""

    name = "netstat"
    help = "IP, ICMP, TCP and UDP statistics."
    emits = m.METRICS

    def __init__(self, roots: Roots) -> None:
        self._tables = [(ProcFile(roots.net / name), Table()) for name in ("netstat", "snmp")]
        self._six = ProcFile(roots.net / "snmp6")

    def collect(self) -> Iterator[Sample]:
        """Counters and two gauges."""
        for file, table in self._tables:
            yield from table.parse(file.raw())
        try:
            data = self._six.raw()
        except FileNotFoundError:
            return  # IPv6 is off
        yield from parse6(data)
