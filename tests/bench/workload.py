"""What the two exporters of the workload cost, probe and model_quality. Nobody else has either: there is no peer.

    python -m tests.bench.workload [--scrapes 200] [--seconds 60]

Probe: CPU of a scrape, and of probing between scrapes, as a share of one core; a real stream server, the default interval.
Model quality: a day of predictions (five models, five symbols, two horizons, each 30 s); how many scrapes it takes until all are
read; then CPU and wall time of a scrape that finds a scrape interval's new rows, and what the database spends on it by its own
account (pg_stat_statements, planning included).
"""

from __future__ import annotations

import argparse
import platform
import time

import psycopg
from rich.table import Table

from compose.terminal import console
from tests.bench import five
from tests.bench.stats import bootstrap
from tests.exporters.servers import Server, series

MEMORY_LIMIT, LOAD_LIMIT = 60.0, 1.0  # MB; % of one core
INTERVAL = 10.0  # seconds from scrape to scrape


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    table = Table("", "found", "at most", "kept", title=f"Python {platform.python_version()}", box=None)
    kept = [*probe(options, table), *model_quality(options, table)]
    console().print(table)
    return int(not all(kept))


def probe(options: argparse.Namespace, table: Table) -> list[bool]:
    """The probe's figures."""
    with five.probe() as server:
        for _ in range(10):
            server.text()
        before, began = server.cpu_nanoseconds(), time.monotonic()
        time.sleep(options.seconds)
        share = (server.cpu_nanoseconds() - before) / 1e9 / (time.monotonic() - began) * 100
        _costs("probe", server, [_cost(server) for _ in range(options.scrapes)], table)
        table.add_row("probe: probing between scrapes, % of one core", f"{share:.2f}", "", "")
        return [_memory("probe", server, table)]


def model_quality(options: argparse.Namespace, table: Table) -> list[bool]:
    """The figures of the models' quality."""
    with five.model_quality() as (server, _, url):
        cpu = server.cpu_nanoseconds()
        scrapes = five.read_all(server)
        read = (server.cpu_nanoseconds() - cpu) / scrapes / 1e6
        table.add_row("model_quality: scrapes until a day is read; CPU of each, ms", f"{scrapes}; {read:.1f}", "", "")
        costs, loads = [], []
        for number in range(options.scrapes):
            if number % (five.EVERY // INTERVAL) == 0:
                five.predictions(url, 0)
            before = _spent(url)
            costs.append(_cost(server))
            loads.append((_spent(url) - before) / 1e3 / INTERVAL * 100)
        _costs("model_quality", server, costs, table)
        load = sum(loads) / len(loads)
        kept = load <= LOAD_LIMIT
        table.add_row(
            f"model_quality: load on the database at {INTERVAL:.0f} s, % of one core",
            f"{load:.3f}",
            f"{LOAD_LIMIT:g}",
            _word(kept),
        )
        return [kept, _memory("model_quality", server, table)]


def _cost(server: Server) -> tuple[float, float]:
    """CPU and wall milliseconds of a scrape."""
    cpu, began = server.cpu_nanoseconds(), time.monotonic()
    server.text()
    return (server.cpu_nanoseconds() - cpu) / 1e6, (time.monotonic() - began) * 1e3


def _spent(url: str) -> float:
    """Milliseconds that the database has spent on reading predictions so far."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT coalesce(sum(total_exec_time + total_plan_time), 0) FROM pg_stat_statements"
            " WHERE query LIKE '%FROM ai_predictions%'"
        ).fetchone()
    assert row
    return float(row[0])


def _costs(name: str, server: Server, costs: list[tuple[float, float]], table: Table) -> None:
    count = sum(map(len, series(server.text()).values()))
    cpu, wall = (bootstrap(column) for column in zip(*costs, strict=True))
    table.add_row(f"{name}: CPU per scrape, ms", str(cpu), "", "")
    table.add_row(f"{name}: wall time of a scrape, ms", str(wall), "", "")
    table.add_row(f"{name}: series; CPU per 1,000 of them, ms", f"{count}; {cpu.median / count * 1e3:.2f}", "", "")


def _memory(name: str, server: Server, table: Table) -> bool:
    found = server.resident_bytes() / 2**20
    table.add_row(f"{name}: RSS, MB", f"{found:.1f}", f"{MEMORY_LIMIT:g}", _word(found <= MEMORY_LIMIT))
    return found <= MEMORY_LIMIT


def _word(kept: bool) -> str:  # noqa: FBT001  # a verdict
    return "yes" if kept else "NO"


if __name__ == "__main__":
    raise SystemExit(main())
