"""What an operator asks of a machine's limits, and of what changes at once: a full table, a filesystem that turns read-only."""

from __future__ import annotations

from metrics.model import Signal, Unit
from metrics.system import filesystem, kernel, network
from metrics.system.signals import DISK_REQUESTS, MACHINE, MOUNT, OWN, real

CONNECTION_TABLE = Signal(
    "Connection table",
    100 * network.CONNTRACK_ENTRIES.select().sum(by=MACHINE) / network.CONNTRACK_LIMIT.select().sum(by=MACHINE).compare(">", 0),
    Unit.PERCENT,
    "Connections that the kernel tracks, as a share of its limit (nf_conntrack_max).",
    warning=80, minimum=1, maximum=99.9, why="At 100 % packets of new connections are dropped, and no sender is told.",
    alerts={"warning": "ConnectionTableNearLimit"},
)  # fmt: skip
TURNED_READ_ONLY = Signal(
    "Turned read-only",
    real(filesystem.READONLY) - filesystem.READONLY.select(fstype=OWN).over("min_over_time", "1d").max(by=MOUNT),
    Unit.BOOL,
    "1 for a filesystem that is read-only now and was not at some time of the last day, else 0.",
    warning=0.5, minimum=0.5, maximum=0.5, alerts={"warning": "FilesystemReadOnly"},
    every="2m",  # a day of each filesystem is read
)  # fmt: skip
RESTARTED = Signal(
    "Restarted",
    kernel.BOOT_TIME.select().max(by=MACHINE) - kernel.BOOT_TIME.select().over("min_over_time", "15m").max(by=MACHINE),
    Unit.SECONDS,
    "How much later the machine started than it had started 15 min ago: 0 but after a restart.",
    warning=60, minimum=10, maximum=86_400,
    why="The start's time moves by a second when the clock is set; two starts are a minute apart.",
    alerts={"warning": "MachineRestarted"},
)  # fmt: skip
DISK_BUSY = Signal(
    "Disks in use",
    DISK_REQUESTS.compare(">", 5),
    Unit.PER_SECOND,
    "Disks with more than five requests a second: a mean of fewer is chance.",
)

SIGNALS: dict[str, Signal] = {
    "system.connection_table": CONNECTION_TABLE,
    "system.turned_read_only": TURNED_READ_ONLY,
    "system.restarted": RESTARTED,
    "system.disk_busy": DISK_BUSY,
}
