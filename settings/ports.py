"""Who listens on a port that is taken, told from /proc: by every service that cannot start, and before anything starts."""

from __future__ import annotations

from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def holder(port: int) -> str:
    """`name (pid N)` of the process that listens on `port`, as far as our rights let us see it."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").iterdir() if inodes else ():
        if folder.name.isdigit() and _has_socket(folder, inodes):
            return f"{_name(folder)} (pid {folder.name})"
    return "a process that this user may not see"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _has_socket(folder: Path, inodes: set[str]) -> bool:
    try:
        descriptors = list((folder / "fd").iterdir())
    except OSError:
        return False
    return any(_socket_of(descriptor) in inodes for descriptor in descriptors)


def _name(folder: Path) -> str:
    try:
        return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # ended since it was found
        return "a process that has ended since"


def _socket_of(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
    except OSError:  # closed since it was listed
        return ""
