"""The listening socket of the models' process, and what is said when there is none to be had."""

from __future__ import annotations

import errno
import socket

from settings.ports import holder

_BACKLOG = 1024  # connections that may wait


def port(text: str) -> int:
    """A port, or 0. Raises ValueError, as argparse wants it."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def listen(bind: str, number: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((bind.strip("[]"), number))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def url(sock: socket.socket) -> str:
    """Where a socket is reached."""
    host, number = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{number}"


def refused(bind: str, number: int, name: str, error: OSError) -> str:
    """What to say of a port that cannot be had; `name` is its key below `ports` of site.yaml."""
    if error.errno == errno.EADDRINUSE:
        return f"{bind}:{number}: in use by {holder(number)}: stop it, or set ports.{name} in site.yaml"
    return f"{bind}:{number}: cannot listen ({error.strerror or error}): set bind and ports.{name} in site.yaml"
