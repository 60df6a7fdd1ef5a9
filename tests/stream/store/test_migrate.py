"""The schema comes from nothing, once, and is what the specification lists."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from stream.store.errors import UnavailableError
from stream.store.migrate import migrate
from stream.store.schema import SCHEMA
from tests.guides import commands
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports

LISTED = {
    "cryptocurrencies": {
        "id", "symbol", "name", "coin_gecko_id", "is_active", "created_at", "updated_at",
    },
    "price_history": {"id", "crypto_id", "price", "volume_24h", "market_cap", "change_24h", "timestamp"},
    "on_chain_metrics": {
        "id", "crypto_id", "mvrv", "nupl", "sopr", "active_addresses", "exchange_inflow", "exchange_outflow", "timestamp",
    },
    "technical_metrics": {"id", "crypto_id", "rsi", "ma50", "ma200", "macd", "signal", "histogram", "timestamp"},
    "sentiment_data": {
        "id", "crypto_id", "fear_greed_index", "social_sentiment", "news_sentiment", "google_trends", "timestamp",
    },
    "analysis_history": {
        "id", "crypto_id", "analysis_type", "signal", "confidence", "reasoning", "risk_level", "analysis_data", "timestamp",
    },
}  # fmt: skip


def command(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "stream.store", "migrate"], env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    assert command(url) == (0, f"the schema is {SCHEMA}\n")
    with psycopg.connect(url) as connection:
        before = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        columns: dict[str, set[str]] = {}
        for table, column in before:
            columns.setdefault(table, set()).add(column)
        partitioned = {name for (name,) in connection.execute("SELECT partrelid::regclass::text FROM pg_partitioned_table")}
    assert {table: columns[table] for table in LISTED} == LISTED
    assert partitioned == set(LISTED) - {"cryptocurrencies"}
    assert command(url) == (0, f"the schema is {SCHEMA}\n")


def test_the_previous_version_s_data_stays_as_it_was(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    migrate(url, "v0001")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('btc', 'BTC', 'Bitcoin')")
        connection.execute("INSERT INTO price_history (crypto_id, price) SELECT 'btc', i FROM generate_series(1, 100) i")
        before = connection.execute("SELECT * FROM price_history ORDER BY id").fetchall()
        migrate(url)
        assert connection.execute("SELECT version_num FROM schema_version").fetchall() == [(SCHEMA,)]
        assert connection.execute("SELECT * FROM price_history ORDER BY id").fetchall() == before
        assert connection.execute("SELECT count(*) FROM store_journals").fetchone() == (0,)


def test_the_guides_commands_do_what_they_say(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    lines = commands("performance.md")
    assert len(lines) == 5
    for line in lines:
        words = [sys.executable, *shlex.split(line, comments=True)[1:]]
        ended = subprocess.run(words, env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (line, ended.stderr)
        assert ended.stdout, line


def test_a_newer_version_s_schema_is_left_and_told_as_such(postgres: Postgres) -> None:
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version_num = 'v9999'")
        code, said = command(url)
        assert code == 1
        assert said.startswith("migrate: its schema is a newer version's")
        assert said.count("\n") == 1
        assert connection.execute("SELECT version_num FROM schema_version").fetchall() == [("v9999",)]


def test_a_version_that_fails_leaves_everything_as_it_was(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE sentiment_data (mine int)")  # the fifth table of the first version
        code, words = command(url)
        assert code == 1
        assert 'relation "sentiment_data" already exists' in words
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert [name for (name,) in tables if name != "schema_version"] == ["sentiment_data"]
        connection.execute("DROP TABLE sentiment_data")
    assert command(url)[0] == 0


def test_two_that_migrate_at_once_do_it_once(postgres: Postgres) -> None:
    url = postgres.fresh(migrated=False)
    with ThreadPoolExecutor() as pool:
        assert [code for code, _ in pool.map(command, [url, url])] == [0, 0]


def test_currencies_that_go_take_their_rows_along(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('btc', 'BTC', 'Bitcoin')")
        connection.execute("INSERT INTO price_history (crypto_id, price) VALUES ('btc', 1)")
        connection.execute("INSERT INTO analysis_history (crypto_id, analysis_type) VALUES ('btc', 'x')")
        connection.execute("DELETE FROM cryptocurrencies")
        for table in ("price_history", "analysis_history"):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


def test_without_a_server_the_command_says_so_in_one_line() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
    code, words = command(url)
    assert code == 1
    assert words.startswith("migrate: no database answers: ")
    assert words.count("\n") == 1
    with pytest.raises(UnavailableError):
        migrate(url)


@pytest.mark.parametrize("url", ["postgresql://user:geheim@host:port:port/x", "user:geheim@host", "http://user:geheim@host/"])
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    code, words = command(url)
    assert code == 2
    assert words.startswith("DATABASE_URL: is no URL of a PostgreSQL")
    assert "geheim" not in words
