"""The exporter of a machine's own figures."""

from __future__ import annotations

import argparse

from exporters.base import Collector, Domain
from exporters.system.arp import Arp
from exporters.system.clock import Clock
from exporters.system.conntrack import Conntrack
from exporters.system.cpu import Cpu
from exporters.system.cpufreq import Cpufreq
from exporters.system.diskstats import Diskstats
from exporters.system.dmi import Dmi
from exporters.system.entropy import Entropy
from exporters.system.filefd import Filefd
from exporters.system.filesystem import Filesystem
from exporters.system.hwmon import Hwmon
from exporters.system.loadavg import Loadavg
from exporters.system.meminfo import Meminfo
from exporters.system.netclass import Netclass
from exporters.system.netdev import Netdev
from exporters.system.netstat import Netstat
from exporters.system.osrelease import OsRelease
from exporters.system.pressure import Pressure
from exporters.system.processes import Processes
from exporters.system.procfs import ProcFile, Roots
from exporters.system.schedstat import Schedstat
from exporters.system.selinux import Selinux
from exporters.system.sockstat import Sockstat
from exporters.system.softnet import Softnet
from exporters.system.stat import Stat
from exporters.system.swap import Swap
from exporters.system.thermal_zone import ThermalZone
from exporters.system.timex import ClockSync
from exporters.system.udp_queues import UdpQueues
from exporters.system.uname import Uname
from exporters.system.vmstat import Vmstat
from metrics.system import host
from settings import SettingsError, Site
from settings.exporters import SystemExporter

NAME = "system"


def collectors(options: SystemExporter, roots: Roots) -> tuple[Collector, ...]:
    """Every collector, in the order of the exposition. Names are upstream's, so that `collect[]` of existing jobs works."""
    stat = ProcFile(roots.proc / "stat")
    return (
        Cpu(roots, stat),
        Stat(stat),
        Loadavg(),
        Pressure(roots),
        Schedstat(roots),
        Cpufreq(roots),
        Meminfo(roots),
        Vmstat(roots),
        Swap(roots),
        Diskstats(roots),
        Filesystem(roots, options.mount_points_exclude, options.fs_types_exclude),
        Filefd(roots),
        Netdev(roots),
        Netclass(roots),
        Netstat(roots),
        Sockstat(roots),
        UdpQueues(roots),
        Softnet(roots),
        Conntrack(roots),
        Arp(roots),
        Processes(roots),
        Entropy(roots),
        Clock(roots),
        ClockSync(),
        Uname(roots),
        OsRelease(roots),
        Selinux(roots),
        Dmi(roots),
        Hwmon(roots),
        ThermalZone(roots),
    )


def domains(site: Site, options: argparse.Namespace) -> tuple[Domain, ...]:
    """The domain, whose one target is this machine, as `site.yaml` and the command line want it.

    Raises SettingsError when `site.yaml` switches off a collector that does not exist.
    """
    wanted = site.exporters.system
    everything = collectors(wanted, Roots(options.proc, options.sys, options.root))
    off, known = set(wanted.disabled_collectors), [collector.name for collector in everything]
    if unknown := sorted(off - set(known)):
        raise SettingsError(
            "site.yaml",
            f"exporters.system.disabled_collectors: unknown collector {unknown[0]!r}",
            f"known are {', '.join(known)}",
        )
    enabled = tuple(collector for collector in everything if collector.name not in off)
    return (Domain(NAME, "exporter-system", enabled, host.SCRAPE_SUCCESS, host.SCRAPE_DURATION),)
