"""The bus: what it costs a delivery, and how soon another worker goes on when one is killed.

    python -m tests.bench bus [--pairs 6] [--kills 10] [--clients 500]

Alternated pairs, joined by a real Redis against on its own: CPU per delivery with 1 and 16 messages in flight, deliveries a
second, publish -> client latency when paced. Then kill -9 of the worker that runs the market, again and again: the time until
the room's next number. Exit 1 when a takeover takes longer than 5 s.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.table import Table

from compose.terminal import console
from stream.messages import MARKET
from tests.bench.contest import SUBSCRIBE, Contestant, build, python
from tests.bench.stats import alternate, bootstrap, ratios
from tests.stream.bus.servers import RedisServer, redis_server, workers
from tests.waiting import until

ROUNDS, PACE, SECONDS, TAKEOVER = 200, 200, 5.0, 5.0


def main() -> int:
    """Measures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench bus")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=500)
    options = parser.parse_args()
    table = Table("what", "joined", "on its own", "ratio")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder / "redis", "--appendonly", "yes") as bus:
            cost(bus, folder, options, table)
            longest = takeovers(bus, folder, options.kills, table)
    console().print(table)
    return int(longest > TAKEOVER)


def cost(bus: RedisServer, folder: Path, options: argparse.Namespace, table: Table) -> None:
    """What a delivery costs, and how long it takes."""
    drain = build("drain", folder)
    joined = [sys.executable, "-m", "tests.bench.peers.joined", "{port}", bus.url]
    alone = python("ours", uvloop=False)

    def measured(words: list[str], in_flight: int) -> float:
        with Contestant("", words, drain, options.clients, SUBSCRIBE) as server:
            began = time.monotonic()
            spent = server.deliver(ROUNDS, in_flight)
            rates[words is joined, in_flight].append(ROUNDS * in_flight * options.clients / (time.monotonic() - began))
            return spent

    def latency(words: list[str]) -> list[float]:
        with Contestant("", words, drain, options.clients, SUBSCRIBE) as server:
            figures, _, sent = server.pace(PACE, SECONDS)
            assert figures[0] == sent * options.clients, "not all was delivered"
            return figures

    rates: dict[tuple[bool, int], list[float]] = {(ours, count): [] for ours in (True, False) for count in (1, 16)}
    for in_flight in (1, 16):
        pairs = alternate(partial(measured, joined, in_flight), partial(measured, alone, in_flight), options.pairs)
        ours, theirs = (bootstrap([pair[side] for pair in pairs]) for side in (0, 1))
        table.add_row(f"CPU per delivery, ns, {in_flight} in flight", str(ours), str(theirs), str(ratios(pairs)))
        fast, plain = (statistics.median(rates[side, in_flight]) for side in (True, False))
        table.add_row(f"deliveries a second, {in_flight} in flight", f"{fast:,.0f}", f"{plain:,.0f}", f"{fast / plain:.2f}")
    slow, quick = ([latency(words) for _ in range(max(1, options.pairs // 2))] for words in (joined, alone))
    for index, word in ((1, "p50"), (3, "p99")):
        ours_ms, theirs_ms = (statistics.median(figures[index] for figures in found) for found in (slow, quick))
        table.add_row(
            f"publish → client at {PACE}/s, {word}, ms", f"{ours_ms:.1f}", f"{theirs_ms:.1f}", f"{ours_ms / theirs_ms:.2f}"
        )


def takeovers(bus: RedisServer, folder: Path, kills: int, table: Table) -> float:
    """Kills whoever runs the market; the longest time until the next number."""
    found: list[float] = []
    with workers(folder / "home", bus) as running:
        for _ in range(kills):
            leader = running.leader()
            pid, before = running.pid(leader), seq(bus)
            until("numbers go on", partial(beyond, bus, before + 20))
            os.kill(pid, signal.SIGKILL)
            began, last = time.monotonic(), seq(bus)
            until("another one goes on", partial(beyond, bus, last), every=0.005)
            found.append(time.monotonic() - began)
            until("it is back", partial(running.started_again, leader, pid))
    table.add_row(f"takeover after kill -9, s, {kills} times", f"{bootstrap(found)}, longest {max(found):.2f}", "", "at most 5")
    return max(found)


def beyond(bus: RedisServer, number: int) -> bool:
    """Whether the market's number is above that."""
    return seq(bus) > number


def seq(bus: RedisServer) -> int:
    """The market's number."""
    return int(bus.client.hget(f"bus:{MARKET}:state", "seq") or 0)


if __name__ == "__main__":
    sys.exit(main())
