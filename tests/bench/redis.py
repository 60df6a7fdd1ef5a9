"""CPU per scrape of our Redis exporter and of Debian's redis_exporter, on the same server, by their defaults.

    python -m tests.bench.redis [--pairs 15] [--scrapes 20] [--keys 10000] [--leak 10000] [--peer FILE]

Each sample is the CPU time (all threads, by the kernel's nanoseconds) of some scrapes over one connection; the two take turns,
and the ratio counts pair by pair, plain and with gzip. Both are asked for everything that they tell by default, ours without
latency histograms where the other has none. Then: how CPU grows from 100 to `--keys` keys that are told one by one, memory, and
the processor time that the server spends on a scrape, by its own account (cmdstat). `--peer` is another redis_exporter than the
installed one; the file must run here.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rich.table import Table

from compose.terminal import console
from tests.bench.stats import bootstrap, ratios
from tests.exporters.redis.servers import PASSWORD, USER, Redis, exporter, target
from tests.exporters.servers import REDIS_EXPORTER, Server, series, their_redis, version_of

RATIO, GROWTH, MEMORY, LEAK, LOAD = 0.4, 1.3, 60.0, 5.0, 0.01  # of CPU; per series; MB; MB; of one core at a scrape in 10 s
_GZIP = {"Accept_Encoding": "gzip"}
_PLAIN = {"Accept_Encoding": "identity"}


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--scrapes", type=int, default=20)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--leak", type=int, default=10_000)
    parser.add_argument("--peer", default=REDIS_EXPORTER)
    options = parser.parse_args()
    if not options.peer:
        raise SystemExit("redis: prometheus-redis-exporter is not installed: apt-get install prometheus-redis-exporter")
    folder = Path(tempfile.mkdtemp(prefix="watchfloor-bench-"))
    rows: list[tuple[str, str, str, str, bool]] = []
    with Redis() as server:
        used(server)
        with (
            exporter(folder, [target(server.port, folder)]) as left,
            their_redis(f"redis://127.0.0.1:{server.port}", options.peer, USER, PASSWORD) as right,
        ):
            rows += beside(left, right, options)
            rows += load(server, left, right, options.scrapes)
            rows += memory(left, options.leak)
        rows += growth(server, folder, options.keys, options.scrapes)
    table = Table("what", "ours", f"redis_exporter {version_of(options.peer)}", "limit", "kept", box=None)
    for *words, kept in rows:
        table.add_row(*words, "yes" if kept else "NO")
    console().print(table)
    return int(not all(row[-1] for row in rows))


def used(server: Redis) -> None:
    """Commands of each kind were called, so that there are statistics to tell."""
    client = server.client
    for index in range(100):
        client.set(f"key:{index}", index, ex=3600)
        client.get(f"key:{index}")
        client.incr("counter")
        client.hset("hash", str(index), index)
        client.lpush("list", index)
        client.sadd("set", index)
        client.zadd("zset", {str(index): index})
        client.expire("hash", 3600)
    client.hgetall("hash")
    client.lrange("list", 0, 10)
    client.smembers("set")
    client.zrange("zset", 0, 10)
    client.delete("set")
    client.mget("key:1", "key:2")


def cost(server: Server, scrapes: int, headers: dict[str, str], path: str = "/metrics") -> tuple[float, float]:
    """CPU and wall milliseconds a scrape."""
    server.get(path, **headers)
    before, began = server.cpu_nanoseconds(), time.monotonic()
    for _ in range(scrapes):
        server.get(path, **headers)
    return (server.cpu_nanoseconds() - before) / scrapes / 1e6, (time.monotonic() - began) / scrapes * 1e3


def count(server: Server, path: str = "/metrics") -> int:
    """Series of a scrape."""
    return sum(map(len, series(server.text(path)).values()))


def comparable(left: Server, right: Server) -> str:
    """What ours is asked: everything, or everything but latency histograms where the other one (before 1.46) has none."""
    if "redis_commands_latencies_usec_count" in series(right.text()):
        return "/metrics"
    names = [dict(labels)["collector"] for labels in series(left.text())["watchfloor_collector_success"]]
    return "/metrics?" + "&".join(f"collect[]={name}" for name in names if name != "latency")


def beside(left: Server, right: Server, options: argparse.Namespace) -> list[tuple[str, str, str, str, bool]]:
    """CPU plain and with gzip, wall time, CPU per 1,000 series."""
    path, rows = comparable(left, right), []
    for name, headers in (("CPU per scrape, ms", _PLAIN), ("CPU per scrape with gzip, ms", _GZIP)):
        costs = alternate_costs(left, right, path, headers, options)
        pairs = [(ours[0], peers[0]) for ours, peers in costs]
        ours_ms, theirs_ms = (bootstrap(column) for column in zip(*pairs, strict=True))
        ratio = ratios(pairs)
        rows.append((name, str(ours_ms), str(theirs_ms), f"{ratio} ≤ {RATIO}", ratio.median <= RATIO))
        if headers is _PLAIN:
            walls = [statistics.median(pair[side][1] for pair in costs) for side in (0, 1)]
            rows.append(("wall time per scrape, ms", f"{walls[0]:.2f}", f"{walls[1]:.2f}", "theirs", walls[0] <= walls[1]))
            counts = count(left, path), count(right)
            per = [value.median / number * 1000 for value, number in zip((ours_ms, theirs_ms), counts, strict=True)]
            told = [f"{value:.2f} ({number} series)" for value, number in zip(per, counts, strict=True)]
            rows.append(("CPU per 1,000 series, ms", told[0], told[1], "theirs", per[0] <= per[1]))
    return rows


def alternate_costs(
    left: Server, right: Server, path: str, headers: dict[str, str], options: argparse.Namespace
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """CPU and wall time of both, in turn; the first one of a pair changes."""
    found = []
    for index in range(options.pairs):
        sides = [(left, path), (right, "/metrics")]
        costs = [cost(server, options.scrapes, headers, where) for server, where in sides[:: -1 if index % 2 else 1]]
        found.append((costs[1], costs[0]) if index % 2 else (costs[0], costs[1]))
    return found


def load(server: Redis, left: Server, right: Server, scrapes: int) -> list[tuple[str, str, str, str, bool]]:
    """What the server spends on a scrape, by its own account, as a share of a core at a scrape every 10 s."""
    found = []
    for one in (left, right):
        server.client.config_resetstat()
        for _ in range(scrapes):
            one.text()
        stats = server.client.info("commandstats")
        found.append(sum(row["usec"] for row in stats.values()) / scrapes / 1e6 / 10)
    return [("load on the server at 10 s, of a core", *(f"{value:.4%}" for value in found), f"{LOAD:.0%}", found[0] <= LOAD)]


def memory(left: Server, scrapes: int) -> list[tuple[str, str, str, str, bool]]:
    """Memory after the first hundred scrapes, and after all."""
    for _ in range(100):
        left.text()
    first = left.resident_bytes() / 2**20
    for _ in range(scrapes - 100):
        left.text()
    last = left.resident_bytes() / 2**20
    return [
        ("RSS, MB", f"{last:.0f}", "", f"{MEMORY:.0f}", last <= MEMORY),
        (f"RSS after {scrapes} scrapes above that after 100, MB", f"{last - first:.1f}", "", f"{LEAK:.0f}", last - first <= LEAK),
    ]


def growth(server: Redis, folder: Path, keys: int, scrapes: int) -> list[tuple[str, str, str, str, bool]]:
    """CPU per series with 100 keys that are told one by one, and with many."""
    found = []
    for number in (100, keys):
        server.client.flushall()
        server.ask("DEBUG", "POPULATE", number, "key", 10)
        with exporter(folder, [target(server.port, folder, keys=[{"pattern": "key:*"}])]) as one:
            one.text()
            cpu = min(cost(one, max(3, scrapes // 4), _PLAIN)[0] for _ in range(3))
            found.append(cpu / count(one) * 1000)
    grown = found[1] / found[0]
    what = f"CPU per 1,000 series, {keys} keys ÷ 100 keys, ms"
    return [(what, f"{found[1]:.2f} ÷ {found[0]:.2f}", "", f"{grown:.2f} ≤ {GROWTH}", grown <= GROWTH)]


if __name__ == "__main__":
    raise SystemExit(main())
