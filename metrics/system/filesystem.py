"""Mounted filesystems: space, inodes, state; and open files."""

from metrics.model import Counter, Gauge, Unit

_MOUNT = ("device", "mountpoint", "fstype", "device_error")
_EXCLUDED = "every mounted filesystem is excluded, as in a container on an overlay"

SIZE = Gauge("node_filesystem_size_bytes", "Size of the filesystem.", Unit.BYTES, labels=_MOUNT, absent=_EXCLUDED)
FREE = Gauge(
    "node_filesystem_free_bytes",
    "Free space, what is kept for root included.",
    Unit.BYTES,
    labels=_MOUNT,
    absent=_EXCLUDED,
)
AVAIL = Gauge(
    "node_filesystem_avail_bytes", "Space that users other than root can get.", Unit.BYTES, labels=_MOUNT, absent=_EXCLUDED
)
FILES = Gauge(
    "node_filesystem_files", "Inodes of the filesystem; 0 where it makes them as needed.", Unit.COUNT, labels=_MOUNT,
    absent=_EXCLUDED,
)  # fmt: skip
FILES_FREE = Gauge("node_filesystem_files_free", "Free inodes.", Unit.COUNT, labels=_MOUNT, absent=_EXCLUDED)
READONLY = Gauge(
    "node_filesystem_readonly", "1 when it is mounted read-only, else 0.", Unit.BOOL, labels=_MOUNT, absent=_EXCLUDED
)
DEVICE_ERROR = Gauge(
    "node_filesystem_device_error", "1 when its figures could not be read; the label `device_error` says why.", Unit.BOOL,
    labels=_MOUNT, absent=_EXCLUDED,
)  # fmt: skip
MOUNT_INFO = Gauge(
    "node_filesystem_mount_info", "Constant 1; the labels tell which device is mounted where.", Unit.INFO,
    labels=("device", "major", "minor", "mountpoint"), absent=_EXCLUDED, compat=True,
)  # fmt: skip

FILEFD_ALLOCATED = Gauge("node_filefd_allocated", "File descriptors in use on the whole machine.", Unit.COUNT)
FILEFD_MAXIMUM = Gauge("node_filefd_maximum", "File descriptors that the machine allows (fs.file-max).", Unit.COUNT)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
