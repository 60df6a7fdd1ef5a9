"""The HTTP API's public answers: how near to a bare aiohttp handler, how many with two workers, how late when paced.

    python -m tests.bench http [--pairs 20] [--only STEP]

The server runs as it does in production, everything switched on, its rate limit lifted; wrk (Debian's) asks from the other core.
Exit 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from settings.paths import CLONE
from tests.bench.openloop import latencies
from tests.bench.stats import alternate, bootstrap, ratios
from tests.waiting import free_ports, until

PATH = "/api/dashboard"  # 2.4 KB with the replay's five symbols
FAST = ("/api/trading-signals-fast", "/api/alerts-fast")
RATIO, TWO_WORKERS, TWO_P95, FAST_P99 = 0.8, 15_000.0, 0.020, 0.005
_SECONDS, _CONNECTIONS = 2, 32
_SITE = {
    "stream": {
        "api": {"per_address": "999999999/minute"},
        "bus": {"enabled": False},
        "limits": {"connections_per_address": 10_000},
    }
}
_SETTLED = 20.0


@contextmanager
def process(words: list[str], core: int | None, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on one core, or where the kernel puts it; ended with the block."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    started = subprocess.Popen(
        [*pinned, sys.executable, "-m", *words], cwd=CLONE, env=os.environ | variables, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.terminate()
        started.wait(15)


@contextmanager
def server(folder: Path, core: int | None) -> Iterator[int]:
    """The stream server with its replay; its port."""
    port, admin = free_ports(2)
    home = folder / str(port)
    home.mkdir()
    (home / "site.yaml").write_text(json.dumps(_SITE), encoding="utf-8")
    words = ["stream", "--port", str(port), "--admin-port", str(admin)]
    with process(words, core, WATCHFLOOR_HOME=str(home), WATCHFLOOR_SITE=str(home / "site.yaml"), DATABASE_URL=""):
        until("the server knows all symbols", lambda: len(body(port, PATH)) > 2000, _SETTLED)
        yield port


def body(port: int, path: str) -> bytes:
    """An answer's body; empty while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:  # our own server
            return bytes(answer.read())
    except OSError:
        return b""


class Wrk:
    """What wrk measured: requests a second, and the 95th percentile in seconds. Raises SystemExit for answers that failed."""

    SCRIPT = "done = function(s, l, r) io.write(string.format('P95 %d\\n', l:percentile(95))) end"

    def __init__(self, folder: Path, port: int, path: str, core: int | None, seconds: int = _SECONDS) -> None:
        script = folder / "p95.lua"
        script.write_text(self.SCRIPT, encoding="utf-8")
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        words = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}{path}"]
        self._process = subprocess.Popen([*pinned, *words], stdout=subprocess.PIPE, text=True)

    def result(self) -> tuple[float, float]:
        told = self._process.communicate()[0]
        if "Non-2xx" in told or "Socket errors" in told:
            raise SystemExit(f"http: answers failed:\n{told}")
        rate, late = re.search(r"Requests/sec:\s*([\d.]+)", told), re.search(r"P95 (\d+)", told)
        assert rate, told
        assert late, told
        return float(rate[1]), int(late[1]) / 1e6


def compared(folder: Path, pairs: int) -> bool:
    """One worker against a bare handler of the same bytes, requests a second, alternated pairs."""
    with ExitStack() as stack:
        ours = stack.enter_context(server(folder, 0))
        same = folder / "body"
        same.write_bytes(body(ours, PATH))
        bare = free_ports(1)[0]
        stack.enter_context(process(["tests.bench.peers.bare_http", str(bare), str(same)], 0))
        until("the bare handler answers", lambda: len(body(bare, "/bare")) > 2000, _SETTLED)
        for port, path in ((ours, PATH), (bare, "/bare")):  # a first round that does not count
            Wrk(folder, port, path, 1, 1).result()
        found = alternate(
            lambda: Wrk(folder, ours, PATH, 1).result()[0], lambda: Wrk(folder, bare, "/bare", 1).result()[0], pairs
        )
    ratio = ratios(found)
    rates = [bootstrap([pair[side] for pair in found]) for side in (0, 1)]
    print(
        f"{same.stat().st_size} bytes; ours {rates[0]} requests/s, bare {rates[1]}: ratio {ratio}, at least {RATIO}", flush=True
    )
    return ratio.median >= RATIO


def two_workers(folder: Path, rounds: int) -> bool:
    """Two servers where the kernel puts them, two wrk beside them: requests a second together, the worse 95th percentile."""
    with server(folder, None) as first, server(folder, None) as second:
        rates, lates = [], []
        for _ in range(rounds):
            running = [Wrk(folder, port, PATH, None) for port in (first, second)]
            (one, late_one), (two, late_two) = (wrk.result() for wrk in running)
            rates.append(one + two)
            lates.append(max(late_one, late_two))
    rate, late = bootstrap(rates), bootstrap(lates)
    print(f"two workers: {rate} requests/s (at least {TWO_WORKERS:.0f}), p95 {late} s (at most {TWO_P95})", flush=True)
    return rate.median > TWO_WORKERS and late.median < TWO_P95


def fast(folder: Path, rounds: int) -> bool:
    """The two fast endpoints in turn, 1,000 requests a second, open loop: p99 from the time a request was meant for."""
    with server(folder, 0) as port:
        until("the fast endpoints know something", lambda: all(body(port, path) for path in FAST), _SETTLED)
        os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
        p50s, p99s, longest = [], [], 0.0
        for _ in range(rounds):
            seen, statuses = latencies(port, FAST, 1000, 5)
            if set(statuses) != {b"200"} or len(seen) != 5000:
                raise SystemExit(f"http: of 5000 requests {len(seen)} were answered: {statuses}")
            p50s.append(seen[len(seen) // 2])
            p99s.append(seen[int(len(seen) * 0.99)])
            longest = max(longest, seen[-1])
    p99 = bootstrap(p99s)
    print(
        f"fast, 1,000/s open loop: p50 {bootstrap(p50s)} s, p99 {p99} s (at most {FAST_P99}), longest {longest:.4f} s", flush=True
    )
    return p99.median < FAST_P99


STEPS = {"compared": compared, "two": two_workers, "fast": fast}


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
