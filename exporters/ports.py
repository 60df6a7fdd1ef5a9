"""Listening, or an error that names who does."""

from __future__ import annotations

import errno
import socket

from settings.ports import holder


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
            raise PortInUseError(f"port {port}: in use by {holder(port)}: stop it, or set another port in site.yaml") from error
        raise
    sock.setblocking(False)
    return sock
