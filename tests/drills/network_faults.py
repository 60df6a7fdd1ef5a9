"""Faults of the network between programs, as root: the kernel drops what they send."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.leftovers import ruled


def lose_packets(port: str, share: float) -> Fault:
    """Of what a port of the appliance sends on open connections, by its name in site.yaml, a share from 0 to 1 is lost.

    The kernel sends it again, the sooner the more follows. That a connection opens is left alone: without an answer the first
    packet waits for a second, and the probe would tell of a stream that is down.
    """

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        assert os.geteuid() == 0, "takes root: the kernel drops packets for it alone"
        assert shutil.which("iptables"), "iptables is not installed: `apt-get install iptables`"
        number = getattr(appliance.site.ports, port)
        lost = ("-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")
        with ruled("filter", "-o", "lo", "-p", "tcp", "--sport", str(number), "!", "--tcp-flags", "SYN", "SYN", *lost):
            yield

    return fault
