"""System Overview: how happy the machines are, by the USE method (utilisation, saturation, errors); detail is folded."""

from __future__ import annotations

from dashboards import app, layout, system_detail
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import Column, Panels, Query, States
from metrics import catalog, prometheus
from metrics.model import Counter, Signal, Unit
from metrics.query import Expr
from metrics.stack import DASHBOARD_SYSTEM, JOB_SYSTEM
from metrics.system import cpu, filesystem, signals
from settings import Site, look

_MOUNT = ("instance", "mountpoint", "device")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the machines that tell their load."""
    panels = Panels(site)
    # The workload's requests have a job of their own, which the variable does not offer here.
    workload = Row("Workload", [Cell(panel, width=12) for panel in app.requests(Panels(site, scope=("cluster", "instance")))])
    rows = [
        _fine(panels),
        _utilisation(panels),
        workload,
        _saturation(panels),
        _errors(panels),
        _filesystems(panels),
        *system_detail.rows(panels),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_SYSTEM,
        title="System Overview",
        description="Processors, memory, disks and network of the machines: how busy, how saturated, how many errors.",
        source=cpu.LOAD1,
    )


def _fine(panels: Panels) -> Row:
    """The worst of the chosen machines, judged by the thresholds of its alerts."""
    down = prometheus.UP.select(job=JOB_SYSTEM).compare("== bool", 0).sum()
    worst = (
        ("Busiest processor", signals.CPU_USAGE, "Processor time in use on the busiest machine. Normal: below 70 %."),
        ("Fullest memory", signals.MEMORY_USAGE, "Memory in use on the fullest machine. Normal: below 85 %."),
        (
            "Fullest disk",
            signals.DISK_USAGE,
            "How full the fullest filesystem is. Normal: below 90 %. The table How full names it.",
        ),
        ("Longest queue", signals.LOAD_PER_CORE, "Tasks that run or want to, per processor. Normal: below 1."),
        ("Busiest disk", signals.DISK_UTILISATION, "Share of time in which the busiest disk works. Normal: below 80 %."),
    )
    machines = panels.stat(
        "Machines down",
        "Machines whose exporter does not answer. Normal: 0. The Appliance Itself names them.",
        Query(down, "machines"), unit=Unit.COUNT, worse_above=1, none="no machine is scraped",
    )  # fmt: skip
    found = [
        panels.stat(title, f"{said} Open the row below to see which and since when.", Query(_largest(signal), "worst"),
                    unit=signal.unit, signal=signal)
        for title, signal, said in worst
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=4, height=4) for panel in (machines, *found)])


def _largest(signal: Signal) -> Expr:
    return Query(signal).expr.max()


def machine(panels: Panels) -> list[Panel]:
    """CPU, memory, disk and network of each machine: the four that the Overview shows too."""
    traffic = catalog.find("system_network_io")
    assert isinstance(traffic, Counter)
    received = traffic.rate(device=signals.REAL_NICS, direction="receive").sum(by=("instance",))
    sent = traffic.rate(device=signals.REAL_NICS, direction="transmit").sum(by=("instance",))
    return [
        panels.timeseries(
            "CPU Usage",
            "Processor time that is neither idle nor waiting for I/O. Normal: below 70 %, with bursts. Above a dashed line: find "
            "the program with `top`; the panel CPU by mode tells what kind of work it is.",
            Query(signals.CPU_USAGE), most=100,
        ),
        panels.timeseries(
            "Memory Usage",
            "Memory that new programs could not get without swapping. Normal: flat, below 85 %. A line that only rises is a "
            "leak: "
            "find the program with `ps aux --sort=-rss | head`.",
            Query(signals.MEMORY_USAGE), most=100,
        ),
        panels.timeseries(
            "Disk Usage",
            "How full each filesystem is, as `df` tells it. Normal: below 90 % and flat. When it rises, find what grows: "
            "`du -xh --max-depth=2 / | sort -h | tail -20`.",
            Query(signals.DISK_USAGE, "{{instance}} {{mountpoint}}"), most=100,
        ),
        panels.timeseries(
            "Network Traffic",
            "What real network devices receive and send. Normal: follows the work. At the link's speed, packets queue: see the "
            "panel Network drops.",
            Query(received * 8, "{{instance}} received"), Query(sent * 8, "{{instance}} sent"), unit=Unit.BITS_PER_SECOND,
        ),
    ]  # fmt: skip


def _utilisation(panels: Panels) -> Row:
    return Row("Utilisation", [Cell(panel) for panel in machine(panels)])


def _saturation(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Load per processor",
            "Tasks that run or want to, per processor. Normal: below 1. Above 2 each task waits as long as it runs: take work "
            "off.",
            Query(signals.LOAD_PER_CORE),
        ),
        panels.timeseries(
            "CPU pressure",
            "Share of time in which a task waited for a processor. Normal: near 0. When it rises with CPU usage, work is too "
            "much.",
            Query(signals.PRESSURE_CPU), most=1,
        ),
        panels.timeseries(
            "Memory pressure",
            "Share of time in which a task waited for memory. Normal: 0. Anything steady means that memory is too small.",
            Query(signals.PRESSURE_MEMORY), most=1,
        ),
        panels.timeseries(
            "I/O pressure",
            "Share of time in which a task waited for a disk. Normal: near 0, bursts at backups. Look at disk latency next.",
            Query(signals.PRESSURE_IO), most=1,
        ),
    ]  # fmt: skip
    return Row("Saturation", [Cell(panel, width=6) for panel in found])


def _errors(panels: Panels) -> Row:
    device = "{{instance}} {{device}}"
    found = [
        panels.timeseries(
            "Processes killed for memory",
            "Processes that the kernel killed in the last 10 min because memory ran out. Normal: 0. `dmesg -T | grep -i oom` "
            "names them.",
            Query(signals.OOM_KILLS),
        ),
        panels.timeseries(
            "Network errors",
            "Packets that arrived damaged or could not be sent. Normal: 0. Check cable, port and driver (`ethtool -S DEVICE`).",
            Query(signals.NETWORK_ERRORS, device),
        ),
        panels.timeseries(
            "Network drops",
            "Packets that were dropped. Normal: a few unwanted ones. Many: a queue overflows (`ethtool -g DEVICE`).",
            Query(signals.NETWORK_DROPS, device),
        ),
        panels.statetimeline(
            "Read-only and unreadable filesystems",
            "1 for a filesystem that is mounted read-only or whose figures cannot be read. Normal: 0, unless on purpose. "
            "`dmesg -T` tells of disk errors.",
            Query(signals.READ_ONLY, "{{instance}} {{mountpoint}} read-only"),
            Query(signals.DEVICE_ERRORS, "{{instance}} {{mountpoint}} unreadable"),
            states=States("yes", "no", one_colour=look.WARNING, zero_colour="transparent"),
        ),
    ]  # fmt: skip
    return Row("Errors", [Cell(panel, width) for panel, width in zip(found, (5, 5, 5, 9), strict=True)])


def _filesystems(panels: Panels) -> Row:
    table = panels.table(
        "Filesystems",
        "Every mounted filesystem: size, what is left, how full, when it is full if it goes on filling as in the last hour. "
        "Normal: "
        "weeks left, below 90 %. A full one: `du -xh --max-depth=2 MOUNTPOINT | sort -h | tail -20`.",
        _MOUNT,
        Column(signals.real(filesystem.SIZE).max(by=_MOUNT), "Size", Unit.BYTES),
        Column(signals.real(filesystem.AVAIL).max(by=_MOUNT), "Available", Unit.BYTES),
        Column(Query(signals.DISK_USAGE).expr.max(by=_MOUNT), "Used", Unit.PERCENT, signal=signals.DISK_USAGE),
        Column(signals.INODE_USAGE.expr.max(by=_MOUNT), "Inodes used", Unit.PERCENT, signal=signals.INODE_USAGE),
        # Without a colour: for an emptier disk, or in the first hour, the prediction is a rough guess.
        Column(signals.DISK_TIME_LEFT.expr.min(by=_MOUNT), "Full in", Unit.SECONDS),
        Column(
            signals.real(filesystem.READONLY).max(by=_MOUNT), "Mounted", Unit.BOOL,
            states=States("read-only", "read-write", one_colour=look.INFO, zero_colour="transparent"),
        ),
    )  # fmt: skip
    full = panels.bargauge(
        "How full",
        "Each filesystem now, as `df` tells it. Normal: below 90 %. The table above it tells when one is full.",
        Query(Query(signals.DISK_USAGE).expr.max(by=_MOUNT), "{{instance}} {{mountpoint}}"), unit=Unit.PERCENT,
        signal=signals.DISK_USAGE, most=100,
    )  # fmt: skip
    return Row("Filesystems", [Cell(table, width=24, height=6), Cell(full, width=24, height=4)])
