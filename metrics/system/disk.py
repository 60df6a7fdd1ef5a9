"""Block devices: /proc/diskstats, and what udev knows of them."""

from metrics.model import Counter, Gauge, Unit

_DEVICE = ("device",)
_DISCARD = "kernels before 4.18 do not count discards"
_FLUSH = "kernels before 5.5 do not count flushes"
_ATA = "no ATA disk, or no udev"

INFO = Gauge(
    "node_disk_info", "Constant 1; the labels identify the device (udev, /sys/block).", Unit.INFO,
    labels=("device", "major", "minor", "path", "wwn", "model", "serial", "revision", "rotational"),
    absent="the machine has no block device", compat=True,
)  # fmt: skip
READS = Counter("node_disk_reads_completed_total", "Reads completed.", Unit.COUNT, labels=_DEVICE)
READS_MERGED = Counter(
    "node_disk_reads_merged_total", "Reads merged with adjacent ones.", Unit.COUNT, labels=_DEVICE, compat=True
)
READ_BYTES = Counter("node_disk_read_bytes_total", "Bytes read.", Unit.BYTES, labels=_DEVICE)
READ_TIME = Counter(
    "node_disk_read_time_seconds_total", "Time spent by all reads, summed over requests.", Unit.SECONDS, labels=_DEVICE
)
WRITES = Counter("node_disk_writes_completed_total", "Writes completed.", Unit.COUNT, labels=_DEVICE)
WRITES_MERGED = Counter(
    "node_disk_writes_merged_total", "Writes merged with adjacent ones.", Unit.COUNT, labels=_DEVICE, compat=True
)
WRITTEN_BYTES = Counter("node_disk_written_bytes_total", "Bytes written.", Unit.BYTES, labels=_DEVICE)
WRITE_TIME = Counter(
    "node_disk_write_time_seconds_total", "Time spent by all writes, summed over requests.", Unit.SECONDS, labels=_DEVICE
)
IO_NOW = Gauge("node_disk_io_now", "Requests in progress.", Unit.COUNT, labels=_DEVICE)
IO_TIME = Counter(
    "node_disk_io_time_seconds_total", "Time in which the device had at least one request.", Unit.SECONDS, labels=_DEVICE
)
IO_TIME_WEIGHTED = Counter(
    "node_disk_io_time_weighted_seconds_total", "Time weighted by the number of requests in progress.", Unit.SECONDS,
    labels=_DEVICE, compat=True,
)  # fmt: skip
DISCARDS = Counter(
    "node_disk_discards_completed_total", "Discards completed.", Unit.COUNT, labels=_DEVICE, absent=_DISCARD, compat=True
)
DISCARDS_MERGED = Counter(
    "node_disk_discards_merged_total",
    "Discards merged with adjacent ones.",
    Unit.COUNT,
    labels=_DEVICE,
    absent=_DISCARD,
    compat=True,
)
DISCARDED_SECTORS = Counter(
    "node_disk_discarded_sectors_total",
    "Sectors of 512 bytes discarded.",
    Unit.COUNT,
    labels=_DEVICE,
    absent=_DISCARD,
    compat=True,
)
DISCARD_TIME = Counter(
    "node_disk_discard_time_seconds_total",
    "Time spent by all discards.",
    Unit.SECONDS,
    labels=_DEVICE,
    absent=_DISCARD,
    compat=True,
)
FLUSHES = Counter(
    "node_disk_flush_requests_total", "Flush requests completed.", Unit.COUNT, labels=_DEVICE, absent=_FLUSH, compat=True
)
FLUSH_TIME = Counter(
    "node_disk_flush_requests_time_seconds_total", "Time spent by all flush requests.", Unit.SECONDS, labels=_DEVICE,
    absent=_FLUSH, compat=True,
)  # fmt: skip
# /proc/diskstats in the order of its columns, after major, minor and name.
COLUMNS = (
    READS, READS_MERGED, READ_BYTES, READ_TIME, WRITES, WRITES_MERGED, WRITTEN_BYTES, WRITE_TIME, IO_NOW, IO_TIME,
    IO_TIME_WEIGHTED, DISCARDS, DISCARDS_MERGED, DISCARDED_SECTORS, DISCARD_TIME, FLUSHES, FLUSH_TIME,
)  # fmt: skip

FILESYSTEM_INFO = Gauge(
    "node_disk_filesystem_info", "Constant 1; the labels tell which filesystem the device holds.", Unit.INFO,
    labels=("device", "type", "usage", "uuid", "version"), absent="no udev", compat=True,
)  # fmt: skip
DEVICE_MAPPER_INFO = Gauge(
    "node_disk_device_mapper_info", "Constant 1; the labels identify a device-mapper device.", Unit.INFO,
    labels=("device", "name", "uuid", "vg_name", "lv_name", "lv_layer"), compat=True,
    absent="no device-mapper device, or no udev",
)  # fmt: skip
ATA_WRITE_CACHE = Gauge(
    "node_disk_ata_write_cache", "1 when the disk has a write cache.", Unit.BOOL, labels=_DEVICE, absent=_ATA, compat=True
)
ATA_WRITE_CACHE_ENABLED = Gauge(
    "node_disk_ata_write_cache_enabled",
    "1 when the disk's write cache is on.",
    Unit.BOOL,
    labels=_DEVICE,
    absent=_ATA,
    compat=True,
)
ATA_ROTATION_RATE = Gauge(
    "node_disk_ata_rotation_rate_rpm",
    "Rotations per minute; 0 for a solid-state disk.",
    Unit.RPM,
    labels=_DEVICE,
    absent=_ATA,
    compat=True,
)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
