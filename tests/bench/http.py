"""The HTTP API's public answers: beside a bare aiohttp handler, with two workers, through the edge, and paced.

    python -m tests.bench http [--pairs 20] [--only STEP]

The server runs as it does in production with a Redis of its own, everything switched on, its rate limit lifted; wrk (Debian's)
asks from the other core, or beside two workers from wherever the kernel puts it. A line a figure with its verdict; exit 1 when a
limit is missed. With 20 pairs it takes about four minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.http_servers import PATH, SETTLED, Wrk, body, edged, process, server
from tests.bench.openloop import latencies
from tests.bench.stats import alternate, bootstrap, ratios
from tests.waiting import free_ports, until

FAST = ("/api/trading-signals-fast", "/api/alerts-fast")
RATIO, TWO_WORKERS, TWO_P95, EDGE, FAST_P99 = 0.8, 15_000.0, 0.020, 4.0, 0.005
_SECONDS = 1.0  # of one run of wrk
_OPEN_SECONDS, _OPEN_RATE, _OPEN_ROUNDS = 4, 1000, 10


def told(what: str, *, kept: bool) -> bool:
    """Prints a figure and whether its limit was kept; whether it was."""
    print(f"{'kept  ' if kept else 'MISSED'} {what}", flush=True)
    return kept


def compared(folder: Path, pairs: int) -> bool:
    """One worker against a bare handler of the same bytes, requests a second, alternated pairs."""
    with server(folder, 0) as ours, bare(folder, ours, 0) as other:
        for port, path in ((ours, PATH), (other, "/bare")):  # a first round that does not count
            Wrk(folder, port, path, 1, _SECONDS)
        found = alternate(
            lambda: Wrk(folder, ours, PATH, 1, _SECONDS).rate, lambda: Wrk(folder, other, "/bare", 1, _SECONDS).rate, pairs
        )
    ratio = ratios(found)
    rates = [bootstrap([pair[side] for pair in found]) for side in (0, 1)]
    return told(
        f"one worker, 2 KB: {rates[0]} requests/s, bare handler {rates[1]}: ratio {ratio} (at least {RATIO})",
        kept=ratio.median >= RATIO,
    )


@contextmanager
def bare(folder: Path, ours: int, core: int | None, workers: int = 1) -> Iterator[int]:
    """Bare handlers that share a port and answer the bytes that ours does; their port."""
    same, (port,) = folder / f"body-{ours}", free_ports(1)
    same.write_bytes(body(ours, PATH))
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(process(["tests.bench.peers.bare_http", str(port), str(same)], core))
        until("the bare handler answers", lambda: all(len(body(port, "/bare")) > 2000 for _ in range(4 * workers)), SETTLED)
        yield port


def two_workers(folder: Path, pairs: int) -> bool:
    """`--workers 2` where the kernel puts them, wrk beside them: requests a second, the 95th percentile; beside two bare ones."""
    with server(folder, None, workers=2) as ours, bare(folder, ours, None, workers=2) as other:
        Wrk(folder, ours, PATH, None, _SECONDS)
        runs = alternate(
            lambda: Wrk(folder, ours, PATH, None, _SECONDS), lambda: Wrk(folder, other, "/bare", None, _SECONDS), pairs
        )
    rate, late = bootstrap([run.rate for run, _ in runs]), bootstrap([run.p95 for run, _ in runs])
    p50, longest = bootstrap([run.p50 for run, _ in runs]), max(run.longest for run, _ in runs)
    theirs = bootstrap([run.rate for _, run in runs]), bootstrap([run.p95 for _, run in runs])
    print(f"       two bare handlers: {theirs[0]} requests/s, p95 {theirs[1]} s", flush=True)
    return told(
        f"two workers: {rate} requests/s (more than {TWO_WORKERS:.0f}); p50 {p50}, p95 {late} s (less than {TWO_P95}), "
        f"longest {longest:.3f} s",
        kept=rate.median > TWO_WORKERS and late.median < TWO_P95,
    )


def edge(folder: Path, pairs: int) -> bool:
    """Server and Varnish on one core against the server alone on one core, alternated pairs; then Varnish on all cores."""
    with server(folder, 0) as alone, edged(folder, 0) as before:
        for port in (alone, before):
            Wrk(folder, port, PATH, 1, _SECONDS)
        found = alternate(
            lambda: Wrk(folder, before, PATH, 1, _SECONDS).rate, lambda: Wrk(folder, alone, PATH, 1, _SECONDS).rate, pairs
        )
    with edged(folder, None) as before:
        free = bootstrap([Wrk(folder, before, PATH, None, _SECONDS).rate for _ in range(max(2, pairs // 2))])
    ratio, rate = ratios(found), bootstrap([ours for ours, _ in found])
    print(f"       edge on both cores, wrk beside it: {free} requests/s, {free.median / 1e5:.2f} of 100,000", flush=True)
    return told(
        f"edge, one core: {rate} requests/s, ÷ one worker {ratio} (at least {EDGE:g})", kept=ratio.median >= EDGE
    )  # fmt: skip


def fast(folder: Path, pairs: int) -> bool:
    """The two fast endpoints in turn, 1,000 requests a second, open loop: p99 from the time a request was meant for."""
    with server(folder, 0) as port:
        until("the fast endpoints know something", lambda: all(body(port, path) for path in FAST), SETTLED)
        everywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
        p50s, p99s, longest = [], [], 0.0
        for _ in range(min(pairs, _OPEN_ROUNDS)):
            seen, statuses = latencies(port, FAST, _OPEN_RATE, _OPEN_SECONDS)
            if set(statuses) != {200} or len(seen) != _OPEN_RATE * _OPEN_SECONDS:
                raise SystemExit(f"http: of {_OPEN_RATE * _OPEN_SECONDS} requests {len(seen)} were answered: {statuses}")
            p50s.append(seen[len(seen) // 2])
            p99s.append(seen[int(len(seen) * 0.99)])
            longest = max(longest, seen[-1])
        os.sched_setaffinity(0, everywhere)
    p99 = bootstrap(p99s)
    return told(
        f"fast endpoints, {_OPEN_RATE}/s open loop: p50 {bootstrap(p50s)} s, p99 {p99} s (less than {FAST_P99}), "
        f"longest {longest:.4f} s",
        kept=p99.median < FAST_P99,
    )


STEPS = {"compared": compared, "two": two_workers, "edge": edge, "fast": fast}


def main() -> int:
    """Runs the steps; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench http")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--only", choices=sorted(STEPS))
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("http: there is no wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="watchfloor-http-") as folder:
        chosen = [step for name, step in STEPS.items() if options.only in (None, name)]
        passed = [step(Path(folder), options.pairs) for step in chosen]
        return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
