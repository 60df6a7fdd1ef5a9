"""Mounted filesystems as /proc/PID/mountinfo lists them: pure parsing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exporters.system.swap import unescape

# From Linux 6.15 on, ext4 calls it so when it lets nobody write after an error; `rw` then stays beside it.
_READ_ONLY = frozenset(("ro", "emergency_ro"))


@dataclass(frozen=True)
class Mount:
    """One mounted filesystem."""

    device: str
    mountpoint: str
    fstype: str
    major: str
    minor: str
    readonly: bool


def parse(text: str) -> list[Mount]:
    """The mounts in order; the last one on a mountpoint is the one that is seen there."""
    result = []
    for line in text.splitlines():
        fields = line.split(" ")
        try:
            dash = fields.index("-", 6)
            fstype, device, options = fields[dash + 1 : dash + 4]
        except ValueError:
            continue  # not a line that this kernel interface promises
        major, _, minor = fields[2].partition(":")
        readonly = "ro" in fields[5].split(",") or not _READ_ONLY.isdisjoint(options.split(","))
        result.append(Mount(unescape(device), unescape(fields[4]), fstype, major, minor, readonly))
    return result


def chosen(mounts: list[Mount], mount_points: re.Pattern[str], types: re.Pattern[str]) -> list[Mount]:
    """Those that neither pattern excludes, each once."""
    seen: dict[tuple[str, str, str], Mount] = {}
    for mount in mounts:
        if not types.search(mount.fstype) and not mount_points.search(mount.mountpoint):
            seen[mount.device, mount.mountpoint, mount.fstype] = mount
    return list(seen.values())
