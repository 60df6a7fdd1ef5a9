# ruff: noqa: INP001  # a script of the image, no module of ours
"""The health check inside each container of our own: exit 0 while the service at PORT answers PATH with 2xx.

    python -I -S healthy.py PORT PATH

Docker restarts what ends, not what hangs. So the third silent look in a row after a good one ends every process of the
container but its init, and the restart policy brings it back. It imports next to nothing: it runs every ten seconds.
"""

import os
import socket
import sys

_WITHIN = 4.0  # seconds
_SILENT = 3  # looks in a row
_SEEN = "/tmp/healthy"  # noqa: S108  # the container's own tmpfs: gone when it starts anew


def main() -> int:
    """Asks once; the exit code comes back."""
    port, path = int(sys.argv[1]), sys.argv[2]
    try:
        with socket.create_connection(("127.0.0.1", port), _WITHIN) as connection:
            connection.settimeout(_WITHIN)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            said = connection.recv(1000)
    except OSError as error:
        print(f"port {port}: {error}")
        if isinstance(error, TimeoutError):
            _silent()
        return 1
    good = said[9:10] == b"2"
    if good:
        _note(0)
    print(said.partition(b"\r\n")[0].decode(errors="replace") if said else "no answer")
    return 0 if good else 1


def _silent() -> None:
    if not os.path.exists(_SEEN):  # noqa: PTH110  # pathlib costs more than the check
        return  # it has never been well: still starting
    with open(_SEEN, encoding="ascii") as file:  # noqa: PTH123
        count = int(file.read() or 0) + 1
    _note(count)
    if count >= _SILENT:
        print("hangs: ended, so that Docker starts it again")
        os.kill(-1, 9)  # every process of this user in this container, but the init and this one


def _note(count: int) -> None:
    with open(_SEEN, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(str(count))


if __name__ == "__main__":
    sys.exit(main())
