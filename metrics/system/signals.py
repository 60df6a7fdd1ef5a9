"""What an operator asks of a machine: USE (utilisation, saturation, errors) of processors, memory, disks and network.

Keys are the values of the label `signal` on alerts. Recorded signals aggregate by the labels of a target, plus the device.
"""

from __future__ import annotations

from metrics.model import Gauge, Recording, Signal, Unit
from metrics.query import Expr, Selector
from metrics.system import cpu, disk, filesystem, kernel, memory, netstat, network, processes, time

MACHINE = ("cluster", "job", "instance")
MOUNT = (*MACHINE, "device", "mountpoint")
DEVICE = (*MACHINE, "device")
# Short enough that a burst is seen within two scrapes of 10 s, long enough that one scrape may fail.
_USAGE_WINDOW = "1m"
# Images are full by nature, overlays and FUSE show another filesystem's space again. A full tmpfs (/tmp, /run) does harm.
OWN = "!~overlay|squashfs|erofs|iso9660|udf|devtmpfs|ramfs|fuse\\..*"
NOT_WORKING = "=~idle|iowait"  # modes of a processor
REAL_DISKS = "!~(loop|ram|zram|fd|sr)[0-9]+"
REAL_NICS = "!~lo|(veth|docker|br-|virbr|cali|flannel|cni|tap|tun).*"


def real(metric: Gauge) -> Expr:
    """One series a mounted filesystem that has space of its own."""
    return metric.select(fstype=OWN).max(by=MOUNT)


def _writable(expr: Expr) -> Expr:
    """A filesystem that is mounted read-only is as full as it will ever be."""
    readonly = real(filesystem.READONLY).compare("==", 1)
    return expr.binary("unless", readonly, f"on ({', '.join(MOUNT)})")


def _percent_used(free: Expr, size: Expr) -> Expr:
    return 100 * (1 - free / size.compare(">", 0))


# -- processors ------------------------------------------------------------------------------------------------------
_ALL_MODES = cpu.SECONDS.rate(_USAGE_WINDOW).sum(by=MACHINE)
_NOT_WORKING = cpu.SECONDS.rate(_USAGE_WINDOW, mode=NOT_WORKING).sum(by=MACHINE)
_PROCESSORS = cpu.SECONDS.select(mode="idle").count(by=MACHINE)
CPU_USAGE = Signal(
    "CPU usage",
    100 * (1 - _NOT_WORKING / _ALL_MODES),
    Unit.PERCENT,
    "Share of processor time that is neither idle nor waiting for I/O, over all processors of the machine.",
    warning=80, critical=90, minimum=1, maximum=99.9, recorded_as="system_cpu_usage",
    why="Above 80 % a burst finds no room and queues form; above 90 % latency grows without bound.",
    alerts={"warning": "HighCPUUsage", "critical": "CriticalCPUUsage"},
)  # fmt: skip
LOAD_PER_CORE = Signal(
    "Load per processor",
    cpu.LOAD1.select().sum(by=MACHINE) / _PROCESSORS,
    Unit.NONE,
    "Tasks that run, want to run or wait for a disk, mean of 1 min, per processor.",
    warning=2, minimum=0.1, maximum=1000,
    why="Above 1 some task always waits; above 2 each waits as long as it runs.",
)  # fmt: skip
PRESSURE_CPU = Signal(
    "CPU pressure",
    cpu.PRESSURE_CPU_WAITING.rate().sum(by=MACHINE),
    Unit.RATIO,
    "Share of time in which at least one task waited for a processor.",
    warning=0.5, maximum=1, why="Half of the time somebody waits: the processors are saturated.",
)  # fmt: skip

# -- memory ----------------------------------------------------------------------------------------------------------
MEMORY_USAGE = Signal(
    "Memory usage",
    100 * (1 - memory.MEM_AVAILABLE.select().sum(by=MACHINE) / memory.MEM_TOTAL.select().sum(by=MACHINE)),
    Unit.PERCENT,
    "Share of memory that new programs could not get without swapping (1 - MemAvailable / MemTotal).",
    warning=85, minimum=1, maximum=99.9, recorded_as="system_memory_usage",
    why="Above 85 % the page cache shrinks and disks work more; the kernel kills processes when nothing is left.",
    alerts={"warning": "HighMemoryUsage"},
)  # fmt: skip
PRESSURE_MEMORY = Signal(
    "Memory pressure",
    cpu.PRESSURE_MEMORY_WAITING.rate().sum(by=MACHINE),
    Unit.RATIO,
    "Share of time in which at least one task waited for memory.",
    warning=0.1, maximum=1, why="A healthy machine never waits for memory; a tenth of the time is felt by users.",
)  # fmt: skip
OOM_KILLS = Signal(
    "Processes killed for memory",
    memory.OOM_KILL.increase("10m").sum(by=MACHINE),
    Unit.COUNT,
    "Processes that the kernel killed in the last 10 min because memory ran out.",
    warning=0, maximum=1000, why="One killed process is one too many: it was somebody's work.",
    alerts={"warning": "OutOfMemoryKill"},
)  # fmt: skip

# -- disks -----------------------------------------------------------------------------------------------------------
DISK_UTILISATION = Signal(
    "Disk utilisation",
    disk.IO_TIME.rate(device=REAL_DISKS).sum(by=DEVICE),
    Unit.RATIO,
    "Share of time in which the device had a request to serve.",
    warning=0.9, maximum=1,
    why="A disk that is always busy lets requests queue; solid-state disks serve many at once, so look at latency too.",
)  # fmt: skip
_TIME = disk.READ_TIME.rate(device=REAL_DISKS) + disk.WRITE_TIME.rate(device=REAL_DISKS)
DISK_REQUESTS = (disk.READS.rate(device=REAL_DISKS) + disk.WRITES.rate(device=REAL_DISKS)).sum(by=DEVICE)
DISK_LATENCY = Signal(
    "Disk latency",
    _TIME.sum(by=DEVICE) / DISK_REQUESTS.compare(">", 0),
    Unit.SECONDS,
    "Mean time of a read or write, queueing included; no line while the disk does nothing.",
    warning=0.1, minimum=0.0001, maximum=60, why="A solid-state disk answers within 1 ms, a rotating one within 20 ms.",
    alerts={"warning": "DiskSlow"},
)  # fmt: skip
PRESSURE_IO = Signal(
    "I/O pressure",
    cpu.PRESSURE_IO_WAITING.rate().sum(by=MACHINE),
    Unit.RATIO,
    "Share of time in which at least one task waited for a disk.",
    warning=0.5, maximum=1, why="Half of the time somebody waits for a disk: storage is the bottleneck.",
)  # fmt: skip

# -- filesystems -----------------------------------------------------------------------------------------------------
# As df reckons: what is kept for root counts neither as used nor as free, so that 100 % means that users cannot write.
_USED = real(filesystem.SIZE) - real(filesystem.FREE)
DISK_USAGE = Signal(
    "Disk usage",
    _writable(100 * _USED / (_USED + real(filesystem.AVAIL)).compare(">", 0)),
    Unit.PERCENT,
    "Share of each filesystem in use, as `df` tells it.",
    warning=90, minimum=1, maximum=99.9, recorded_as="system_disk_usage",
    why="Above 90 % filesystems fragment and little time is left to act; databases stop when space runs out.",
    alerts={"warning": "DiskAlmostFull"},
)  # fmt: skip
_DAY = 86_400.0
_FILLING_PER_SECOND = filesystem.AVAIL.select(fstype=OWN).over("deriv", "1h").max(by=MOUNT)
DISK_TIME_LEFT = Signal(
    "Time until the disk is full",
    _writable(real(filesystem.AVAIL) / (0 - _FILLING_PER_SECOND).apply("clamp_min", "0")).apply("clamp_max", f"{30 * _DAY:g}"),
    Unit.SECONDS,
    "When each filesystem is full if it goes on filling as in the last hour; drawn as 30 days at most.",
    warning=_DAY, bad_below=True, minimum=60, maximum=30 * _DAY,
    why="A day is enough to act in working hours.",
    alerts={"warning": "DiskFillingUp"},
    every="1m",  # an hour of each filesystem is read, to tell of a day
)  # fmt: skip
DISK_HALF_FULL = Signal(
    "Filesystems more than 60 % full",
    Selector(None, "system_disk_usage").compare(">", 60),
    Unit.PERCENT,
    "Filesystems that a prediction is worth being told about: an emptier one has time to change its course.",
)  # fmt: skip
INODE_USAGE = Signal(
    "Inode usage",
    _writable(_percent_used(real(filesystem.FILES_FREE), real(filesystem.FILES))),
    Unit.PERCENT,
    "Share of each filesystem's inodes in use: without a free one no file can be made, however much space is left.",
    warning=90, minimum=1, maximum=99.9, why="As for space.", alerts={"warning": "InodesAlmostFull"},
)  # fmt: skip
READ_ONLY = Signal(
    "Read-only filesystems",
    real(filesystem.READONLY),
    Unit.BOOL,
    "1 for a filesystem that is mounted read-only: on purpose, or by the kernel after an error.",
)  # fmt: skip
DEVICE_ERRORS = Signal(
    "Unreadable filesystems",
    filesystem.DEVICE_ERROR.select().max(by=MOUNT),
    Unit.BOOL,
    "1 for a filesystem whose figures could not be read: a hanging network mount, a missing right.",
    warning=0.5, minimum=0.5, maximum=0.5,
)  # fmt: skip
OPEN_FILES = Signal(
    "Open files of the machine",
    100 * filesystem.FILEFD_ALLOCATED.select().sum(by=MACHINE) / filesystem.FILEFD_MAXIMUM.select().sum(by=MACHINE),
    Unit.PERCENT,
    "File descriptors in use, as a share of what the kernel allows (fs.file-max).",
    warning=80, minimum=1, maximum=99.9, why="At 100 % nothing can open a file or accept a connection.",
    alerts={"warning": "OpenFilesNearLimit"},
)  # fmt: skip

# -- network ---------------------------------------------------------------------------------------------------------
NETWORK_ERRORS = Signal(
    "Network errors",
    (network.RECEIVE_ERRS.rate(device=REAL_NICS) + network.TRANSMIT_ERRS.rate(device=REAL_NICS)).sum(by=DEVICE),
    Unit.PER_SECOND,
    "Packets a second that arrived damaged or could not be sent.",
    warning=10, minimum=0.01, why="Cables, ports and drivers lose none when they are sound.",
)  # fmt: skip
NETWORK_DROPS = Signal(
    "Network drops",
    (network.RECEIVE_DROP.rate(device=REAL_NICS) + network.TRANSMIT_DROP.rate(device=REAL_NICS)).sum(by=DEVICE),
    Unit.PER_SECOND,
    "Packets a second that were dropped: unwanted ones, or no room in a queue.",
    warning=100, minimum=0.01, why="A few unwanted broadcasts are normal; a hundred a second means that a queue overflows.",
)  # fmt: skip
RETRANSMITS = Signal(
    "TCP retransmissions",
    netstat.TCP_RETRANS_SEGS.rate().sum(by=MACHINE) / netstat.TCP_OUT_SEGS.rate().sum(by=MACHINE).compare(">", 0),
    Unit.RATIO,
    "Share of TCP segments that had to be sent again.",
    warning=0.05, maximum=1, why="Above 5 % throughput collapses; healthy networks stay below 1 %.",
)  # fmt: skip

# -- processes and clock ---------------------------------------------------------------------------------------------
PROCESS_IDS = Signal(
    "Process ids",
    100 * processes.THREADS.select().sum(by=MACHINE) / processes.MAX_PROCESSES.select().sum(by=MACHINE),
    Unit.PERCENT,
    "Threads, each of which takes an id, as a share of the ids that the kernel has (kernel.pid_max).",
    warning=80, minimum=1, maximum=99.9, why="Without a free id nothing can be started, not even a shell.",
)  # fmt: skip
CLOCK_OFFSET = Signal(
    "Clock offset",
    time.OFFSET.select().apply("abs").max(by=MACHINE),
    Unit.SECONDS,
    "How far the clock is from its reference, as the kernel's time discipline knows it.",
    warning=0.05, minimum=0.001, maximum=3600,
    why="50 ms is far outside what NTP reaches on any network; logs and certificates tolerate little more.",
    alerts={"warning": "ClockSkew"},
)  # fmt: skip
CLOCK_SYNCHRONISED = Signal(
    "Clock synchronised",
    time.SYNC_STATUS.select().min(by=MACHINE),
    Unit.BOOL,
    "1 while a time service keeps the clock; 0 is normal in a container or a virtual machine that the host keeps.",
)  # fmt: skip
UPTIME = Signal(
    "Uptime",
    Selector(time.SECONDS, time.SECONDS.name).max(by=MACHINE) - kernel.BOOT_TIME.select().max(by=MACHINE),
    Unit.SECONDS,
    "Time since the machine started.",
)  # fmt: skip

SIGNALS: dict[str, Signal] = {
    "system.cpu_usage": CPU_USAGE,
    "system.load_per_core": LOAD_PER_CORE,
    "system.cpu_pressure": PRESSURE_CPU,
    "system.memory_usage": MEMORY_USAGE,
    "system.memory_pressure": PRESSURE_MEMORY,
    "system.oom_kills": OOM_KILLS,
    "system.disk_utilisation": DISK_UTILISATION,
    "system.disk_latency": DISK_LATENCY,
    "system.io_pressure": PRESSURE_IO,
    "system.disk_usage": DISK_USAGE,
    "system.disk_time_left": DISK_TIME_LEFT,
    "system.disk_half_full": DISK_HALF_FULL,
    "system.inode_usage": INODE_USAGE,
    "system.read_only": READ_ONLY,
    "system.device_errors": DEVICE_ERRORS,
    "system.open_files": OPEN_FILES,
    "system.network_errors": NETWORK_ERRORS,
    "system.network_drops": NETWORK_DROPS,
    "system.retransmits": RETRANSMITS,
    "system.process_ids": PROCESS_IDS,
    "system.clock_offset": CLOCK_OFFSET,
    "system.clock_synchronised": CLOCK_SYNCHRONISED,
    "system.uptime": UPTIME,
}
RECORDINGS: tuple[Recording, ...] = (
    Recording(
        "system_network_io",
        "Bytes that each network device received and sent.",
        Unit.BYTES,
        (
            (network.RECEIVE_BYTES.select(), (("direction", "receive"),)),
            (network.TRANSMIT_BYTES.select(), (("direction", "transmit"),)),
        ),
    ),
)
