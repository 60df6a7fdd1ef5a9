"""Whether exporters grow: resident memory after many scrapes, against what it was after the first hundred.

    python -m tests.bench.scrapes [--scrapes 10000]

All collectors, over one connection, one scrape after the other; every tenth one compressed, every third one in OpenMetrics.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.table import Table

from compose.terminal import console
from tests.exporters.postgres.exporter import exporter, target
from tests.exporters.servers import Server, ours
from tests.postgres import Bare

FIRST = 100
LIMIT = 5.0  # MB


def main() -> int:
    """Prints a table; exit 1 when one has grown by more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=10_000)
    options = parser.parse_args()
    table = Table("exporter", f"RSS after {FIRST}, MB", f"after {options.scrapes}, MB", "grown", "at most", "kept", box=None)
    grown = []
    with ours() as server:
        grown.append(_measured("system", server, options.scrapes, table))
    with (
        tempfile.TemporaryDirectory(prefix="watchfloor-bench-") as folder,
        Bare() as postgres,
        exporter(Path(folder), [target(postgres, Path(folder))]) as server,
    ):
        grown.append(_measured("postgres", server, options.scrapes, table))
    console().print(table)
    return int(max(grown) > LIMIT)


def _measured(name: str, server: Server, scrapes: int, table: Table) -> float:
    """MB grown."""
    _scrape(server, FIRST)
    first = server.resident_bytes() / 2**20
    _scrape(server, scrapes - FIRST)
    last = server.resident_bytes() / 2**20
    kept = "yes" if last - first <= LIMIT else "NO"
    table.add_row(name, f"{first:.1f}", f"{last:.1f}", f"{last - first:.1f}", f"{LIMIT:g}", kept)
    return last - first


def _scrape(server: Server, count: int) -> None:
    for number in range(count):
        accept = "application/openmetrics-text; version=1.0.0" if number % 3 == 0 else "text/plain"
        status, _, body = server.get(Accept=accept, Accept_Encoding="identity" if number % 10 else "gzip")
        assert status == 200, body[:200]


if __name__ == "__main__":
    raise SystemExit(main())
