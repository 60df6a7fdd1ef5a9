"""CPU per scrape of our PostgreSQL exporter and of Debian's postgres_exporter, on the same server, with the same subjects.

    python -m tests.bench.postgres [--tables 100] [--pairs 20] [--scrapes 10] [--peer FILE]

Each sample is the CPU time (all threads, by the kernel's nanoseconds) of some scrapes over one connection, uncompressed; the two
take turns, and the ratio counts pair by pair. `--peer` is another postgres_exporter than the installed one, Debian 13's in
Debian 12 for instance. Ours asks for the sizes of tables every 30 s only, theirs at each scrape: that is part of the ratio.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from rich.table import Table

from compose.terminal import console
from tests.bench.stats import alternate, bootstrap, ratios
from tests.exporters.postgres.exporter import exporter, target
from tests.exporters.servers import Server, series
from tests.postgres import Bare
from tests.waiting import free_ports

LIMITS = {100: 0.25, 10_000: 0.12}  # of the ratio, by tables
# What postgres_exporter has by default, under our names; names that ours has none of are left out.
SUBJECTS = (
    "database", "locks", "replication", "roles", "replication_slots", "stat_activity", "stat_archiver", "stat_bgwriter",
    "stat_database", "stat_replication", "stat_user_tables", "statio_user_tables", "wal", "settings", "up",
)  # fmt: skip


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=10)
    parser.add_argument("--peer", default=shutil.which("prometheus-postgres-exporter") or "")
    options = parser.parse_args()
    if not options.peer:
        raise SystemExit("postgres: prometheus-postgres-exporter is not installed: apt-get install prometheus-postgres-exporter")
    folder = Path(tempfile.mkdtemp(prefix="watchfloor-bench-"))
    others = f"/metrics?{'&'.join(f'collect[]={name}' for name in SUBJECTS)}"
    with Bare("-c", "max_locks_per_transaction=2000") as server:
        fill(server.url("shop"), options.tables)
        with exporter(folder, [target(server, folder)]) as left, theirs(options.peer, server.url("shop")) as right:
            pairs = alternate(
                lambda: cost(left, options.scrapes, others), lambda: cost(right, options.scrapes, "/metrics"), options.pairs
            )
            return report(pairs, left, right, options, others)


def fill(url: str, tables: int) -> None:
    """So many tables with a primary key each, as most are."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(tables):
            connection.execute(f"CREATE TABLE table_number_{number} (id int PRIMARY KEY, note text)")


def theirs(program: str, url: str) -> Server:
    """Debian's exporter on a free port, asked as a superuser."""
    port = free_ports(1)[0]
    environment = {"DATA_SOURCE_NAME": f"{url}?sslmode=disable"}
    return Server([program, f"--web.listen-address=127.0.0.1:{port}"], port, environment)


def cost(server: Server, scrapes: int, path: str) -> float:
    """CPU milliseconds a scrape."""
    server.text(path)
    before = server.cpu_nanoseconds()
    for _ in range(scrapes):
        server.text(path)
    return (server.cpu_nanoseconds() - before) / scrapes / 1e6


def version(program: str) -> str:
    """Its version, as it tells it."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\S+)", done.stdout + done.stderr)
    assert found
    return found[1]


def report(pairs: list[tuple[float, float]], left: Server, right: Server, options: argparse.Namespace, path: str) -> int:
    """The table, and whether the limit is kept."""
    table = Table(title=f"CPU per scrape, {options.tables} tables, {len(pairs)} alternated pairs", box=None)
    for heading in ("", "ours", f"postgres_exporter {version(options.peer)}"):
        table.add_column(heading, justify="right" if heading else "left")
    ours_ms, theirs_ms = (bootstrap(column) for column in zip(*pairs, strict=True))
    counts = [sum(map(len, series(server.text(where)).values())) for server, where in ((left, path), (right, "/metrics"))]
    table.add_row("CPU per scrape, ms", str(ours_ms), str(theirs_ms))
    table.add_row("series exposed", *map(str, counts))
    per_thousand = [value.median / count * 1000 for value, count in zip((ours_ms, theirs_ms), counts, strict=True)]
    table.add_row("CPU per 1,000 series, ms", *(f"{value:.2f}" for value in per_thousand))
    table.add_row("RSS, MB", *(f"{server.resident_bytes() / 2**20:.0f}" for server in (left, right)))
    console().print(table)
    ratio, limit = ratios(pairs), LIMITS.get(options.tables)
    print(f"ratio ours / theirs: {ratio}" + (f" (at most {limit})" if limit else ""))
    return int(limit is not None and ratio.median > limit)


if __name__ == "__main__":
    raise SystemExit(main())
