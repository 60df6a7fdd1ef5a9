"""What our PostgreSQL exporter costs beside Debian's postgres_exporter, on the same server, with the same subjects.

    python -m tests.bench.postgres [--tables 100 10000] [--pairs 20] [--scrapes 10] [--peer FILE]

Each sample is of some scrapes over one connection: CPU time (all threads, by the kernel's nanoseconds) and wall time. The two
take turns, and the ratio counts pair by pair. With many tables a sample is one scrape. `--peer` is another postgres_exporter than
the installed one, Debian 13's in Debian 12 for instance. Ours asks for the sizes of tables every 30 s only, theirs at each
scrape: that is part of the ratio. Debian 12's 0.11 tells a quarter of what 0.17 does: the limits are for the latter. The server's
load is that of its processes, ended ones included, in the same scrapes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from rich.table import Table

from compose.terminal import console
from tests.bench.stats import alternate, bootstrap, ratios
from tests.exporters.postgres.exporter import exporter, target
from tests.exporters.servers import POSTGRES_EXPORTER, Server, series, their_postgres, version_of
from tests.postgres import Bare

LIMITS = {100: 0.25, 10_000: 0.12}  # of the CPU ratio, by tables
GZIP_LIMIT, GROWTH_LIMIT, MEMORY_LIMIT, LOAD_LIMIT = 0.4, 1.3, 60.0, 1.0  # ratio; ratio; MB; % of one core
INTERVAL = 10.0  # seconds from scrape to scrape, for the load on the server
MANY = 1000  # tables from which a sample is one scrape
# What postgres_exporter has by default, under our names; names that ours has none of are left out.
SUBJECTS = (
    "database", "locks", "replication", "roles", "replication_slots", "stat_activity", "stat_archiver", "stat_bgwriter",
    "stat_database", "stat_replication", "stat_user_tables", "statio_user_tables", "wal", "settings", "up",
)  # fmt: skip
SAME = f"/metrics?{'&'.join(f'collect[]={name}' for name in SUBJECTS)}"


@dataclass
class Side:
    """One of the two: what it is asked, and the wall time and the server's CPU time of each sample so far (ms a scrape)."""

    server: Server
    path: str
    postgres: Bare
    scrapes: int
    walls: list[float]
    loads: list[float]

    def cost(self, encoding: str = "identity") -> float:
        """CPU milliseconds a scrape."""
        if self.scrapes > 1 or not self.walls:  # with many tables nothing is left in caches that a scrape more would warm
            self._scrape(encoding)
        cpu, load, began = self.server.cpu_nanoseconds(), server_cpu(self.postgres), time.monotonic()
        for _ in range(self.scrapes):
            self._scrape(encoding)
        self.walls.append((time.monotonic() - began) / self.scrapes * 1e3)
        self.loads.append((server_cpu(self.postgres) - load) / self.scrapes * 1e3)
        return (self.server.cpu_nanoseconds() - cpu) / self.scrapes / 1e6

    def _scrape(self, encoding: str) -> None:
        status, _, body = self.server.get(self.path, Accept_Encoding=encoding)
        assert status == 200, body[:200]

    def series(self) -> int:
        """How many it exposes."""
        return sum(map(len, series(self.server.text(self.path)).values()))


@dataclass(frozen=True)
class Line:
    """A row of the report; `kept` None where there is no limit."""

    what: str
    ours: str
    theirs: str
    figure: str = ""
    limit: str = ""
    kept: bool | None = None


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=10)
    parser.add_argument("--peer", default=POSTGRES_EXPORTER)
    options = parser.parse_args()
    if not options.peer:
        raise SystemExit("postgres: prometheus-postgres-exporter is not installed: apt-get install prometheus-postgres-exporter")
    lines: list[Line] = []
    each: dict[int, float] = {}
    for tables in options.tables:
        with both(tables, options) as (ours, theirs):
            lines += measured(tables, options.pairs, ours, theirs, each)
    if len(each) > 1:
        growth = each[max(each)] / each[min(each)]
        what = f"CPU per series, {max(each)} tables ÷ {min(each)}"
        lines.append(Line(what, "", "", f"{growth:.2f}", f"{GROWTH_LIMIT}", growth <= GROWTH_LIMIT))
    return report(lines, f"beside postgres_exporter {version_of(options.peer)}, {options.pairs} alternated pairs")


@contextmanager
def both(tables: int, options: argparse.Namespace) -> Iterator[tuple[Side, Side]]:
    """Both exporters of a server with so many tables."""
    scrapes = 1 if tables >= MANY else options.scrapes
    with (
        tempfile.TemporaryDirectory(prefix="watchfloor-bench-") as folder,
        Bare("-c", "max_locks_per_transaction=2000") as server,
    ):
        fill(server.url("shop"), tables)
        with (
            exporter(Path(folder), [target(server, Path(folder))]) as left,
            their_postgres(server.url("shop"), options.peer) as right,
        ):
            yield Side(left, SAME, server, scrapes, [], []), Side(right, "/metrics", server, scrapes, [], [])


def fill(url: str, tables: int) -> None:
    """So many tables with a primary key each, as most are."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        for number in range(tables):
            connection.execute(f"CREATE TABLE table_number_{number} (id int PRIMARY KEY, note text)")


def server_cpu(postgres: Bare) -> float:
    """CPU seconds of the server's processes so far, of those that have ended too."""
    first = psutil.Process(postgres.process.pid)
    own = first.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in first.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it is in the first one's sum of the next reading
        total += times.user + times.system
    return total


def measured(tables: int, pairs: int, ours: Side, theirs: Side, each: dict[int, float]) -> list[Line]:
    """The figures of one size; `each` gets ours per series, in ms."""
    plain = alternate(ours.cost, theirs.cost, pairs)
    walls = list(zip(ours.walls, theirs.walls, strict=True))
    loads = [bootstrap(side.loads).median for side in (ours, theirs)]
    packed = alternate(lambda: ours.cost("gzip"), lambda: theirs.cost("gzip"), pairs)
    counts = [side.series() for side in (ours, theirs)]
    medians = [bootstrap(column).median for column in zip(*plain, strict=True)]
    each[tables] = medians[0] / counts[0]
    shares = [load / 1e3 / INTERVAL * 100 for load in loads]
    ours.server.text("/metrics")  # all collectors
    memory = [side.server.resident_bytes() / 2**20 for side in (ours, theirs)]
    limit = LIMITS.get(tables)
    at = f"{tables} tables: "
    return [
        _ratio(f"{at}CPU per scrape, ms", plain, limit),
        _ratio(f"{at}the same with gzip, ms", packed, GZIP_LIMIT),
        _ratio(f"{at}wall time of a scrape, ms", walls, 1.0),
        Line(f"{at}series exposed", f"{counts[0]}", f"{counts[1]}"),
        Line(f"{at}CPU per 1,000 series, ms", f"{medians[0] / counts[0] * 1e3:.3f}", f"{medians[1] / counts[1] * 1e3:.3f}"),
        _most(f"{at}RSS, MB", memory, MEMORY_LIMIT),
        _most(f"{at}load on the server at {INTERVAL:.0f} s, % of one core", shares, LOAD_LIMIT if tables < MANY else None),
    ]


def _ratio(what: str, pairs: list[tuple[float, float]], limit: float | None) -> Line:
    ratio = ratios(pairs)
    ours, theirs = (bootstrap(column) for column in zip(*pairs, strict=True))
    kept = None if limit is None else ratio.median <= limit
    return Line(what, str(ours), str(theirs), str(ratio), "" if limit is None else f"{limit:g}", kept)


def _most(what: str, values: list[float], limit: float | None) -> Line:
    ours, theirs = (f"{value:.2g}" if value < 1 else f"{value:.1f}" for value in values)
    return Line(what, ours, theirs, "", "" if limit is None else f"{limit:g}", None if limit is None else values[0] <= limit)


def report(lines: list[Line], title: str) -> int:
    """The table, and whether every limit is kept."""
    table = Table("", "ours", "theirs", "ours / theirs", "at most", "kept", title=title, box=None)
    for line in lines:
        table.add_row(line.what, line.ours, line.theirs, line.figure, line.limit, {None: "", True: "yes", False: "NO"}[line.kept])
    console().print(table)
    return int(any(line.kept is False for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
