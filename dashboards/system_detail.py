"""The folded rows of System Overview: processors, memory, disks, network, processes, clock."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics.model import Unit
from metrics.system import cpu, disk, kernel, memory, netstat, network, processes, signals
from settings import look

_DEVICE = "{{instance}} {{device}}"
_MACHINE = ("instance",)


def rows(panels: Panels) -> list[Row]:
    """Every folded row, from processor to clock."""
    built = [_processors, _memory, _disks, _network, _connections, _processes, _clock]
    return [build(panels) for build in built]


def _processors(panels: Panels) -> Row:
    by_mode = cpu.SECONDS.rate(mode="!=idle").sum(by=("mode",))
    busiest = 100 * (1 - cpu.SECONDS.rate(mode=signals.NOT_WORKING).sum(by=("instance", "cpu")))
    found = [
        panels.timeseries(
            "CPU by mode",
            "Processors busy in each mode, all chosen machines together. Normal: mostly user. Much system: many calls; iowait: "
            "slow "
            "disks; steal: the host is overcommitted.",
            Query(by_mode, "{{mode}}"), unit=Unit.COUNT, stacked=True,
        ),
        panels.timeseries(
            "Busiest processors",
            "The busiest processors. Normal: near the mean. One at 100 % beside idle ones: a program that uses one thread.",
            Query(busiest.topk(MAX_SERIES), "{{instance}} cpu {{cpu}}"), unit=Unit.PERCENT, most=100,
        ),
        panels.timeseries(
            "Load average",
            "Tasks that run, want to or wait for a disk: mean of 1, 5 and 15 min. Normal: below the number of processors. "
            "Rising from the third to the first: load grows.",
            Query(cpu.LOAD1.select(), "{{instance}} 1 min"), Query(cpu.LOAD5.select(), "{{instance}} 5 min"),
            Query(cpu.LOAD15.select(), "{{instance}} 15 min"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Switches and interrupts",
            "How often processors change task and are interrupted. Normal: steady for the same work. A jump without more work: "
            "a busy loop or a device gone wild.",
            Query(kernel.CONTEXT_SWITCHES.rate(), "{{instance}} switches"),
            Query(kernel.INTERRUPTS.rate(), "{{instance}} interrupts"),
            unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Processors", [Cell(panel) for panel in found], folded=True)


def _memory(panels: Panels) -> Row:
    parts = ((memory.ANON_PAGES, "programs"), (memory.CACHED, "page cache"), (memory.SLAB, "kernel"), (memory.MEM_FREE, "free"))
    swapped = memory.SWAP_TOTAL.select() - memory.SWAP_FREE.select()
    found = [
        panels.timeseries(
            "What memory holds",
            "Memory by use, all chosen machines together. Normal: little free, much page cache: it is given back on demand. "
            "Programs that only rise: a leak, `ps aux --sort=-rss | head` names it.",
            *(Query(metric.select().sum(), name) for metric, name in parts), unit=Unit.BYTES, stacked=True,
        ),
        panels.timeseries(
            "Swap in use",
            "Memory moved to disk; 0 on a machine without swap. Normal: flat. Rising while memory is full: programs get slow.",
            Query(swapped), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Swapping",
            "Pages read from and written to swap. Normal: 0. Steady traffic means that memory is too small for the work.",
            Query(memory.PSWPIN.rate(), "{{instance}} in"),
            Query(memory.PSWPOUT.rate(), "{{instance}} out"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Major page faults",
            "Page faults that had to read from disk. Normal: bursts when programs start. Steady: memory is too small.",
            Query(memory.PGMAJFAULT.rate()), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Memory", [Cell(panel) for panel in found], folded=True)


def _disks(panels: Panels) -> Row:
    only = signals.REAL_DISKS
    found = [
        panels.timeseries(
            "Disk utilisation",
            "Share of time in which the disk had something to do. Normal: below 0.9. Solid-state disks serve many requests at "
            "once: judge them by latency.",
            Query(signals.DISK_UTILISATION, _DEVICE), most=1,
        ),
        panels.timeseries(
            "Disk latency",
            "Mean time of a request. Normal: below 1 ms on solid-state, 20 ms on rotating disks. No line while nothing is asked.",
            Query(signals.DISK_LATENCY, _DEVICE),
        ),
        panels.timeseries(
            "Disk throughput",
            "Bytes read and written. Normal: follows the work. Flat at a high value: the disk's or the cloud's limit.",
            Query(disk.READ_BYTES.rate(device=only), f"{_DEVICE} read"),
            Query(disk.WRITTEN_BYTES.rate(device=only), f"{_DEVICE} written"), unit=Unit.BYTES_PER_SECOND,
        ),
        panels.timeseries(
            "Disk requests",
            "Reads and writes completed. Normal: the machine's own daily pattern. Many small ones cost more than few large "
            "ones.",
            Query(disk.READS.rate(device=only), f"{_DEVICE} reads"),
            Query(disk.WRITES.rate(device=only), f"{_DEVICE} writes"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Disk requests in progress",
            "Requests that wait or are served right now. Normal: a few. A long queue makes every request slow.",
            Query(disk.IO_NOW.select(device=only), _DEVICE), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Disks", [Cell(panel, width=8) for panel in found], folded=True)


def _network(panels: Panels) -> Row:
    only = signals.REAL_NICS
    found = [
        panels.timeseries(
            "Packets",
            "Packets received and sent by each real device. Normal: moves with Network Traffic. Many small packets load "
            "processors more than their bytes say.",
            Query(network.RECEIVE_PACKETS.rate(device=only), f"{_DEVICE} received"),
            Query(network.TRANSMIT_PACKETS.rate(device=only), f"{_DEVICE} sent"), unit=Unit.PER_SECOND,
        ),
        panels.statetimeline(
            "Network devices that are up",
            "1 for each device that has a link and is switched on. Normal: up for every device in use. A 0 that was a 1: "
            "cable, switch or configuration.",
            Query(network.UP.select(device=only), _DEVICE),
            states=States("up", "down", zero_colour=look.UNKNOWN),
        ),
        panels.timeseries(
            "Packets that processors dropped",
            "Packets dropped because a processor's backlog was full, and rounds that ended with packets left. Normal: 0. "
            "More: raise net.core.netdev_max_backlog (dropped) or net.core.netdev_budget (left).",
            Query(network.SOFTNET_DROPPED.rate().sum(by=_MACHINE), "{{instance}} dropped"),
            Query(network.SOFTNET_SQUEEZED.rate().sum(by=_MACHINE), "{{instance}} squeezed"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Network", [Cell(panel, width=8) for panel in found], folded=True)


def _connections(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "TCP connections",
            "Connections that are open, that wait out their end (TIME_WAIT), that the firewall tracks (where it tracks any). "
            "Normal: follows the work. A line that only rises is a leak: `ss -tnp` names the program.",
            Query(netstat.TCP_CURR_ESTAB.select(), "{{instance}} open"), Query(network.TCP_TW.select(), "{{instance}} TIME_WAIT"),
            Query(network.CONNTRACK_ENTRIES.select(), "{{instance}} tracked"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "TCP retransmissions",
            "Share of segments sent again. Normal: below 0.01. More: packets are lost on the way; see errors and drops.",
            Query(signals.RETRANSMITS), most=1,
        ),
        panels.timeseries(
            "Refused connections",
            "Connections refused because a program did not accept fast enough. Normal: 0. The program hangs or its backlog is "
            "small.",
            Query(netstat.TCP_EXT_LISTEN_OVERFLOWS.rate(), "{{instance}} overflows"),
            Query(netstat.TCP_EXT_LISTEN_DROPS.rate(), "{{instance}} drops"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Connections", [Cell(panel, width=8) for panel in found], folded=True)


def _processes(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Processes by state",
            "Processes in each state. Normal: nearly all S (asleep), a few R, none in D or Z for long. D waits for I/O: "
            "many of them mean a slow or hanging disk. Z are zombies: their parent does not collect them.",
            Query(processes.STATE.select().sum(by=("state",)), "{{state}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Process ids",
            "Threads as a share of the ids that the kernel has. Normal: below 50 %. At 100 % nothing can be started.",
            Query(signals.PROCESS_IDS), most=100,
        ),
        panels.timeseries(
            "Open files of the machine",
            "File descriptors in use as a share of fs.file-max. Normal: below 10 %. `lsof | awk '{print $1}' | sort | uniq -c | "
            "sort -n | tail` finds who holds them.",
            Query(signals.OPEN_FILES), most=100,
        ),
        panels.timeseries(
            "Tasks that run and wait",
            "Tasks that can run, and tasks that wait for I/O. Normal: no more that run than there are processors, none that "
            "waits. More that run than processors: saturated; many that wait: slow disks.",
            Query(kernel.PROCS_RUNNING.select(), "{{instance}} can run"),
            Query(kernel.PROCS_BLOCKED.select(), "{{instance}} wait"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "New processes",
            "Processes and threads created. Normal: steady. A high rate: a script in a loop, or a service that restarts.",
            Query(kernel.FORKS.rate()), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Inode usage",
            "Share of each filesystem's inodes in use. Normal: below 90 %. `du --inodes -x -d2 MOUNTPOINT | sort -n | tail` "
            "finds many "
            "small files.",
            Query(signals.INODE_USAGE, "{{instance}} {{mountpoint}}"), most=100,
        ),
    ]  # fmt: skip
    return Row("Processes and files", [Cell(panel, width=8) for panel in found], folded=True)


def _clock(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Clock offset",
            "How far each clock is from its reference. Normal: a few milliseconds. `timedatectl timesync-status` tells more.",
            Query(signals.CLOCK_OFFSET),
        ),
        panels.statetimeline(
            "Clock synchronised",
            "1 while a time service keeps the clock; 0 is normal where the host keeps it, as in a container. Normal: 1 on a "
            "machine of its own. 0 there: `timedatectl` tells what is missing; start chrony or systemd-timesyncd.",
            Query(signals.CLOCK_SYNCHRONISED),
            states=States("kept", "not kept here", zero_colour=look.UNKNOWN),
        ),
        panels.timeseries(
            "Uptime",
            "Time since the machine started. Normal: a line that only rises. A line that falls to 0 is a restart.",
            Query(signals.UPTIME),
        ),
    ]  # fmt: skip
    return Row("Clock", [Cell(panel, width=8) for panel in found], folded=True)
