"""Whether exporters grow: resident memory after many scrapes, against what it was after the first hundred.

    python -m tests.bench.scrapes [EXPORTER …] [--scrapes 10000]

All collectors, over one connection, one scrape after the other; every tenth one compressed, every third one in OpenMetrics.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.table import Table

from compose.terminal import console
from tests.bench import five
from tests.exporters.servers import Server, ours

FIRST = 100
LIMIT = 5.0  # MB


@contextmanager
def _of_a_read_day() -> Iterator[Server]:
    """The models' quality when all rows have been read: what is read piece by piece is no leak."""
    with five.model_quality() as (server, _, _):
        five.read_all(server)
        yield server


EXPORTERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "system": ours,
    "postgres": five.postgres,
    "redis": five.redis,
    "probe": five.probe,
    "model_quality": _of_a_read_day,
}


def main() -> int:
    """Prints a table; exit 1 when one has grown by more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *EXPORTERS], metavar="EXPORTER", help="these only")
    parser.add_argument("--scrapes", type=int, default=10_000)
    options = parser.parse_args()
    table = Table("exporter", f"RSS after {FIRST}, MB", f"after {options.scrapes}, MB", "grown", "at most", "kept", box=None)
    grown = []
    for name in options.names or EXPORTERS:
        with EXPORTERS[name]() as server:
            grown.append(_measured(name, server, options.scrapes, table))
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
