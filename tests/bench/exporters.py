"""CPU per scrape of our system exporter and of Debian's node_exporter, with the same collectors, on this machine.

    python -m tests.bench.exporters [--pairs 20] [--scrapes 40]

Each sample is the CPU time (all threads, by the kernel's nanoseconds) of many scrapes over one connection, uncompressed;
the two take turns, and the ratio counts pair by pair. A collector takes part when both have it and it is on by default in
node_exporter; what neither can leave out (process, build and per-collector series) is counted beside.
"""

from __future__ import annotations

import argparse
import platform
import statistics

from rich.table import Table

from compose.terminal import console
from exporters.system import collectors
from exporters.system.procfs import Roots
from settings.exporters import SystemExporter
from tests.bench.stats import alternate, bootstrap, ratios
from tests.exporters.servers import NODE_EXPORTER, Server, ours, series, theirs, version_of

RATIO_LIMIT, MEMORY_LIMIT = 0.5, 60.0  # of CPU per scrape; MB
# Off by default in node_exporter 1.9: they take part on neither side.
_OFF_UPSTREAM = ("processes", "swap")


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=40)
    options = parser.parse_args()
    if not NODE_EXPORTER:
        raise SystemExit("exporters: prometheus-node-exporter is not installed: apt-get install prometheus-node-exporter")
    names = [item.name for item in collectors(SystemExporter(), Roots()) if item.name not in _OFF_UPSTREAM]
    upstream = ["--collector.disable-defaults", *(f"--collector.{name}" for name in names), *same_devices()]
    with ours("--collectors", ",".join(names)) as left, theirs(*upstream) as right:
        pairs = alternate(lambda: cost(left, options.scrapes), lambda: cost(right, options.scrapes), options.pairs)
        return report(pairs, left, right)


def same_devices() -> list[str]:
    """Debian's package leaves out `lo` and keeps zram; upstream, and we, do the opposite."""
    return [
        "--collector.netdev.device-exclude=^$",
        r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    ]


def cost(server: Server, scrapes: int) -> float:
    """CPU milliseconds a scrape."""
    server.text()  # what is only done once, or was pushed out of the caches by the other one
    before = server.cpu_nanoseconds()
    for _ in range(scrapes):
        server.text()
    return (server.cpu_nanoseconds() - before) / scrapes / 1e6


def report(pairs: list[tuple[float, float]], left: Server, right: Server) -> int:
    """The table, and whether the limits are kept."""
    table = Table(title=f"CPU per scrape, {len(pairs)} alternated pairs", box=None)
    for heading in ("", "ours", f"node_exporter {version_of(NODE_EXPORTER)}"):
        table.add_column(heading, justify="right" if heading else "left")
    ours_ms, theirs_ms = (bootstrap(column) for column in zip(*pairs, strict=True))
    found = [series(server.text()) for server in (left, right)]
    counts = [sum(map(len, names.values())) for names in found]
    node = [sum(len(values) for name, values in names.items() if name.startswith("node_")) for names in found]
    rows = (
        ("CPU per scrape, ms", str(ours_ms), str(theirs_ms)),
        ("series exposed", str(counts[0]), str(counts[1])),
        ("of them node_*", str(node[0]), str(node[1])),
        ("CPU per 1,000 series, ms", f"{ours_ms.median / counts[0] * 1000:.2f}", f"{theirs_ms.median / counts[1] * 1000:.2f}"),
        ("RSS, MB", f"{left.resident_bytes() / 2**20:.0f}", f"{right.resident_bytes() / 2**20:.0f}"),
    )
    for row in rows:
        table.add_row(*row)
    ratio = ratios(pairs)
    console().print(table)
    spread = statistics.quantiles([a / b for a, b in pairs], n=10)
    print(f"ratio ours / node_exporter: {ratio} (at most {RATIO_LIMIT})")
    print(f"10th to 90th percentile of the pairs: {spread[0]:.3f} to {spread[-1]:.3f}")
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()} {platform.release()}")
    return int(ratio.median > RATIO_LIMIT or left.resident_bytes() / 2**20 > MEMORY_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
