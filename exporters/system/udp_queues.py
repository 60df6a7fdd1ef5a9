"""Bytes that wait in UDP sockets, from /proc/net/udp and udp6. psutil.net_connections() does not tell them."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import network as m

_QUEUES = 4  # the column `tx_queue:rx_queue`, hexadecimal


def parse(text: str) -> tuple[int, int]:
    """Bytes waiting to be sent and to be received, of all sockets."""
    pairs = [line.split(None, _QUEUES + 1)[_QUEUES].split(":") for line in text.splitlines()[1:]]
    return sum(int(tx, 16) for tx, _ in pairs), sum(int(rx, 16) for _, rx in pairs)


class UdpQueues:
    """UDP queues."""

    name = "udp_queues"
    help = "Bytes waiting in the queues of UDP sockets."
    emits = (m.UDP_QUEUES,)

    def __init__(self, roots: Roots) -> None:
        self._files = (("v4", ProcFile(roots.net / "udp")), ("v6", ProcFile(roots.net / "udp6")))

    def collect(self) -> Iterator[Sample]:
        """Two gauges a protocol that is on."""
        for version, file in self._files:
            try:
                sent, received = parse(file.text())
            except FileNotFoundError:
                continue
            yield m.UDP_QUEUES, ("tx", version), sent
            yield m.UDP_QUEUES, ("rx", version), received
