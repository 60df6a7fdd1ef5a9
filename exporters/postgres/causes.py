"""What a server refused, and why it could not be asked."""

from __future__ import annotations

from typing import Self

from psycopg import pq
from psycopg.pq.abc import PGresult

from exporters.libpq import explained
from exporters.target import LateError, TargetError, line


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


__all__ = ["LateError", "ServerError", "TargetError", "explained", "line"]
