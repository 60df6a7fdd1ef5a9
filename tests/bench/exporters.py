"""CPU per scrape of our system exporter and of Debian's node_exporter, with the same collectors, on this machine.

    python -m tests.bench.exporters [--pairs 20] [--scrapes 40] [--peer FILE]

Each sample is the CPU time (all threads, by the kernel's nanoseconds) of many scrapes over one connection, plain and then
with gzip; the two take turns, and the ratio counts pair by pair. A collector takes part when both have it and it is on by
default in node_exporter; what neither can leave out (process, build and per-collector series) is counted beside. `--peer` is
another node_exporter than the installed one.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from functools import partial
from typing import TypeAlias

from rich.table import Table

from compose.terminal import console
from exporters.system import collectors
from exporters.system.procfs import Roots
from settings.exporters import SystemExporter
from tests.bench.stats import alternate, bootstrap, ratios
from tests.exporters.servers import NODE_EXPORTER, Server, ours, series, theirs, version_of

RATIO_LIMIT, GZIP_LIMIT, MEMORY_LIMIT = 0.5, 0.4, 60.0  # of CPU per scrape, plain and with gzip; MB
Pairs: TypeAlias = list[tuple[tuple[float, float], tuple[float, float]]]  # CPU and wall time, ours and theirs
# Off by default in node_exporter 1.9: they take part on neither side.
_OFF_UPSTREAM = ("processes", "swap")


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=40)
    parser.add_argument("--peer", default=NODE_EXPORTER)
    options = parser.parse_args()
    if not options.peer:
        raise SystemExit("exporters: prometheus-node-exporter is not installed: apt-get install prometheus-node-exporter")
    names = [item.name for item in collectors(SystemExporter(), Roots()) if item.name not in _OFF_UPSTREAM]
    upstream = ["--collector.disable-defaults", *(f"--collector.{name}" for name in names), *same_devices()]
    with ours("--collectors", ",".join(names)) as left, theirs(*upstream, program=options.peer) as right:
        plain, packed = (
            alternate(partial(cost, left, options.scrapes, how), partial(cost, right, options.scrapes, how), options.pairs)
            for how in ("identity", "gzip")
        )
        return report(plain, packed, left, right, version_of(options.peer))


def same_devices() -> list[str]:
    """Debian's package leaves out `lo` and keeps zram; upstream, and we, do the opposite."""
    return [
        "--collector.netdev.device-exclude=^$",
        r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    ]


def cost(server: Server, scrapes: int, encoding: str = "identity") -> tuple[float, float]:
    """CPU and wall milliseconds a scrape."""
    server.get(Accept_Encoding=encoding)  # what is only done once, or was pushed out of the caches by the other one
    before, began = server.cpu_nanoseconds(), time.monotonic()
    for _ in range(scrapes):
        server.get(Accept_Encoding=encoding)
    return (server.cpu_nanoseconds() - before) / scrapes / 1e6, (time.monotonic() - began) / scrapes * 1e3


def report(plain: Pairs, packed: Pairs, left: Server, right: Server, version: str) -> int:
    """The table, and whether the limits are kept."""
    table = Table(title=f"CPU per scrape, {len(plain)} alternated pairs", box=None)
    for heading in ("", "ours", f"node_exporter {version}"):
        table.add_column(heading, justify="right" if heading else "left")
    found = [series(server.text()) for server in (left, right)]
    counts = [sum(map(len, names.values())) for names in found]
    node = [sum(len(values) for name, values in names.items() if name.startswith("node_")) for names in found]
    cpu, gzip, wall = ([(a[part], b[part]) for a, b in pairs] for pairs, part in ((plain, 0), (packed, 0), (plain, 1)))
    for what, pairs in (("CPU per scrape, ms", cpu), ("the same with gzip, ms", gzip), ("wall time of a scrape, ms", wall)):
        table.add_row(what, *(str(bootstrap(column)) for column in zip(*pairs, strict=True)))
    table.add_row("series exposed, of them node_*", *(f"{all_}, {own}" for all_, own in zip(counts, node, strict=True)))
    per = [statistics.median(column) / count * 1000 for column, count in zip(zip(*cpu, strict=True), counts, strict=True)]
    table.add_row("CPU per 1,000 series, ms", *(f"{value:.2f}" for value in per))
    table.add_row("RSS, MB", *(f"{server.resident_bytes() / 2**20:.0f}" for server in (left, right)))
    console().print(table)
    kept = True
    for what, pairs, limit in (("CPU", cpu, RATIO_LIMIT), ("CPU with gzip", gzip, GZIP_LIMIT), ("wall time", wall, 1.0)):
        ratio = ratios(pairs)
        kept = kept and ratio.median <= limit
        print(f"{what}, ours / node_exporter: {ratio} (at most {limit})")
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()} {platform.release()}")
    return int(not kept or left.resident_bytes() / 2**20 > MEMORY_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
