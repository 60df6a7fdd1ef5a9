"""Carries out what `plan` decides: reads what partitions there are, makes and drops them, each in a short transaction.

PostgreSQL refuses to attach or detach concurrently beside a default partition, so both are done plainly, under a lock timeout: a
lock that is not had in time is tried again at the next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from metrics import database as db
from metrics.durations import seconds
from metrics.model import Sample
from settings import Site
from stream.store.database import Database
from stream.store.errors import StoreError
from stream.store.pool import Connection
from stream.store.upkeep.plan import Create, Partition, Plan, Rules, Span, Table, lead, plan

_LOCK_WAIT = "2s"
_MOVE = (
    "WITH moved AS (DELETE FROM {default} WHERE timestamp >= {start} AND timestamp < {end} RETURNING *) "
    "INSERT INTO {new} SELECT * FROM moved"
)
_BOUND = re.compile(r"FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)")
_PARTITIONS = """
SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) AS bound
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = to_regclass(%s) ORDER BY 1
"""


def rules_of(site: Site) -> Rules:
    """The site's rules; the retention is real time, whatever the profile."""
    settings = site.database
    return Rules(
        settings.partition, settings.partitions_ahead, timedelta(seconds=seconds(settings.retention)), settings.drop_expired
    )  # fmt: skip


class Partitions:
    """The partitions of the five time series."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database, self._rules = database, rules
        self._known: dict[str, tuple[float, int, int]] = {}  # lead in s, days in the default partition, expired partitions

    async def run(self) -> dict[str, Plan]:
        """Does what is to be done for every table; by table what was done. Raises StoreError or psycopg.Error.

        A table that could not be looked after leaves the others their turn; its error comes at the end.
        """
        done: dict[str, Plan] = {}
        failed: list[Exception] = []
        for name in db.TABLES:
            try:
                done[name] = await self._one(name)
            except psycopg.Error as error:
                failed.append(error)
            except StoreError as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise  # the server is away, for the other tables too
                failed.append(error)
        if failed:
            raise failed[0]
        return done

    async def _one(self, name: str) -> Plan:
        async with self._database.asking("maintain") as connection:
            await connection.execute(f"SET statement_timeout = 0; SET lock_timeout = '{_LOCK_WAIT}'".encode())
            try:
                return await self._look_after(connection, name)
            finally:
                await connection.execute("RESET statement_timeout; RESET lock_timeout")

    async def _look_after(self, connection: Connection, name: str) -> Plan:
        now = await _now(connection)
        before = await read(connection, name)
        found = plan(before, now, self._rules)
        self._known[name] = (lead(before, now), len(before.strays), len(found.expired))  # told also when what follows fails
        for create in found.create:
            await _create(connection, name, create)
        for partition in found.drop:
            await _drop(connection, partition)
        after = await read(connection, name)
        self._known[name] = (lead(after, now), len(after.strays), len(found.expired))
        return found

    def samples(self) -> Iterator[Sample]:
        """The samples of the last run."""
        for name, (ahead, strays, expired) in self._known.items():
            yield db.PARTITION_LEAD.sample(ahead, name)
            yield db.STRAY_DAYS.sample(strays, name)
            yield db.EXPIRED.sample(expired, name)


async def _now(connection: Connection) -> datetime:
    row: Any = await (await connection.execute("SELECT now() AS now")).fetchone()
    found: datetime = row["now"]
    return found.astimezone(UTC)


async def read(connection: Connection, name: str) -> Table:
    """A table's partitions, which of them are empty, and of which days its default partition holds rows."""
    partitions = []
    for row in await (await connection.execute(_PARTITIONS, (name,))).fetchall():
        bound = _BOUND.fullmatch(row["bound"])
        if bound:
            span = Span(*(datetime.fromisoformat(text).astimezone(UTC) for text in bound.groups()))
            partitions.append(Partition(row["name"], span, not await _any(connection, row["name"])))
    days = await connection.execute(
        sql.SQL("SELECT DISTINCT date_trunc('day', timestamp) AS day FROM {} ORDER BY 1").format(
            sql.Identifier(f"{name}_default")
        )
    )
    return Table(name, tuple(partitions), tuple(row["day"].astimezone(UTC) for row in await days.fetchall()))


async def _any(connection: Connection, table: str) -> bool:
    row = await connection.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {}) AS found").format(sql.Identifier(table)))
    found: Any = await row.fetchone()
    return bool(found["found"])


async def _create(connection: Connection, table: str, create: Create) -> None:
    """Makes a partition and moves the default partition's rows of its time there; nobody writes to the default meanwhile."""
    names = {
        "table": sql.Identifier(table), "default": sql.Identifier(f"{table}_default"), "new": sql.Identifier(create.name),
        "start": sql.Literal(create.span.start), "end": sql.Literal(create.span.end),
    }  # fmt: skip
    async with connection.transaction():
        for statement in (
            "LOCK TABLE {default} IN SHARE ROW EXCLUSIVE MODE",
            "CREATE TABLE {new} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
            _MOVE,
            "ALTER TABLE {table} ATTACH PARTITION {new} FOR VALUES FROM ({start}) TO ({end})",
        ):
            await connection.execute(sql.SQL(statement).format(**names))


async def _drop(connection: Connection, partition: Partition) -> None:
    await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition.name)))
