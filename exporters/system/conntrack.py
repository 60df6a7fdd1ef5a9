"""Connection tracking, from /proc/sys/net/netfilter and /proc/net/stat/nf_conntrack. psutil has none."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m

_COLUMNS = {
    "found": m.CONNTRACK_FOUND,
    "invalid": m.CONNTRACK_INVALID,
    "ignore": m.CONNTRACK_IGNORE,
    "insert": m.CONNTRACK_INSERT,
    "insert_failed": m.CONNTRACK_INSERT_FAILED,
    "drop": m.CONNTRACK_DROP,
    "early_drop": m.CONNTRACK_EARLY_DROP,
    "search_restart": m.CONNTRACK_SEARCH_RESTART,
}


def parse(text: str) -> Iterator[Sample]:
    """The declared columns (hexadecimal, a line for each processor), summed."""
    header, *lines = text.splitlines()
    rows = [line.split() for line in lines]
    for position, name in enumerate(header.split()):
        if name in _COLUMNS:
            yield _COLUMNS[name], (), sum(int(row[position], 16) for row in rows)


class Conntrack:
    """Connection tracking."""

    name = "conntrack"
    help = "Tracked connections, their limit, and how lookups and insertions ended."
    emits = (m.CONNTRACK_ENTRIES, m.CONNTRACK_LIMIT, *_COLUMNS.values())

    def __init__(self, roots: Roots) -> None:
        self._count = ProcFile(roots.proc / "sys/net/netfilter/nf_conntrack_count")
        self._limit = ProcFile(roots.proc / "sys/net/netfilter/nf_conntrack_max")
        self._stat = ProcFile(roots.net / "stat/nf_conntrack")

    def collect(self) -> Iterator[Sample]:
        """Gauges and counters; nothing while the module is not loaded."""
        try:
            count = int(self._count.number())
        except FileNotFoundError:
            return
        yield m.CONNTRACK_ENTRIES, (), count
        yield m.CONNTRACK_LIMIT, (), int(self._limit.number())
        try:
            text = self._stat.text()
        except FileNotFoundError:
            return  # CONFIG_NF_CONNTRACK_PROCFS is off
        yield from parse(text)
