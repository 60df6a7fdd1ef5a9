"""Services that outlived their supervisord: nothing brings them back any more, and they hold the ports."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from settings.paths import HOME_VARIABLE

_PATIENCE = 15.0  # seconds that they have to end by themselves


def orphans(home: Path) -> list[int]:
    """Process ids of services of this home, known by the environment that they were started with, or by where they work.

    Redis and PostgreSQL write their title over their environment; both work in a folder of their own below the home's data.
    """
    mark = f"{HOME_VARIABLE}={home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if not folder.name.isdigit() or _parent(folder) != 1 or int(folder.name) == os.getpid():
                continue
            words = (folder / "environ").read_bytes().split(b"\0")
            started = mark in words and b"SUPERVISOR_ENABLED=1" in words
            if started or (folder / "cwd").readlink().is_relative_to(home / "data"):
                found.append(int(folder.name))
        except (OSError, ValueError, IndexError):
            continue  # ended since, or not ours to see
    return found


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])


def end_orphans(home: Path) -> bool:
    """Ends them, by SIGTERM and after a while by SIGKILL; tells whether there were any."""
    left = orphans(home)
    if not left:
        return False
    _send(left, signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while (left := orphans(home)) and time.monotonic() < end:
        time.sleep(0.1)
    _send(left, signal.SIGKILL)
    while orphans(home):
        time.sleep(0.05)
    return True


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
