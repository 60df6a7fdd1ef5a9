"""The pools on real servers: what a caller gets when they are full, slow, away, behind, or not ours."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from metrics import database as db
from settings import Paths, SettingsError
from stream.store import queries
from stream.store.connect import OTHERS, conninfo, share
from stream.store.database import Database
from stream.store.errors import BusyError, TooSlowError, UnavailableError
from tests.stream.store.postgres import Postgres, site
from tests.waiting import free_ports

SMALL = "database: {pool: {min: 1, max: 10, acquire: 300ms}, statement_timeout: 200ms}"


@contextlib.asynccontextmanager
async def opened(text: str = SMALL, process: str = "stream") -> AsyncIterator[Database]:
    database = await Database.open(site(text), process)
    try:
        yield database
    finally:
        await database.close()


async def eventually(what: str, condition: Callable[[], bool], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def value(database: Database, metric: object, *labels: str) -> float:
    return next(found for which, at, found in database.samples() if which is metric and at == labels)  # type: ignore[return-value]


@pytest.mark.usefixtures("database_url")
def test_a_full_pool_makes_callers_wait_and_then_says_so() -> None:
    async def story() -> None:
        async with opened() as database, contextlib.AsyncExitStack() as stack:
            for _ in range(6):  # the stream's share of 10
                await stack.enter_async_context(database.asking("figures"))
            assert value(database, db.CONNECTIONS, "primary", "used") == 6
            began = time.monotonic()
            with pytest.raises(BusyError, match=r"no connection of 6 became free within 0\.3 s"):
                async with database.reading("latest"):
                    pass
            assert 0.25 < time.monotonic() - began < 2
            assert value(database, db.ERRORS, "latest", "pool") == 1
            await stack.aclose()
            assert await queries.cryptocurrencies(database) == []
            assert value(database, db.CONNECTIONS, "primary", "used") == 0

    asyncio.run(story())


@pytest.mark.usefixtures("database_url")
def test_a_statement_runs_into_its_timeout_and_the_connection_lives_on() -> None:
    async def story() -> None:
        async with opened() as database:
            with pytest.raises(TooSlowError, match="longer than 200ms"):
                async with database.reading("latest") as connection:
                    await connection.execute("SELECT pg_sleep(5)")
            assert value(database, db.ERRORS, "latest", "timeout") == 1
            assert await queries.cryptocurrencies(database) == []

    asyncio.run(story())


async def half(database: Database) -> None:
    """A transaction whose second statement is refused."""
    async with database.writing("write") as connection:
        await connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('a', 'A', 'A')")
        await connection.execute("INSERT INTO price_history (crypto_id, price) VALUES ('b', 1)")


@pytest.mark.usefixtures("database_url")
def test_what_fails_within_a_block_is_undone() -> None:
    async def story() -> None:
        async with opened() as database:
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                await half(database)
            assert await queries.cryptocurrencies(database) == []
            assert value(database, db.ERRORS, "write", "refused") == 1

    asyncio.run(story())


def test_a_server_that_is_killed_costs_a_caller_a_moment_and_is_used_again(postgres: Postgres, database_url: str) -> None:
    async def story() -> None:
        async with opened("{}") as database:
            await eventually("it is ready", lambda: database.watch.ready)
            assert not database.degraded
            await asyncio.to_thread(postgres.kill)
            with pytest.raises(UnavailableError):
                await queries.cryptocurrencies(database)
            await eventually("it is told", lambda: bool(database.degraded))
            began = time.monotonic()
            for _ in range(3):
                with pytest.raises(UnavailableError):
                    await queries.cryptocurrencies(database)
            assert time.monotonic() - began < 3
            await asyncio.to_thread(postgres.start)
            await eventually("it is ready again", lambda: database.watch.ready and not database.degraded)
            assert await queries.cryptocurrencies(database) == []

    assert database_url
    asyncio.run(story())


def test_a_server_that_was_never_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none")

    async def story() -> None:
        async with opened("{}") as database:
            await eventually("it is told", lambda: "does not answer" in " ".join(database.degraded))
            with pytest.raises(UnavailableError):
                await queries.cryptocurrencies(database)

    asyncio.run(story())


@pytest.mark.parametrize(("size", "told"), [("max: 200", "max_connections 120 is below 220"), ("max: 100", "")])
@pytest.mark.usefixtures("database_url")
def test_pools_that_the_server_has_no_room_for_are_told(size: str, told: str) -> None:
    async def story() -> None:
        async with opened(f"database: {{pool: {{{size}}}}}") as database:
            await eventually("it has looked", lambda: "yet" not in " ".join(database.degraded))
            assert told in " ".join(database.degraded)
            assert bool(database.degraded) == bool(told)

    asyncio.run(story())


def test_a_database_without_our_schema_is_told(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.fresh(migrated=False))

    async def story() -> None:
        async with opened() as database:
            await eventually("it is told", lambda: "its schema is none" in " ".join(database.degraded))

    asyncio.run(story())


def test_a_newer_versions_schema_is_told_as_such(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version_num = 'v9999'")
    monkeypatch.setenv("DATABASE_URL", url)

    async def story() -> None:
        async with opened() as database:
            await eventually("it is told", lambda: "v9999 is a newer version's" in " ".join(database.degraded))

    asyncio.run(story())


def test_the_processes_divide_the_connections_and_none_is_left_over() -> None:
    given = site("database: {pool: {max: 50, min: 5}}")
    for workers in (1, 3, 4, 7):
        parts = [share(given, "stream", worker, workers).max for worker in range(workers)]
        assert sum(parts) + sum(share(given, name).max for name in OTHERS) == 50
        assert max(parts) - min(parts) <= 1
    assert share(given, "stream").max > 45  # one process alone can bring the alert


def test_the_environment_wins_and_a_replica_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths.from_environment()
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@db.example/x")
    assert conninfo(site(), paths) == "postgresql://me:secret@db.example/x"
    assert conninfo(site(), paths, replica=True) == ""
    monkeypatch.setenv("DATABASE_REPLICA_URL", "nonsense")
    with pytest.raises(SettingsError, match="DATABASE_REPLICA_URL"):
        conninfo(site(), paths, replica=True)
