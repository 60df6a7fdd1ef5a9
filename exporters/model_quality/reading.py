"""One connection to the data store, read-only, made again when it was lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from settings import Paths, Site
from settings.paths import DATABASE_USER
from settings.secrets import database_url, read_secret

_CONNECT_SECONDS, _STATEMENT_MS = 2, 1_500


def conninfo(site: Site, paths: Paths) -> str:
    """How libpq reaches the site's data store. Raises SettingsError for a file that cannot be used."""
    url = database_url(site)
    if not url:
        file = paths.database_password
        password = read_secret(file, "the appliance's database password") if os.access(file, os.R_OK) else None
        url = make_conninfo(
            host="127.0.0.1", port=site.ports.postgres, user=DATABASE_USER, dbname=DATABASE_USER, password=password
        )  # fmt: skip
    options = f"-c statement_timeout={_STATEMENT_MS} -c default_transaction_read_only=on -c timezone=UTC"
    return make_conninfo(
        url, application_name="watchfloor-model-quality", connect_timeout=_CONNECT_SECONDS, options=options
    )  # fmt: skip


class Reader:
    """Asks; for one thread at a time."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def rows(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a query. Raises psycopg.Error; the next question connects anew."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._where, autocommit=True, row_factory=dict_row)
        try:
            return self._connection.execute(query.encode(), params).fetchall()
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
