"""Listening, and who holds a port that is in use."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress


class PortInUseError(OSError):
    """The port is taken; its text is one line that names port and, where /proc tells, the process."""


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket on that address; port 0 takes a free one.

    Raises PortInUseError when another process holds the port, OSError when the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"port {port}: in use by {holder(port) or 'another process'}: stop it, or set another port in site.yaml"
            ) from error
        raise
    sock.setblocking(False)
    return sock


def holder(port: int) -> str:
    """`name (pid 123)` of the process that listens on a TCP port; empty when /proc does not tell this user."""
    import psutil  # noqa: PLC0415  # only an exporter that fails to start needs it, and a service's memory counts

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
