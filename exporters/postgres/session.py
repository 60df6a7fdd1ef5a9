"""One connection to one server, kept from scrape to scrape; a scrape asks all of its statements at once.

`prepare()` runs before the collectors (`exporters.base.Domain`): it connects where there is no connection, asks, and keeps what
came. `samples()` is then what a collector finds of its own table: rows, the server's refusal, or why nothing could be asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from weakref import WeakSet

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq.abc import PGconn, PGresult

from exporters.postgres import wire
from exporters.postgres.causes import LateError, ServerError, TargetError
from exporters.postgres.rows import PackedKeys, PackedShape, Shape, python_encoding
from exporters.postgres.table import HELPERS, Subject, Table
from exporters.target import Change
from metrics.model import Sample

# Nothing is ever written; nothing waits for a lock; nothing runs long; names are pg_catalog's.
_SETTINGS = (
    "SET default_transaction_read_only = on; SET statement_timeout = {timeout}; SET lock_timeout = 100; "
    "SET idle_in_transaction_session_timeout = 10000; SET search_path = pg_catalog; SET extra_float_digits = 1; "
    "SET jit = off"  # compiling takes longer than reading the catalog, however many tables there are
)
_ABOUT = (
    "SELECT '', version() UNION ALL"  # noqa: S608  # of constants of ours
    " SELECT extname, quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace UNION ALL"
    " SELECT nspname || '.' || proname, '' FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
    f" WHERE nspname = '{HELPERS}' AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(pg_proc.oid, 'EXECUTE')"
)


@dataclass
class _Known:
    """What is kept of one table: its statement as prepared, its shape, the last answer."""

    statement: wire.Statement | None
    shape: Shape | PackedShape
    samples: list[Sample] = field(default_factory=list)
    error: Exception | None = None
    asked: float = float("-inf")


@dataclass(frozen=True)
class Server:
    """What a connection found: server_version_num, version(), where it is, schemas of extensions, the encoding."""

    version: int
    words: str
    address: str
    extensions: dict[str, str]
    encoding: str


class Session:
    """Asks one server. `conninfo()` gives where and as whom, anew for each connection, so that a changed password counts.

    `pace` multiplies the time for which an answer serves.
    """

    def __init__(
        self, name: str, conninfo: Callable[[], str], subjects: Sequence[Subject], timeout: float, pace: float = 1.0
    ) -> None:
        self._conninfo = conninfo
        self._subjects = {subject.name: subject for subject in subjects}
        self._timeout = timeout
        self._pace = pace
        self._connection: PGconn | None = None
        self._context: _Context | None = None
        self._known: dict[Table, _Known] = {}
        self._keys: WeakSet[PackedKeys] = WeakSet()
        self._bad: set[Table] = set()
        self._change = Change(f"postgres {name}:")
        self.server: Server | None = None
        self.failure: TargetError | None = None
        self.scrapes = 0
        self.seconds = 0.0

    def prepare(self, names: frozenset[str], deadline: float) -> None:
        """Asks for the tables of these collectors, by `deadline` (of time.monotonic())."""
        began = time.monotonic()
        self.scrapes += 1
        self.failure = None
        for known in self._known.values():
            known.error = None
        try:
            self._ask([table for name in names if name in self._subjects for table in self._subjects[name].tables], deadline)
        except TargetError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001  # a defect of ours must not pass for an answer: what came last time would be told
            self.failure = TargetError("other", f"{type(error).__name__}: {error}")
        if self.failure:
            self.close()
        self.seconds = time.monotonic() - began
        self._change.tell(self.failure)

    def samples(self, table: Table) -> Iterator[Sample]:
        """What the last scrape's answer for a table was.

        Raises TargetError when the server could not be asked, ServerError when it refused, ValueError for an answer that does
        not fit.
        """
        if self.failure:
            raise self.failure
        known = self._known.get(table)
        if known is None:
            return
        if known.error:
            raise known.error
        yield from known.samples

    @property
    def failing(self) -> bool:
        """Whether anything of the last scrape failed."""
        return bool(self.failure) or any(known.error for known in self._known.values())

    def close(self) -> None:
        """Ends the connection; the next scrape makes a new one."""
        if self._connection:
            self._connection.finish()
        self._connection, self._context = None, None
        self._known.clear()

    def _ask(self, tables: list[Table], deadline: float) -> None:
        connection = self._connection or self._connect(deadline)
        now = time.monotonic()
        due = [table for table in tables if self._is_due(table, now)]
        due.sort(key=lambda table: table in self._bad)  # what was late last time must not make the others late
        statements = [statement for table in due if (statement := self._known[table].statement)]
        late = False
        for table, answer in zip(due, wire.ask(connection, statements, deadline), strict=True):
            self._take(table, self._known[table], answer, now)
            late = late or answer is None
        if late:
            self._forget_connection()

    def _take(self, table: Table, known: _Known, answer: wire.Answer, now: float) -> None:
        self._bad.discard(table)
        known.samples = []
        if answer is None:
            self._bad.add(table)
        if answer is None or isinstance(answer, ServerError):
            known.error = answer or TimeoutError("no answer in time")
            return
        assert self._context
        try:
            types = [answer.ftype(column) for column in range(answer.nfields)]
            known.samples.extend(known.shape.samples(self._context.rows(answer), types))
            known.asked = now
        except ValueError as error:
            known.error = error
        finally:
            answer.clear()  # libpq's copy of the rows: megabytes, while the next answer comes

    def _is_due(self, table: Table, now: float) -> bool:
        known = self._known_of(table)
        return known.statement is not None and now - known.asked >= table.every * self._pace

    def _known_of(self, table: Table) -> _Known:
        known = self._known.get(table)
        if known is None:
            assert self.server
            version, schema = self.server.version, self.server.extensions.get(table.extension, "")
            sql = "" if table.extension and not schema else table.sql(version, schema, self.server.extensions)
            statement = wire.Statement(f"watchfloor_{len(self._known)}", sql) if sql else None
            metrics, encoding = table.metrics(version), self.server.encoding
            shape = (
                PackedShape(metrics, len(table.labels), encoding, self._keys)
                if table.wide
                else Shape(metrics, len(table.labels), encoding)
            )
            known = self._known[table] = _Known(statement, shape)
        return known

    def _connect(self, deadline: float) -> PGconn:
        connection = wire.connect(self._conninfo(), deadline)
        self._connection, self._context = connection, _Context(connection)
        settings = [part for part in _SETTINGS.format(timeout=int(self._timeout * 1000)).split("; ") if part]
        numbers = count()
        begin = [wire.Statement(f"settings_{next(numbers)}", sql) for sql in (*settings, _ABOUT)]
        *_, rows = wire.ask(connection, begin, deadline)
        if rows is None:
            raise LateError
        if isinstance(rows, ServerError):
            raise TargetError("settings", str(rows))
        extensions = dict(self._context.texts(rows))
        self.server = _described(connection, extensions)
        return connection

    def _forget_connection(self) -> None:
        """A connection with an answer still to come is of no use; what has come stays for this scrape."""
        if self._connection:
            self._connection.finish()
        self._connection, self._context = None, None
        for known in self._known.values():
            if known.statement:
                known.statement.prepared = False


class _Context:
    """Reads results as bytes, floats and nothing else, whatever types there are. psycopg's C code does it."""

    def __init__(self, connection: PGconn) -> None:
        self.connection = psycopg.Connection(connection)
        self.adapters = AdaptersMap()
        text = psycopg.adapters.get_loader(25, pq.Format.TEXT)
        number = psycopg.adapters.get_loader(701, pq.Format.TEXT)
        assert text
        assert number
        for oid in (0, 16, 20, 21, 23, 26):
            self.adapters.register_loader(oid, text)
        for oid in (700, 701, 1700):
            self.adapters.register_loader(oid, number)
        self._transformer = Transformer(self)

    def rows(self, result: PGresult) -> list[tuple[bytes | float | None, ...]]:
        """The rows, each a tuple; integers, booleans and texts as the server's bytes."""
        self._transformer.set_pgresult(result, set_loaders=True)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def texts(self, result: PGresult) -> list[tuple[str, str]]:
        """The rows of a result of two columns of text."""
        return [(_text(left), _text(right)) for left, right in self.rows(result)]


def _text(cell: bytes | float | None) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else ""


def _described(connection: PGconn, extensions: dict[str, str]) -> Server:
    words = extensions.pop("")
    address = f"{connection.host.decode()}:{connection.port.decode()}"
    encoding = python_encoding((connection.parameter_status(b"server_encoding") or b"UTF8").decode())
    return Server(connection.server_version, words, address, extensions, encoding)
