"""Reads go to a real streaming replica while it keeps up, and to the primary when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from metrics import database as db
from stream.store import queries
from stream.store.database import Database
from tests.stream.store.postgres import Postgres
from tests.stream.store.test_database import eventually, opened, value

LAG = "database: {replica_lag: 1s}"


@pytest.fixture(scope="module")
def replica(postgres: Postgres) -> Iterator[Postgres]:
    """A standby of `postgres`, by pg_basebackup."""
    with postgres.standby() as server:
        yield server


@pytest.fixture
def pair(postgres: Postgres, replica: Postgres, monkeypatch: pytest.MonkeyPatch) -> tuple[Postgres, Postgres, str]:
    url = postgres.fresh()
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATABASE_REPLICA_URL", replica.url(url.rsplit("/", 1)[1]))
    return postgres, replica, url


async def reads(database: Database) -> tuple[float, float]:
    """How many reads went to the primary and to the replica."""
    await queries.cryptocurrencies(database)
    return value(database, db.READS, "primary"), value(database, db.READS, "replica")


def test_reads_go_to_the_replica_and_fall_back(pair: tuple[Postgres, Postgres, str]) -> None:
    _, replica, url = pair

    async def story() -> None:
        async with opened(LAG) as database:
            await eventually("the replica keeps up", lambda: database.watch.replica_ready)
            assert await reads(database) == (0, 1)
            assert value(database, db.REPLICA_LAG) == 0

            with psycopg.connect(url, autocommit=True) as primary, replica.admin() as standby:
                standby.execute("SELECT pg_wal_replay_pause()")
                primary.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('btc', 'BTC', 'Bitcoin')")
                await eventually("that it is behind is told", lambda: "behind" in " ".join(database.degraded))
                assert value(database, db.REPLICA_LAG) > 1
                assert [found.id for found in await queries.cryptocurrencies(database)] == ["btc"]
                standby.execute("SELECT pg_wal_replay_resume()")
                await eventually("it keeps up again", lambda: database.watch.replica_ready)
                assert [found.id for found in await queries.cryptocurrencies(database)] == ["btc"]

            before = await reads(database)
            await asyncio.to_thread(replica.kill)
            await queries.cryptocurrencies(database)  # whoever comes first is served too
            after = await reads(database)
            assert after[0] > before[0]
            await eventually("that it is away is told", lambda: "replica" in " ".join(database.degraded))
            await asyncio.to_thread(replica.start)
            await eventually("it is read from again", lambda: database.watch.replica_ready)

    asyncio.run(story())


def test_a_server_that_is_no_replica_is_told(pair: tuple[Postgres, Postgres, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_REPLICA_URL", pair[2])

    async def story() -> None:
        async with opened(LAG) as database:
            await eventually("it is told", lambda: "it is no replica" in " ".join(database.degraded))
            assert await reads(database) == (1, 0)

    asyncio.run(story())
