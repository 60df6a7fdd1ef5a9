"""Faults of the machine: a network device of our own, a queue nobody empties, a filesystem nobody may see, too little memory.

Each is made for the purpose and taken away; nothing that others use is touched. They need root.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.panels.clients import repeated

_HERE, _THERE = "wfproof0", "wfproof1"  # the dashboards leave out what is called veth…
_UNKNOWN = 0x88B5  # an EtherType for experiments, which no protocol takes: the kernel counts such packets as dropped
_BROADCAST = b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + _UNKNOWN.to_bytes(2, "big") + bytes(500)
_GROUP = Path("/sys/fs/cgroup/memory/watchfloor-proof")
_LIMIT = 48 << 20
_WRITERS = 8
_GREEDY = """
import time
held = []
while True:
    held.append(bytearray(b"x" * (1 << 20)))
    for block in held[::7]:
        block[::4096] = block[::4096]
    time.sleep(0.02)
"""


@contextmanager
def packets_between() -> Iterator[None]:
    """Two ends of a cable, and packets in both directions that no protocol takes."""
    _ip("link", "add", _HERE, "type", "veth", "peer", "name", _THERE)
    stop = threading.Event()
    try:
        for name in (_HERE, _THERE):
            _ip("link", "set", name, "up")
        sender = threading.Thread(target=_send, args=(stop,), daemon=True)
        sender.start()
        yield
        stop.set()
        sender.join()
    finally:
        _ip("link", "delete", _HERE)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _send(stop: threading.Event) -> None:
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) for _ in range(2)]
        for end, name in zip(ends, (_HERE, _THERE), strict=True):
            end.bind((name, 0))
        while not stop.wait(0.05):
            for end in ends:
                end.send(_BROADCAST)


@contextmanager
def full_queue() -> Iterator[None]:
    """A program that listens and accepts nobody: the kernel drops who comes after the queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server, contextlib.ExitStack() as held:
        stop = threading.Event()

        def knock() -> None:
            while not stop.wait(0.05):
                client = held.enter_context(socket.socket())
                client.setblocking(False)  # as the socket library has it
                with contextlib.suppress(BlockingIOError):
                    client.connect(server.getsockname())

        program = threading.Thread(target=knock, daemon=True)
        program.start()
        yield
        stop.set()
        program.join()


@contextmanager
def hidden_filesystem() -> Iterator[None]:
    """A filesystem below a folder that the exporter's user may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="watchfloor-hidden-"))  # mode 0700
    inner = folder / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "watchfloor-hidden", str(inner)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(inner)], check=True)
        inner.rmdir()
        folder.rmdir()


@contextmanager
def busy_disk() -> Iterator[None]:
    """Programs that write, and wait each time until the disk has it."""
    stop = threading.Event()

    def write() -> None:
        with tempfile.TemporaryFile(dir="/var/tmp") as file:  # a disk, where /tmp may be memory
            while not stop.is_set():
                file.seek(0)
                file.write(bytes(1 << 20))
                os.fsync(file.fileno())

    with contextlib.ExitStack() as programs:
        for _ in range(_WRITERS):
            programs.enter_context(repeated(write, stop))
        yield


@contextmanager
def greedy_program() -> Iterator[None]:
    """A program that wants more memory than its group may have: it swaps, waits, and is killed; 64 MB of swap are lent to it."""
    file = Path(tempfile.mkstemp(prefix="watchfloor-swap-", dir="/var/tmp")[1])
    file.chmod(0o600)
    subprocess.run(["fallocate", "-l", "64M", str(file)], check=True)
    subprocess.run(["mkswap", str(file)], check=True, capture_output=True)
    subprocess.run(["swapon", str(file)], check=True)
    _GROUP.mkdir(exist_ok=True)
    (_GROUP / "memory.limit_in_bytes").write_text(str(_LIMIT), encoding="ascii")
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            join = lambda: (_GROUP / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")  # noqa: E731
            program = subprocess.Popen([sys.executable, "-c", _GREEDY], preexec_fn=join)  # noqa: PLW1509  # one thread forks
            while program.poll() is None and not stop.wait(0.1):
                pass
            program.kill()
            program.wait()

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    try:
        yield
    finally:
        stop.set()
        runner.join()
        subprocess.run(["swapoff", str(file)], check=True)
        file.unlink()
        _GROUP.rmdir()
