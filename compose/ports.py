"""Who listens where: a port that is taken is told with the process that has it, before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
        except OSError:
            return False
    return True


def is_own_address(address: str) -> bool:
    """Whether a server of this machine can listen on the address at all."""
    try:
        family, _, _, _, place = socket.getaddrinfo(address.strip("[]"), 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[
            0
        ]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(place)
    except OSError:
        return False
    return True


def holder(port: int) -> str:
    """`name (pid N)` of the process that listens on `port`, as far as our rights let us see it."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").iterdir() if inodes else ():
        if folder.name.isdigit() and _has_socket(folder, inodes):
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (pid {folder.name})"
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


def _socket_of(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
    except OSError:  # closed since it was listed
        return ""
