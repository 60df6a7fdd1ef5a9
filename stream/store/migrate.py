"""Brings a database's schema to this code's version. Alembic is imported here alone: servers need not carry it."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, pool, text

from stream.store.errors import StoreError, UnavailableError
from stream.store.grants import give
from stream.store.schema import SCHEMA

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x77617463  # of this appliance's migrations: one at a time


def migrate(conninfo: str, to: str = SCHEMA) -> None:
    """Runs the versions that are missing up to `to`, one transaction each, and gives the workload's role its rights.

    What fails leaves the database as it was.

    Raises UnavailableError where no server answers, StoreError where the schema is a newer version's, and psycopg.Error for what
    the server refuses.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(conninfo), poolclass=pool.NullPool)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()  # the lock is the session's and stays
            config.attributes["connection"] = connection
            _upgrade(config, to)
            connection.commit()
            if to == SCHEMA:
                own: psycopg.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]  # psycopg's, as made
                give(own)
                own.commit()
    finally:
        engine.dispose()


def _upgrade(config: Config, to: str) -> None:
    try:
        command.upgrade(config, to)
    except CommandError as error:
        words = f"its schema is a newer version's ({error}): start that version again, or restore a backup from before it"
        raise StoreError(words) from error


def _connect(conninfo: str) -> psycopg.Connection:
    try:
        return psycopg.connect(
            conninfo,
            application_name="watchfloor-migrate",
            connect_timeout=5,
            options="-c lock_timeout=30s -c statement_timeout=0",
        )
    except psycopg.OperationalError as error:
        raise UnavailableError(f"no database answers: {str(error).strip().splitlines()[-1]}") from error
