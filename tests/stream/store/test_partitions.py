"""Partitions in a real PostgreSQL: made ahead, filled from the default one, dropped when told; ranges touch only theirs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from stream.store.database import Database
from stream.store.errors import StoreError
from stream.store.upkeep.partitions import Partitions
from stream.store.upkeep.plan import Plan, Rules
from tests.stream.store.postgres import site


@pytest.fixture(autouse=True)
def _as_owner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the maintenance process asks: partitions are the owner's business."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def run(rules: Rules) -> dict[str, Plan]:
    async def story() -> dict[str, Plan]:
        database = await Database.open(site())
        try:
            return await Partitions(database, rules).run()
        finally:
            await database.close()

    return asyncio.run(story())


def partitions(connection: psycopg.Connection, table: str = "price_history") -> list[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1"
    return [name for (name,) in connection.execute(query, (table,))]


def add(connection: psycopg.Connection, at: datetime) -> None:
    connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('btc', 'BTC', 'Bitcoin') ON CONFLICT DO NOTHING")
    connection.execute("INSERT INTO price_history (crypto_id, price, timestamp) VALUES ('btc', 1, %s)", (at,))


def test_partitions_are_made_ahead_and_rows_that_strayed_are_moved_with_their_ids(database_url: str) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for days in (0, 1, 40, 5000):
            add(connection, now - timedelta(days=days))
        before = connection.execute("SELECT id, timestamp FROM price_history ORDER BY 1").fetchall()
        rules = Rules("day", 3)
        assert set(run(rules)) == {"price_history", "on_chain_metrics", "technical_metrics", "sentiment_data", "analysis_history"}
        names = [f"price_history_{now + timedelta(days=days):%Y%m%d}" for days in (-40, -1, 0, 1, 2, 3)]
        assert partitions(connection) == [*names, "price_history_default"]
        assert connection.execute("SELECT id, timestamp FROM price_history ORDER BY 1").fetchall() == before
        assert connection.execute("SELECT count(*) FROM price_history_default").fetchone() == (1,)  # the one before the retention
        assert all(plan == Plan() for plan in run(rules).values())
        add(connection, now)
        assert connection.execute("SELECT count(*) FROM price_history_default").fetchone() == (1,)
        kinds = connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", (names[0],)).fetchone()
        assert kinds == connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'price_history'").fetchone()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("INSERT INTO price_history (crypto_id, price) VALUES ('none', 1)")


def test_what_has_had_its_time_is_dropped_only_when_that_is_set(database_url: str) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for days in (0, 5, 9):
            add(connection, now - timedelta(days=days))
        run(Rules("day", 1, timedelta(days=30)))
        found = run(Rules("day", 1, timedelta(days=4)))["price_history"]
        assert (len(found.expired), found.drop) == (2, ())
        assert connection.execute("SELECT count(*) FROM price_history").fetchone() == (3,)
        run(Rules("day", 1, timedelta(days=4), drop=True))
        assert connection.execute("SELECT count(*) FROM price_history").fetchone() == (1,)


def test_a_lock_that_somebody_holds_keeps_one_table_back_and_the_next_run_does_the_work(database_url: str) -> None:
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE price_history_default IN ACCESS EXCLUSIVE MODE")
        with pytest.raises((psycopg.errors.LockNotAvailable, StoreError)):
            run(Rules("day", 1))
    assert [name for name, done in run(Rules("day", 1)).items() if done.create] == ["price_history"]


def test_a_range_of_time_touches_its_partitions_alone(database_url: str) -> None:
    now = datetime.now(UTC)
    run(Rules("day", 10))
    query = "EXPLAIN SELECT * FROM price_history WHERE crypto_id = 'btc' AND timestamp >= %s AND timestamp < %s"
    with psycopg.connect(database_url, autocommit=True) as connection:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        plan = "\n".join(line for (line,) in connection.execute(query, (day, day + timedelta(days=1))))
        touched = [name for name in partitions(connection) if name in plan]
        assert touched == [f"price_history_{day:%Y%m%d}"]
