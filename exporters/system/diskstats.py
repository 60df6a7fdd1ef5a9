"""Block devices: I/O from /proc/diskstats, identity from udev's database.

psutil.disk_io_counters() leaves out discards, flushes, requests in progress and weighted time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from exporters.system.procfs import ProcFile, Roots, read_line
from metrics.model import Labels, Metric, Sample
from metrics.system import disk as m

# Upstream's default: memory disks, loop devices, floppies, and partitions of what is listed whole.
EXCLUDED = re.compile(r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$")
_SECTOR = 512  # bytes; the kernel counts these whatever the device's own sector is
_SCALES: dict[Metric, int] = {m.READ_BYTES: _SECTOR, m.WRITTEN_BYTES: _SECTOR}
_MILLISECONDS = {m.READ_TIME, m.WRITE_TIME, m.IO_TIME, m.IO_TIME_WEIGHTED, m.DISCARD_TIME, m.FLUSH_TIME}
# (metric, factor, divisor) of each column
_COLUMNS = tuple((metric, _SCALES.get(metric, 1), 1000 if metric in _MILLISECONDS else 0) for metric in m.COLUMNS)
_ATA = {
    "ID_ATA_WRITE_CACHE": m.ATA_WRITE_CACHE,
    "ID_ATA_WRITE_CACHE_ENABLED": m.ATA_WRITE_CACHE_ENABLED,
    "ID_ATA_ROTATION_RATE_RPM": m.ATA_ROTATION_RATE,
}


def parse(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Major, minor, name and columns of each device that is not excluded."""
    for line in text.splitlines():
        major, minor, name, *columns = line.split()
        if not EXCLUDED.match(name):
            yield major, minor, name, columns


def samples(name: str, columns: list[str]) -> Iterator[Sample]:
    """A device's counters, as many as its kernel tells; 2.6-style partitions with 4 columns have none."""
    labels = (name,)
    if len(columns) < 11:
        return
    for (metric, factor, divisor), text in zip(_COLUMNS, columns, strict=False):
        value = int(text)
        yield metric, labels, value / divisor if divisor else value * factor


def properties(text: str) -> dict[str, str]:
    """The `E:NAME=value` lines of a file in /run/udev/data."""
    pairs = (line[2:].partition("=") for line in text.splitlines() if line.startswith("E:"))
    return {name: value for name, _, value in pairs}


def identity(major: str, minor: str, name: str, udev: dict[str, str], rotational: str) -> list[tuple[Metric, Labels, float]]:
    """What does not change while the device stays: its info samples."""
    get = udev.get
    serial = get("SCSI_IDENT_SERIAL") or get("ID_SERIAL_SHORT") or get("ID_SERIAL") or ""
    told = (get("ID_PATH", ""), get("ID_WWN", ""), get("ID_MODEL", ""), serial, get("ID_REVISION", ""))
    labels = (name, major, minor, *told, rotational)
    result: list[tuple[Metric, Labels, float]] = [(m.INFO, labels, 1)]
    if kind := get("ID_FS_TYPE"):
        fs = (name, kind, get("ID_FS_USAGE", ""), get("ID_FS_UUID", ""), get("ID_FS_VERSION", ""))
        result.append((m.FILESYSTEM_INFO, fs, 1))
    if mapped := get("DM_NAME"):
        rest = (get("DM_UUID", ""), get("DM_VG_NAME", ""), get("DM_LV_NAME", ""), get("DM_LV_LAYER", ""))
        result.append((m.DEVICE_MAPPER_INFO, (name, mapped, *rest), 1))
    if get("ID_ATA"):
        result += [(metric, (name,), float(udev[key])) for key, metric in _ATA.items() if udev.get(key, "").isdigit()]
    return result


class Diskstats:
    """Block devices."""

    name = "diskstats"
    help = "I/O of each block device, and what identifies it."
    emits = (*m.COLUMNS, m.INFO, m.FILESYSTEM_INFO, m.DEVICE_MAPPER_INFO, *_ATA.values())

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "diskstats")
        self._udev = roots.root / "run/udev/data"
        self._block = roots.sys / "block"
        self._identities: dict[tuple[str, str, str], tuple[float, list[tuple[Metric, Labels, float]]]] = {}

    def collect(self) -> Iterator[Sample]:
        """Counters, and info samples from a cache that follows udev's files."""
        seen = set()
        for major, minor, name, columns in parse(self._file.text()):
            seen.add((major, minor, name))
            yield from self._identity(major, minor, name)
            yield from samples(name, columns)
        for gone in self._identities.keys() - seen:
            del self._identities[gone]

    def _identity(self, major: str, minor: str, name: str) -> list[tuple[Metric, Labels, float]]:
        file = self._udev / f"b{major}:{minor}"
        changed = _modified(file)
        known = self._identities.get((major, minor, name))
        if known is None or known[0] != changed:
            udev = properties(file.read_text("utf-8", "replace")) if changed else {}
            rotational = read_line(self._block / name / "queue/rotational")
            known = (changed, identity(major, minor, name, udev, rotational))
            self._identities[major, minor, name] = known
        return known[1]


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
