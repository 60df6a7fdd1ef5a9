"""Sockets by protocol, from /proc/net/sockstat and sockstat6. psutil.net_connections() walks every process's descriptors."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m

_PAGE = resource.getpagesize()
_METRICS = {metric.name.removeprefix("node_sockstat_"): metric for metric in m.SOCKSTAT}


def parse(text: str) -> Iterator[Sample]:
    """The declared counts; pages of memory as bytes too."""
    for line in text.splitlines():
        protocol, _, rest = line.partition(":")
        fields = rest.split()
        for name, value in zip(fields[::2], fields[1::2], strict=False):
            metric = _METRICS.get(f"{protocol}_{name}")
            if metric:
                yield metric, (), int(value)
                if name == "mem":
                    yield _METRICS[f"{protocol}_mem_bytes"], (), int(value) * _PAGE


class Sockstat:
    """Sockets."""

    name = "sockstat"
    help = "Sockets and their memory by protocol."
    emits = m.SOCKSTAT

    def __init__(self, roots: Roots) -> None:
        self._files = [ProcFile(roots.net / name) for name in ("sockstat", "sockstat6")]

    def collect(self) -> Iterator[Sample]:
        """Gauges."""
        yield from parse(self._files[0].text())
        try:
            text = self._files[1].text()
        except FileNotFoundError:
            return  # IPv6 is off
        yield from parse(text)
