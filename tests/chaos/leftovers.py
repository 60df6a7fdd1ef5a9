"""What a run of `make chaos` that was killed leaves on the machine: redirections of the kernel, and a small disk."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import psutil

_NAME = "watchfloor-chaos"
_MARK = re.compile(rf"{_NAME}-(\d+)")
NAT = ("iptables", "-w", "10", "-t", "nat")


def mark() -> str:
    """By which what this process makes can be told from what others make."""
    return f"{_NAME}-{os.getpid()}"


def is_left(words: str) -> bool:
    """Whether something bears the mark of a process that is no more."""
    found = _MARK.search(words)
    return found is not None and not psutil.pid_exists(int(found[1]))


def removal(rule: str) -> list[str]:
    """The command that takes back a rule as `iptables -S` shows it."""
    verb, *rest = shlex.split(rule)
    assert verb == "-A", rule
    return [*NAT, "-D", *rest]


def take_back() -> Iterator[str]:
    """Removes what is left, as root, and says what it was. Raises subprocess.CalledProcessError."""
    yield from disks()
    if shutil.which("iptables"):
        yield from rules()


def disks() -> Iterator[str]:
    """Unmounts small disks that are left."""
    for mounted in psutil.disk_partitions(all=True):
        if is_left(mounted.device):
            subprocess.run(["umount", "--lazy", mounted.mountpoint], check=True)
            yield f"the small disk at {mounted.mountpoint}"


def rules() -> Iterator[str]:
    """Deletes redirections that are left."""
    told = subprocess.run([*NAT, "-S", "OUTPUT"], capture_output=True, text=True, check=True).stdout
    for rule in filter(is_left, told.splitlines()):
        subprocess.run(removal(rule), check=True)
        yield f"a rule of iptables: {rule}"
