"""What this machine has: programs and their versions, disk, memory, descriptors, the clock, certificates. It only looks."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from compose.service import program
from settings.paths import HOME_VARIABLE
from settings.ports import holder

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has on any architecture


class Wanted(NamedTuple):
    """A program whose version matters: the commands by which it may be called, the word to ask with, and the oldest."""

    commands: tuple[str, ...]
    word: str
    oldest: str


# What Debian 12 has: rules, routes and configuration are tested from there on.
ALWAYS = {
    "prometheus": Wanted(("prometheus",), "--version", "2.42"),
    "alertmanager": Wanted(("prometheus-alertmanager", "alertmanager"), "--version", "0.25"),
    "redis-server": Wanted(("redis-server",), "--version", "7.0"),
    "varnish": Wanted(("varnishd", "/usr/sbin/varnishd"), "-V", "7.1"),
}
ENTRANCE = {"nginx": Wanted(("nginx", "/usr/sbin/nginx"), "-v", "1.22")}
BACKUP = {"pgbackrest": Wanted(("pgbackrest",), "version", "2.45")}
_TOLD = re.compile(r"(?:version |v=|nginx/|varnish-|pgBackRest )(\d+(?:\.\d+)+)")


@dataclass(frozen=True)
class Program:
    """A program, the version that it tells (empty: none), and the oldest that will do."""

    name: str
    version: str
    oldest: str

    @property
    def too_old(self) -> bool:
        """Whether its version is below the oldest that will do."""
        return _numbers(self.version) < _numbers(self.oldest)


def programs(wanted: Mapping[str, Wanted]) -> Iterator[Program]:
    """What is there of these."""
    for name, one in wanted.items():
        yield Program(name, _version(program(*one.commands), one.word), one.oldest)


def _version(command: str, word: str) -> str:
    try:
        done = subprocess.run([command, word], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _TOLD.search(done.stdout + done.stderr)
    return found[1] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Room:
    """A file system, in bytes and inodes."""

    place: Path
    total: int
    free: int
    inodes: int
    free_inodes: int


def room(path: Path) -> Room:
    """The file system that holds `path`, or would: its nearest folder that is there."""
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    usage, status = shutil.disk_usage(place), os.statvfs(place)
    return Room(place, usage.total, usage.free, status.f_files, status.f_favail)


def appliance_of(port: int) -> str:
    """The home of the appliance one of whose services listens there; empty where none does, or its user's is not ours to see."""
    number = re.search(r"\(pid (\d+)\)", holder(port))
    try:
        told = Path(f"/proc/{number[1]}/environ").read_bytes() if number else b""
    except OSError:
        return ""
    found = re.search(rb"(?:^|\0)" + HOME_VARIABLE.encode() + rb"=([^\0]+)", told)
    return os.fsdecode(found[1]) if found else ""


def size(folder: Path) -> int:
    """Bytes of the files below a folder; 0 where it is not there, or not ours to see."""
    return sum(_bytes(Path(root) / name) for root, _, names in os.walk(folder) for name in names)


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def newest_ahead(home: Path) -> float:
    """Seconds by which the newest file in the appliance's folders is ahead of the clock; 0 or less where none is."""
    ahead = 0.0
    for folder in (home, home / "log", home / "data", home / "secrets"):
        for path in folder.glob("*") if folder.is_dir() and os.access(folder, os.R_OK) else ():
            ahead = max(ahead, path.lstat().st_mtime - time.time())
    return ahead


def clock_synchronised() -> bool | None:
    """Whether the kernel calls the clock synchronised (adjtimex(2)); None where it does not tell."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def descriptors() -> int:
    """How many files a process may have open at most, once it raised its limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 2**31 if hard == resource.RLIM_INFINITY else hard


@dataclass(frozen=True)
class Memory:
    """In bytes; `swap` is what is free of it."""

    total: int
    available: int
    swap: int


def memory(meminfo: Path = Path("/proc/meminfo")) -> Memory:
    """The machine's memory, as the kernel tells it."""
    told = dict(re.findall(r"^(\w+):\s+(\d+) kB$", meminfo.read_text(encoding="ascii"), re.MULTILINE))
    return Memory(*(int(told[name]) * 1024 for name in ("MemTotal", "MemAvailable", "SwapFree")))


def fingerprint(path: Path) -> str:
    """The SHA-256 of a certificate, as browsers show it."""
    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def certificate_days(path: Path) -> float:
    """Days until the first certificate of a PEM file expires, negative after it. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return (found.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86_400
