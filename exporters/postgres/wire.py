"""Talking to a server within a time: connecting, and many statements in one go. libpq's asynchronous side, and select().

Every wait ends at the caller's deadline, so that a server that is stopped, or a network that swallows packets, costs a scrape its
time and nothing more: no thread is left behind. psycopg's own `connect()` and cursors wait for as long as it takes.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from exporters.postgres.causes import LateError, ServerError, explained

_READ, _WRITE = select.POLLIN, select.POLLOUT
_POLLING = pq.PollingStatus
_STATUS = pq.ExecStatus
# What is no refusal of a statement but the connection's end: libpq's own error, a shutdown, a crash, an administrator.
_OVER = ("", "57P01", "57P02", "57P03", "57P05")


def connect(conninfo: str, deadline: float) -> PGconn:
    """A connection by `deadline` (of time.monotonic()). Raises TargetError, with the cause; the error's text is libpq's."""
    connection: PGconn = pq.PGconn.connect_start(conninfo.encode())
    try:
        _establish(connection, deadline)
    except BaseException:
        connection.finish()
        raise
    connection.nonblocking = 1
    return connection


def _establish(connection: PGconn, deadline: float) -> None:
    while True:
        polled = _POLLING.FAILED if connection.status == pq.ConnStatus.BAD else connection.connect_poll()
        if polled == _POLLING.OK:
            return
        if polled == _POLLING.FAILED:
            raise explained(message(connection))
        _wait(connection, _READ if polled == _POLLING.READING else _WRITE, deadline)


@dataclass
class Statement:
    """A statement under the name that it is prepared under; `prepared` tells whether the server knows it already."""

    name: str
    sql: str
    prepared: bool = False


Answer: TypeAlias = PGresult | ServerError | None


def ask(connection: PGconn, statements: Sequence[Statement], deadline: float) -> Iterator[Answer]:
    """One answer for each statement, all sent at once (libpq's pipeline mode), each in a transaction of its own. Take them all.

    An error of the server stands in the place of its answer; None where no answer came by the deadline: then the connection is
    of no further use. Raises TargetError when it is lost. Answers come one by one, so that one of them is in the memory.
    """
    try:
        _send(connection, statements)
    except psycopg.Error as error:
        raise explained(message(connection), lost=True) from error
    late = False
    for statement in statements:
        try:
            yield None if late else _answer(connection, statement, deadline)
        except LateError:
            late = True
            yield None
    if not late:
        connection.exit_pipeline_mode()


def _send(connection: PGconn, statements: Sequence[Statement]) -> None:
    connection.enter_pipeline_mode()
    for statement in statements:
        if not statement.prepared:
            connection.send_prepare(statement.name.encode(), statement.sql.encode())
        connection.send_query_prepared(statement.name.encode(), None)
        connection.pipeline_sync()


def _answer(connection: PGconn, statement: Statement, deadline: float) -> Answer:
    """Everything up to the statement's synchronization point: the rows, or the first error."""
    rows: Answer = None
    error: ServerError | None = None
    while True:
        result = _next(connection, deadline)
        if result is None:
            continue
        if result.status == _STATUS.PIPELINE_SYNC:
            break
        if result.status == _STATUS.COMMAND_OK:
            statement.prepared = True
        elif result.status == _STATUS.TUPLES_OK:
            rows = result
        elif result.status == _STATUS.FATAL_ERROR:
            error = error or ServerError.of(result)
            if error.state in _OVER:
                raise explained(str(error), lost=True)
    return error or rows


def _next(connection: PGconn, deadline: float) -> PGresult | None:
    while connection.is_busy():
        unsent = _flush(connection)
        _wait(connection, _READ | (_WRITE if unsent else 0), deadline)
        try:
            connection.consume_input()
        except psycopg.Error as error:
            raise explained(message(connection), lost=True) from error
    if connection.status == pq.ConnStatus.BAD:
        raise explained(message(connection), lost=True)
    return connection.get_result()


def _flush(connection: PGconn) -> bool:
    try:
        return bool(connection.flush())
    except psycopg.Error as error:
        raise explained(message(connection), lost=True) from error


def _wait(connection: PGconn, events: int, deadline: float) -> None:
    """Until the socket is ready. Raises LateError at the deadline."""
    poll = select.poll()
    poll.register(connection.socket, events)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(max(1, left * 1000)):
        raise LateError


def message(connection: PGconn) -> str:
    """What libpq says of the connection."""
    return connection.error_message.decode("utf-8", "replace")
