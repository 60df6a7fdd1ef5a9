"""Looks after the servers of one process: is the primary there, its schema ours, the replica near it.

A replica keeps up when it has replayed what the primary had written at the look before, or its last replayed transaction is
younger than the allowed lag: the time alone would call every replica of an idle primary late.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import psycopg

from settings.database import SPARE_CONNECTIONS
from stream.store.errors import StoreError
from stream.store.pool import Pool
from stream.store.schema import SCHEMA

if TYPE_CHECKING:
    from stream.store.database import Database

EVERY = 2.0  # seconds
_LOG = logging.getLogger("watchfloor.store")
_PRIMARY = """
SELECT pg_current_wal_lsn()::text AS lsn, current_setting('max_connections')::int AS connections,
       to_regclass('schema_version') IS NOT NULL AS migrated
"""
_REPLICA = """
SELECT pg_is_in_recovery() AS standby, pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn AS caught_up,
       extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 AS behind
"""


class Watch:
    """What is known of the servers; `run` keeps it fresh."""

    def __init__(self, database: Database, primary: Pool, replica: Pool | None, allowed: float) -> None:
        self._database, self._primary, self._replica, self._allowed = database, primary, replica, allowed
        self.ready = False  # the primary answers and has our schema
        self.answers = False  # the primary answers
        self.replica_ready = False
        self.lag: float | None = None  # seconds that the replica is behind; None: unknown
        self._primary_problem, self._replica_problem = "the database has not answered yet", ""
        self._lsn = "0/0"

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return [problem for problem in (self._primary_problem, self._replica_problem) if problem]

    async def run(self) -> None:
        """Looks every two seconds, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look at both servers."""
        before = self.problems()
        lsn = self._lsn
        try:
            self._primary_problem = await self._look_at_primary()
        except (StoreError, psycopg.Error) as error:
            self._primary_problem, self.answers = f"database: {error}", False
        self.ready = not self._primary_problem
        if self._replica:
            try:
                self._replica_problem = await self._look_at_replica(lsn)
            except (StoreError, psycopg.Error) as error:
                self.lag, self._replica_problem = None, f"database replica: {error}"
            self.replica_ready = not self._replica_problem
        for problem in set(self.problems()) - set(before):
            _LOG.warning(problem, extra={"event": "store_degraded"})
        if before and not self.problems():
            _LOG.info("the data store is there", extra={"event": "store_ready"})

    async def _look_at_primary(self) -> str:
        async with self._database.asking("ready") as connection:
            found: dict[str, Any] = (await (await connection.execute(_PRIMARY)).fetchone()) or {}
            version = ""
            if found["migrated"]:
                row: Any = await (await connection.execute("SELECT version_num FROM schema_version")).fetchone()
                version = row["version_num"] if row else ""
        self._lsn = found["lsn"]
        self.answers = True
        needed = self._database.site.database.pool.max + SPARE_CONNECTIONS
        if version > SCHEMA:
            words = f"database: its schema {version} is a newer version's, this one knows {SCHEMA}"
            return f"{words}: start that version again, or restore a backup from before it"
        if version != SCHEMA:
            known = version or "none"
            return f"database: its schema is {known}, not {SCHEMA}: `python -m stream.store migrate`"
        if found["connections"] < needed:
            return (
                f"database: max_connections {found['connections']} is below {needed}: raise it there, or lower database.pool.max"
            )
        return ""

    async def _look_at_replica(self, lsn: str) -> str:
        async with self._database.asking("ready", replica=True) as connection:
            found: dict[str, Any] = (await (await connection.execute(_REPLICA, {"lsn": lsn})).fetchone()) or {}
        if not found["standby"]:
            self.lag = None
            return "database replica: it is no replica: correct database.replica_url_file"
        self.lag = 0.0 if found["caught_up"] else max(0.0, found["behind"] or 0.0)
        if self.lag > self._allowed or (not found["caught_up"] and found["behind"] is None):
            return f"database replica: {self.lag:.0f} s behind: reads go to the primary"
        return ""
