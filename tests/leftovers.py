"""What a run of `make chaos` or `make drill` that was killed leaves on the machine: rules of the kernel, and a small disk."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import psutil

_NAME = "watchfloor-fault"
_MARK = re.compile(rf"{_NAME}-(\d+)")
# Tables of the kernel's in whose chain OUTPUT faults put rules.
TABLES = ("nat", "filter")


def iptables(table: str, *words: str) -> list[str]:
    """The command that changes or shows one of `TABLES`; it waits for others who change it."""
    return ["iptables", "-w", "10", "-t", table, *words]


@contextlib.contextmanager
def ruled(table: str, *words: str) -> Iterator[None]:
    """A rule of what leaves this machine's programs, of this process's mark, as root. Raises subprocess.CalledProcessError."""
    rule = ["OUTPUT", "-m", "comment", "--comment", mark(), *words]
    subprocess.run(iptables(table, "-I", *rule), check=True)
    try:
        yield
    finally:
        subprocess.run(iptables(table, "-D", *rule), check=True)


def mark() -> str:
    """By which what this process makes can be told from what others make."""
    return f"{_NAME}-{os.getpid()}"


def is_left(words: str) -> bool:
    """Whether something bears the mark of a process that is no more."""
    found = _MARK.search(words)
    return found is not None and not psutil.pid_exists(int(found[1]))


def removal(table: str, rule: str) -> list[str]:
    """The command that takes back a rule as `iptables -S` shows it."""
    verb, *rest = shlex.split(rule)
    assert verb == "-A", rule
    return iptables(table, "-D", *rest)


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
    """Deletes redirections and losses that are left."""
    for table in TABLES:
        told = subprocess.run(iptables(table, "-S", "OUTPUT"), capture_output=True, text=True, check=True).stdout
        for rule in filter(is_left, told.splitlines()):
            subprocess.run(removal(table, rule), check=True)
            yield f"a rule of iptables: {rule}"
