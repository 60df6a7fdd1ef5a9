"""Why a server could not be asked: one of a few causes, for a label, and one line, for the log. No secret stands in either."""

from __future__ import annotations

from typing import Self

from psycopg import pq
from psycopg.pq.abc import PGresult

from exporters.target import LateError, TargetError, line

# What libpq and the server say, in the order in which it is looked for.
_WORDS = (
    ("auth", ("password authentication failed", "no password supplied", "authentication failed", "no pg_hba.conf entry")),
    ("auth", ('role "', "permission denied for database")),
    ("database", ('database "',)),
    ("limit", ("too many clients", "too many connections", "remaining connection slots")),
    ("starting", ("starting up", "shutting down", "in recovery mode", "not yet accepting connections")),
    ("tls", ("SSL", "certificate")),
    ("dns", ("could not translate host name", "Name or service not known")),
    ("refused", ("Connection refused", "No such file or directory")),
    ("unreachable", ("No route to host", "Network is unreachable", "Host is unreachable")),
    ("timeout", ("timeout expired", "timed out")),
    ("protocol", ("expected authentication request", "received invalid response", "unsupported frontend protocol")),
    (
        "lost",
        ("server closed the connection", "Connection reset", "terminating connection", "Broken pipe", "connection not open"),
    ),
)


class ServerError(Exception):
    """The server refused one statement; `state` is its SQLSTATE."""

    def __init__(self, state: str, text: str) -> None:
        super().__init__(f"{text} (SQLSTATE {state})")
        self.state = state

    @classmethod
    def of(cls, result: PGresult) -> Self:
        """From libpq's result. Only the primary message: details may hold values of rows."""
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode("ascii", "replace")
        return cls(state, line((result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")))


def explained(text: str, *, lost: bool = False) -> TargetError:
    """The cause by the words of libpq or of the server; `lost` when a connection that stood has gone."""
    cause = next((cause for cause, words in _WORDS if any(word in text for word in words)), "lost" if lost else "other")
    return TargetError(cause, line(text))


__all__ = ["LateError", "ServerError", "TargetError", "explained", "line"]
