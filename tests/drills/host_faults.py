"""Faults of the machine: filesystems, files, tables of the kernel and memory, all made for the purpose. They need root."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from metrics.system import filesystem
from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.waiting import until

_FILES = Path("/proc/sys/fs/file-nr")
_SPARE = 100  # files of a process beside those it opens for the drill
_EACH = min(100_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - _SPARE)  # files of one process: no more than it may have
_DEVICE = "watchfloor-inodes"
_LIMIT = 32 << 20  # bytes of the group in which a program is killed
_GREEDY = "held = []\nwhile True: held.append(b'x' * (1 << 20))"
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def use_up_inodes(share: float, count: int = 1000) -> Fault:
    """A filesystem with room for `count` files, on which a program leaves empty ones: `share` of them."""

    @contextlib.contextmanager
    def fault(_: Appliance) -> Iterator[None]:
        folder = Path(tempfile.mkdtemp(prefix="watchfloor-inodes-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=8m,nr_inodes={count}", _DEVICE, str(folder)], check=True)
        try:
            folder.chmod(0o755)
            for number in range(round(count * share)):
                (folder / str(number)).touch()
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()

    return fault


def break_filesystem() -> Fault:
    """The kernel finds an error in a filesystem, and lets nobody write to it any more (ext4, in a file of its own)."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with tempfile.TemporaryDirectory(prefix="watchfloor-errors-") as name:
            image, folder = Path(name) / "image", Path(name) / "mounted"
            Path(name).chmod(0o755)
            folder.mkdir()
            with image.open("wb") as file:
                file.truncate(16 << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
            subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(image), str(folder)], check=True)
            try:
                found = f'{filesystem.READONLY.name}{{mountpoint="{folder}"}} == 0'
                until("the filesystem is seen, and can be written to", lambda: appliance.query(found), 30)
                _trigger(folder).write_text("drill", encoding="ascii")
                yield
            finally:
                subprocess.run(["umount", str(folder)], check=True)

    return fault


def _trigger(folder: Path) -> Path:
    device = folder.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    return Path("/sys/fs/ext4") / name / "trigger_fs_error"


def open_files_used() -> tuple[int, int]:
    """The machine's files that are open, and how many may be."""
    allocated, _, most = _FILES.read_text(encoding="ascii").split()
    return int(allocated), int(most)


def open_files(beyond: float) -> Fault:
    """A program that closes no file: until `beyond` points more are open than the threshold of OpenFilesNearLimit allows."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        percent = appliance.site.alerts["OpenFilesNearLimit"].threshold
        assert percent is not None
        used, most = open_files_used()
        wanted = int(most * (percent + beyond) / 100) - used
        assert wanted < 2_000_000, f"this kernel lets programs open {most} files: a drill that opens so many is no drill"
        ready = multiprocessing.Value("i", 0)
        programs = [
            multiprocessing.Process(target=_open, args=(min(_EACH, wanted - start), ready), daemon=True)
            for start in range(0, wanted, _EACH)
        ]
        try:
            for program in programs:
                program.start()
            until("the files are open", lambda: ready.value == len(programs), 60)
            yield
        finally:
            for program in programs:
                program.kill()
                program.join()

    return fault


def _open(count: int, ready: Synchronized[int]) -> None:
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # what the faults beside it hold open was inherited
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + _SPARE, count + _SPARE))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
    with ready.get_lock():
        ready.value += 1
    threading.Event().wait()
    del held


def kill_for_memory() -> Fault:
    """A program takes more memory than its control group has, and the kernel ends it."""

    @contextlib.contextmanager
    def fault(_: Appliance) -> Iterator[None]:
        group, limit = _memory_group()
        group.mkdir()
        try:
            (group / limit).write_text(str(_LIMIT), encoding="ascii")
            words = f"import os\nopen({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n{_GREEDY}"
            ended = subprocess.run([sys.executable, "-c", words], check=False, timeout=60, capture_output=True)
            assert ended.returncode < 0, f"the kernel did not end it: {ended.stderr.decode()}"
            yield
        finally:
            group.rmdir()

    return fault


def _memory_group() -> tuple[Path, str]:
    """A group of its own, and the file that holds its limit."""
    if (_V1 / "memory.limit_in_bytes").exists():
        return _V1 / "watchfloor-drill", "memory.limit_in_bytes"
    control = _V2 / "cgroup.subtree_control"
    assert control.exists(), "no memory controller is mounted under /sys/fs/cgroup, neither version 1 nor 2"
    assert "memory" in control.read_text().split(), f"{control}: lacks memory: `echo +memory > {control}`"
    return _V2 / "watchfloor-drill", "memory.max"


def fill_connection_table(share: float) -> Fault:
    """As many connections are tracked as a flood leaves behind: `share` of the table, by the kernel's interface for it."""

    @contextlib.contextmanager
    def fault(_: Appliance) -> Iterator[None]:
        folder = Path("/proc/sys/net/netfilter")
        most, now = (int((folder / f"nf_conntrack_{name}").read_text(encoding="ascii")) for name in ("max", "count"))
        count = int(most * share) - now
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as kernel:
            kernel.bind((0, 0))
            try:
                _tell(kernel, _NEW, _REQUEST | _CREATE, count)
                yield
            finally:
                _tell(kernel, _DELETE, _REQUEST, count)

    return fault


# linux/netlink.h and linux/netfilter/nfnetlink_conntrack.h
_NETFILTER, _NEW, _DELETE, _REQUEST, _CREATE = 12, 1 << 8, 1 << 8 | 2, 1, 0x400
_NESTED, _BATCH = 0x8000, 200
_SOURCES = "198.51.100.1", "203.0.113.1"  # addresses for documentation: nobody has them
_LASTS = 3600  # seconds, at the end of which the kernel forgets them by itself


def _tell(kernel: socket.socket, kind: int, flags: int, count: int) -> None:
    for start in range(0, count, _BATCH):
        kernel.send(b"".join(_message(kind, flags, number) for number in range(start, min(count, start + _BATCH))))


def _message(kind: int, flags: int, number: int) -> bytes:
    here, there = (socket.inet_aton(address) for address in _SOURCES)
    first, second = 1024 + number % 50_000, 1 + number // 50_000
    body = struct.pack("!BBH", socket.AF_INET, 0, 0) + _tuple(1, here, there, first, second)
    if kind == _NEW:
        body += _tuple(2, there, here, second, first) + _attribute(7, struct.pack("!I", _LASTS))
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def _tuple(kind: int, source: bytes, target: bytes, source_port: int, target_port: int) -> bytes:
    """One direction of a UDP exchange."""
    addresses = _attribute(1 | _NESTED, _attribute(1, source) + _attribute(2, target))
    ports = _attribute(2, struct.pack("!H", source_port)) + _attribute(3, struct.pack("!H", target_port))
    return _attribute(kind | _NESTED, addresses + _attribute(2 | _NESTED, _attribute(1, bytes([socket.IPPROTO_UDP])) + ports))


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
