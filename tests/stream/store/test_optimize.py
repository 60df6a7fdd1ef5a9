"""The optimization service on a real PostgreSQL: what it finds, and above all what it leaves alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import psycopg
import pytest
from msgspec import structs
from psycopg.rows import dict_row

from stream.store.upkeep import catalog
from stream.store.upkeep.catalog import Catalog
from stream.store.upkeep.findings import STATISTICS_AGE, Finding, findings
from stream.store.upkeep.hypothetical import ABSENT
from stream.store.upkeep.optimize import Report, optimize, text
from tests.stream.store.postgres import Postgres

WEIRD = 'odd "name"; DROP TABLE shop; --'


@pytest.fixture
def shop(postgres: Postgres) -> str:
    """A table with an index of every kind that must stay, and two that nobody reads."""
    url = postgres.fresh(migrated=False)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "CREATE EXTENSION pg_stat_statements",
            "CREATE EXTENSION btree_gist",
            "CREATE TABLE owners (id int PRIMARY KEY)",
            "CREATE TABLE shop (id int PRIMARY KEY, code text UNIQUE, kind int, owner int REFERENCES owners, during tstzrange)",
            "ALTER TABLE shop ADD EXCLUDE USING gist (owner WITH =, during WITH &&)",
            "CREATE UNIQUE INDEX shop_unique_by_hand ON shop (code, kind)",
            "CREATE INDEX shop_owner ON shop (owner)",
            "CREATE INDEX shop_unused ON shop (kind)",
            f'CREATE INDEX "{WEIRD.replace(chr(34), chr(34) * 2)}" ON shop (kind, id)',
            "CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at)",
            "CREATE INDEX parts_at ON parts (at)",
            "CREATE TABLE parts_1 PARTITION OF parts DEFAULT",
            "CREATE TABLE loose (id int PRIMARY KEY, owner int REFERENCES owners)",
            "INSERT INTO owners SELECT generate_series(1, 100)",
            "INSERT INTO shop SELECT i, i::text, i % 7, NULL FROM generate_series(1, 20000) i",
        ):
            connection.execute(statement.encode())
    return url


def read(url: str) -> Catalog:
    async def story() -> Catalog:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as connection:
            return await catalog.read(connection)

    return asyncio.run(story())


def old(known: Catalog) -> Catalog:
    """The same statistics, ten days old."""
    return structs.replace(known, age=STATISTICS_AGE + 3 * 86_400)


def of(found: list[Finding], kind: str) -> dict[str, Finding]:
    return {finding.what: finding for finding in found if finding.kind == kind}


def test_what_a_constraint_or_a_foreign_key_needs_is_never_proposed(shop: str) -> None:
    unused = of(findings(old(read(shop))), "unused-index")
    assert set(unused) == {'"public"."shop_unused"', '"public"."odd ""name""; DROP TABLE shop; --"', '"public"."parts_at"'}
    safe = {what for what, finding in unused.items() if finding.safe}
    assert safe == {'"public"."shop_unused"', '"public"."odd ""name""; DROP TABLE shop; --"'}
    assert "under a lock" in unused['"public"."parts_at"'].risk
    assert all(finding.bytes > 0 for what, finding in unused.items() if "parts" not in what)


def test_young_statistics_and_standbys_make_a_drop_unsafe(shop: str) -> None:
    known = read(shop)
    assert known.age < 3600
    assert not any(finding.safe for finding in of(findings(known), "unused-index").values())
    assert "days old only" in of(findings(known), "unused-index")['"public"."shop_unused"'].risk
    told = of(findings(structs.replace(old(known), standbys=1)), "unused-index")
    assert not any(finding.safe for finding in told.values())
    assert "standbys" in told['"public"."shop_unused"'].risk


def test_an_index_that_was_read_is_not_unused(shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        connection.execute("SELECT id FROM shop WHERE kind = 3 LIMIT 5")
        connection.execute("SELECT pg_stat_force_next_flush()")
    unused = of(findings(old(read(shop))), "unused-index")
    assert not {'"public"."shop_unused"', '"public"."odd ""name""; DROP TABLE shop; --"'} <= set(unused)


def test_missing_indexes_are_proposed_with_their_column(shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("DROP INDEX shop_unused")
        connection.execute(f'DROP INDEX "{WEIRD.replace(chr(34), chr(34) * 2)}"'.encode())
        connection.execute("SELECT pg_stat_statements_reset()")
        for _ in range(60):
            connection.execute("SELECT count(*) FROM shop WHERE kind = %s", (3,))
        connection.execute("SELECT pg_stat_force_next_flush()")
    found = findings(read(shop))
    assert of(found, "missing-index")['"public"."shop"'].sql == 'CREATE INDEX CONCURRENTLY ON "public"."shop" ("kind")'
    assert set(of(found, "foreign-key-without-index")) == {'"public"."loose" "loose_owner_fkey"'}


def slow_by_kind(shop: str) -> None:
    """Many statements that ask for one of 20,000 rows by a column without an index."""
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("DROP INDEX shop_unused")
        connection.execute(f'DROP INDEX "{WEIRD.replace(chr(34), chr(34) * 2)}"'.encode())
        connection.execute("UPDATE shop SET kind = id")
        connection.execute("VACUUM (FULL, ANALYZE) shop")
        connection.execute("SELECT pg_stat_statements_reset()")
        for number in range(60):
            connection.execute("SELECT count(*) FROM shop WHERE kind = %s AND code <> '%%'", (number,))
        connection.execute("SELECT pg_stat_force_next_flush()")


def reported(shop: str) -> Report:
    async def story() -> Report:
        async with await psycopg.AsyncConnection.connect(shop, autocommit=True, row_factory=dict_row) as connection:
            return await optimize(connection)

    return asyncio.run(story())


def test_hypopg_tells_what_an_index_would_gain_and_makes_none(shop: str) -> None:
    slow_by_kind(shop)
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION hypopg")
        before = connection.execute("SELECT count(*) FROM pg_indexes").fetchone()
    report = reported(shop)
    found = of(report.findings, "missing-index")['"public"."shop"']
    assert report.gains_known
    assert found.gain is not None
    assert found.gain > 0.9
    assert "less cost" in found.evidence
    assert ABSENT not in text(report)
    with psycopg.connect(shop, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM pg_indexes").fetchone() == before

    with psycopg.connect(shop, autocommit=True) as connection:  # with the real index the planner agrees
        cost = "SELECT 1 FROM shop WHERE kind = 3"
        plan = connection.execute(f"EXPLAIN (FORMAT JSON) {cost}".encode()).fetchone() or ([],)
        connection.execute(found.sql.encode())
        made = connection.execute(f"EXPLAIN (FORMAT JSON) {cost}".encode()).fetchone() or ([],)
    real = 1 - made[0][0]["Plan"]["Total Cost"] / plan[0][0]["Plan"]["Total Cost"]
    assert found.gain == pytest.approx(real, abs=0.05)


def test_without_hypopg_the_gain_is_unknown_and_that_is_said(shop: str) -> None:
    slow_by_kind(shop)
    report = reported(shop)
    assert not report.gains_known
    assert of(report.findings, "missing-index")['"public"."shop"'].gain is None
    assert ABSENT in text(report)


def test_a_statement_that_cannot_be_planned_tells_nothing(shop: str) -> None:
    slow_by_kind(shop)
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION hypopg")
        connection.execute("CREATE TABLE gone (shop int, kind int)")
        connection.execute("SELECT 1 FROM gone AS shop WHERE kind = 1")
        connection.execute("DROP TABLE gone")
        connection.execute("COMMENT ON TABLE shop IS 'kind; DROP TABLE owners'")
    found = of(reported(shop).findings, "missing-index")['"public"."shop"']
    assert found.gain is not None
    assert found.gain > 0.9
    with psycopg.connect(shop, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM owners").fetchone() == (100,)


def test_apply_drops_concurrently_refreshes_statistics_and_counts_bytes(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.store.upkeep.findings.STATISTICS_AGE", 0.0)
    with psycopg.connect(shop) as connection:
        before = {name for (name,) in connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}

    async def story() -> Report:
        async with await psycopg.AsyncConnection.connect(shop, autocommit=True, row_factory=dict_row) as connection:
            return await optimize(connection, apply=True)

    report = asyncio.run(story())
    assert [one.error for one in report.applied if one.error] == []
    assert (report.indexes_dropped, report.statistics_updated) == (2, 1)
    assert report.bytes_freed > 200_000
    with psycopg.connect(shop) as connection:
        after = {name for (name,) in connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
        assert before - after == {"shop_unused", WEIRD}
        assert connection.execute("SELECT count(*) FROM shop").fetchone() == (20_000,)
        assert connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'shop'").fetchone() == (20_000,)


def test_a_lock_that_is_not_had_is_told_and_the_rest_is_done(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.store.upkeep.findings.STATISTICS_AGE", 0.0)
    monkeypatch.setattr("stream.store.upkeep.optimize._LOCK_WAIT", "100ms")

    async def story() -> Report:
        async with await psycopg.AsyncConnection.connect(shop, autocommit=True, row_factory=dict_row) as connection:
            return await optimize(connection, apply=True)

    with psycopg.connect(shop) as holder:
        holder.execute("LOCK TABLE shop IN SHARE MODE")
        report = asyncio.run(story())
    assert report.applied
    assert all("lock timeout" in one.error for one in report.applied)


def test_without_pg_stat_statements_that_is_a_finding(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    (found,) = of(findings(read(url)), "no-statistics").values()
    assert found.sql == "CREATE EXTENSION pg_stat_statements"
    assert not found.safe


def test_the_command_reports_and_changes_nothing_by_itself(shop: str) -> None:
    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "stream.store", "optimize", *words]
        done = subprocess.run(command, env=os.environ | {"DATABASE_URL": shop}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.15)")
    code, words = run("--json")
    assert code == 0, words
    report = json.loads(words)
    assert (report["applied"], report["indexes_dropped"]) == ([], 0)
    assert any(finding["kind"] == "slow-query" and "pg_sleep" in finding["what"] for finding in report["findings"])
    code, words = run()
    assert code == 0
    assert 'DROP INDEX CONCURRENTLY "public"."shop_unused";   -- by hand' in words
