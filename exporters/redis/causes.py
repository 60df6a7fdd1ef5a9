"""From what a server, the system or TLS says to a cause. No secret stands in any of it: the server never repeats a password."""

from __future__ import annotations

import errno
import socket
import ssl

from exporters.target import LateError, TargetError, line

# The first word of an error that means that the server will answer nothing, whatever is asked.
_FIRST = {
    "NOAUTH": "auth",
    "WRONGPASS": "auth",
    "DENIED": "auth",
    "NOPERM": "auth",
    "LOADING": "starting",
    "BUSY": "timeout",  # a script runs and lets nobody else in
}
_WORDS = (
    ("limit", ("max number of clients",)),
    ("auth", ("invalid password", "invalid username-password", "without any password", "operation not permitted")),
)
_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ENOENT: "refused",
    errno.ECONNRESET: "lost",
    errno.EPIPE: "lost",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ETIMEDOUT: "timeout",
}


class ServerError(Exception):
    """The server refused one command; the text is its own, on one line."""

    def __init__(self, text: object = "") -> None:
        super().__init__(line(text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)))


def refused(error: ServerError) -> TargetError:
    """The cause when the server refuses what every scrape needs."""
    text = str(error)
    cause = _FIRST.get(text.partition(" ")[0].lstrip("-"))
    return TargetError(cause or next((cause for cause, words in _WORDS if any(word in text for word in words)), "other"), text)


def failed(error: OSError) -> TargetError:
    """The cause when the connection fails."""
    if isinstance(error, ssl.SSLError):
        return TargetError("tls", line(f"TLS: {error.reason or error}".replace("_", " ")))
    if isinstance(error, socket.gaierror):
        return TargetError("dns", line(f"its name cannot be looked up: {error.strerror}"))
    return TargetError(_ERRNO.get(error.errno or 0, "other"), line(error.strerror or str(error) or type(error).__name__))


__all__ = ["LateError", "ServerError", "TargetError", "failed", "line", "refused"]
