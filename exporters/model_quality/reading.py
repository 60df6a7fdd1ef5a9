"""One connection to the data store, read-only, made again when it was lost."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from exporters.libpq import explained
from exporters.target import Change, LateError, TargetError
from settings import Paths, Site
from settings.paths import DATABASE_USER, READER_USER
from settings.secrets import database_url, read_secret

NAME = "model_quality"
_CONNECT_SECONDS, _STATEMENT_MS = 2, 1_500
_PATIENCE = 2.0  # seconds


def conninfo(site: Site, paths: Paths) -> str:
    """How libpq reaches the site's data store. Raises SettingsError for a file that cannot be used."""
    url = database_url(site)
    if not url:
        file = paths.reader_password
        password = (
            read_secret(file, "the password of who only reads the appliance's database") if os.access(file, os.R_OK) else None
        )
        url = make_conninfo(
            host=site.host_of(site.ports.postgres), port=site.ports.postgres, user=READER_USER, dbname=DATABASE_USER,
            password=password,
        )  # fmt: skip
    options = f"-c statement_timeout={_STATEMENT_MS} -c default_transaction_read_only=on -c timezone=UTC"
    return make_conninfo(
        url, application_name="watchfloor-model-quality", connect_timeout=_CONNECT_SECONDS, options=options
    )  # fmt: skip


class Reader:
    """Asks; for one thread at a time. What went wrong is logged once, when it changes, for all who ask."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._by_scrape = False
        self._change = Change(f"{NAME}: the data store")
        self.failure: TargetError | None = None

    def begin(self) -> None:
        """A scrape begins: who could not be asked is tried again, once for all of its collectors."""
        self._by_scrape, self.failure = True, None

    def rows(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a query. Raises TargetError; the next scrape's first question connects anew."""
        if self._by_scrape and self.failure:
            raise self.failure
        try:
            found, self.failure = self._ask(query, params), None
        except psycopg.Error as error:
            self.failure = explained(error.diag.message_primary or str(error), lost=self._connection is not None)
        except LateError as error:
            self.failure = error
        self._change.tell(self.failure)
        if self.failure:
            self.close()
            raise self.failure
        return found

    def _ask(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._connection = psycopg.connect(self._where, autocommit=True, row_factory=dict_row)
        with _given_up(self._connection.fileno()) as late:
            try:
                return self._connection.execute(query.encode(), params).fetchall()
            except psycopg.Error:
                if late.is_set():
                    raise LateError from None
                raise

    def close(self) -> None:
        """Lets go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def _given_up(descriptor: int) -> Iterator[threading.Event]:
    """Within the block a server that hangs is waited for so long: then its connection is cut, and the event is set.

    A server that works ends a statement that is late by itself (`statement_timeout`), before that.
    """
    late = threading.Event()
    with socket.socket(fileno=os.dup(descriptor)) as connection:

        def cut() -> None:
            late.set()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(_PATIENCE, cut)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()
