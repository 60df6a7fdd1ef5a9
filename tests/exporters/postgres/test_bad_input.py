"""A DSN that is none, an answer that is late, ten thousand tables: the scrape ends in time and tells what it lacks."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters.server import TIMEOUT_HEADER
from settings import Site
from tests.exporters.postgres.exporter import exporter, failed, target
from tests.exporters.servers import ROOT, series
from tests.postgres import Bare

TABLES = 10_000
LIMIT = 1_000
_MANY = f"DO $$ BEGIN FOR n IN 1..{TABLES} LOOP EXECUTE format('CREATE TABLE table_%s (id int)', n); END LOOP; END $$"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Bare]:
    with Bare("-c", "max_locks_per_transaction=1000") as server:
        yield server


@pytest.mark.parametrize("dsn", ["host=a nonsense", "postgresql://[::1", "hots=db-1"])
def test_a_dsn_that_is_none_is_refused_at_the_start(tmp_path: Path, dsn: str) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f'exporters: {{postgres: {{targets: [{{name: main, dsn: "{dsn}"}}]}}}}')
    command = [sys.executable, "-m", "exporters", "postgres", "--site", str(site), "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "main: dsn: " in done.stderr
    assert "as libpq takes it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_statement_that_is_late_fails_alone(postgres: Bare, tmp_path: Path) -> None:
    columns = {"t": {"kind": "label"}, "n": {"kind": "gauge", "help": "N."}}
    slow = {"name": "slow", "sql": "SELECT pg_sleep(30)::text AS t, 1 AS n", "columns": columns}
    with exporter(tmp_path, [target(postgres, tmp_path)], queries=[slow], statement_timeout="1s") as server:
        for _ in range(2):
            began = time.monotonic()
            _, _, body = server.get(**{TIMEOUT_HEADER: "5"})
            found = series(body.decode())
            assert 1 <= time.monotonic() - began < 5
            assert failed(found) == {"slow"}
            assert found["pg_up"][()] == 1
        _, said = server.stop()
    assert said.count("canceling statement due to statement timeout") == 1


@pytest.fixture(scope="module")
def crowded(postgres: Bare) -> Bare:
    """The server, with ten thousand tables."""
    with postgres.admin("shop") as admin:
        admin.execute("SET client_min_messages = error")
        admin.execute(_MANY)
    return postgres


PATIENT: dict[str, Any] = {"statement_timeout": "30s"}  # its own is two seconds, in which a busy machine may stand still


def test_ten_thousand_tables_are_told_up_to_the_limit(crowded: Bare, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(crowded, tmp_path)], **PATIENT) as server:
        found = series(server.text())
        assert len(found["pg_stat_user_tables_seq_scan"]) == TABLES
        assert "watchfloor_exporter_series_cut_total" not in found
    with exporter(tmp_path, [target(crowded, tmp_path)], limit=LIMIT, **PATIENT) as server:
        first, again = series(server.text()), series(server.text())
        _, said = server.stop()
    for found in (first, again):
        assert len(found["pg_stat_user_tables_seq_scan"]) == LIMIT
        assert "stat_user_tables" not in failed(found)
    assert first["pg_stat_user_tables_seq_scan"].keys() == again["pg_stat_user_tables_seq_scan"].keys()
    key = (("domain", "postgres"), ("metric", "pg_stat_user_tables_seq_scan"))
    assert again["watchfloor_exporter_series_cut_total"][key] == 2 * (TABLES - LIMIT)
    assert said.count("pg_stat_user_tables_seq_scan: has 9000 series more") == 1


def test_more_tables_than_prometheus_takes_are_told_as_far_as_it_takes_them(crowded: Bare, tmp_path: Path) -> None:
    """By default: it would refuse the whole scrape."""
    with exporter(tmp_path, [target(crowded, tmp_path)], samples=Site().prometheus.sample_limit, **PATIENT) as server:
        found, again = series(server.text()), series(server.text())
        _, said = server.stop()
    assert 45_000 < sum(map(len, found.values())) <= 50_000, "most of what it takes"
    tables = [set(values) for metric, values in found.items() if metric.startswith("pg_stat_user_tables_n_")]
    assert len(tables) > 5
    assert all(one == tables[0] for one in tables), "the same ones in each metric"
    assert set(again["pg_stat_user_tables_n_live_tup"]) == tables[0], "and in each scrape"
    assert failed(found) == set()
    assert "allowed (site.yaml: prometheus.sample_limit): they are left out" in said
