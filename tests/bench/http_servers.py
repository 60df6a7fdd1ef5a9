"""What `tests.bench.http` measures: the stream server as in production, behind an edge or not, and wrk that asks it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from settings.paths import CLONE
from tests.stream.bus.servers import redis_server
from tests.stream.cache.servers import SECRET, VarnishServer
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

PATH = "/api/dashboard"  # 2.4 KB with the replay's five symbols
SETTLED = 30.0
_CONNECTIONS = 32


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


def _site(redis: int, edge: int) -> dict[str, Any]:
    """As in production, with a Redis and perhaps an edge of its own, and limits that a flood does not reach."""
    return {
        "ports": {"edge": edge},
        "stream": {
            "api": {"per_address": "999999999/minute"},
            "bus": {"url": f"redis://127.0.0.1:{redis}/0"},
            "limits": {"connections_per_address": 10_000},
        },
        "cache": {"redis": {"host": "127.0.0.1", "port": redis, "db": 1}, "edge": {"enabled": bool(edge != 1)}},
    }


def written(home: Path, redis: int, edge: int) -> Path:
    """A home for a server, with the edge's secret; its site.yaml."""
    home.joinpath("secrets").mkdir(parents=True, mode=0o700)
    (home / "secrets" / "edge_secret").write_text(SECRET, encoding="utf-8")
    (home / "secrets" / "edge_secret").chmod(0o600)
    (home / "site.yaml").write_text(json.dumps(_site(redis, edge)), encoding="utf-8")
    return home / "site.yaml"


@contextmanager
def server(folder: Path, core: int | None, workers: int = 1, port: int = 0, edge: int = 1) -> Iterator[int]:
    """The stream server with its replay; its port. `edge` is the port of the edge before it; 1: there is none."""
    public, *admins = free_ports(1 + workers)
    public = port or public
    home = folder / str(public)
    home.mkdir(parents=True)
    with redis_server(home / "redis") as redis, Postgres() as postgres:
        site = written(home, redis.port, edge)
        words = [
            "stream",
            "--port",
            str(public),
            "--admin-port",
            str(min(admins)),
            *(["--workers", str(workers)] * (workers > 1)),
        ]
        with process(words, core, WATCHFLOOR_HOME=str(home), WATCHFLOOR_SITE=str(site), DATABASE_URL=postgres.fresh()):
            until(
                "the server knows all symbols", lambda: all(len(body(public, PATH)) > 2000 for _ in range(4 * workers)), SETTLED
            )
            yield public


@contextmanager
def edged(folder: Path, core: int | None) -> Iterator[int]:
    """The same behind a Varnish of its own, on the same core; the port of the Varnish."""
    (port,) = free_ports(1)
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})  # it and its threads inherit it
    try:
        varnish = VarnishServer(port).__enter__()
    finally:
        os.sched_setaffinity(0, before)
    try:
        with server(folder, core, port=port, edge=varnish.port):
            until("the edge keeps it", lambda: varnish.ask(PATH)[1].get("x-cache") == "HIT", SETTLED)
            yield varnish.port
    finally:
        varnish.__exit__()


def body(port: int, path: str) -> bytes:
    """An answer's body; empty while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:  # our own server
            return bytes(answer.read())
    except OSError:
        return b""


class Wrk:
    """What wrk measured: requests a second, and percentiles in seconds. Raises SystemExit for answers that failed."""

    SCRIPT = "done = function(s, l, r) io.write(string.format('P %d %d %d\\n', l:percentile(50), l:percentile(95), l.max)) end"

    def __init__(self, folder: Path, port: int, path: str, core: int | None, seconds: float) -> None:
        script = folder / "percentiles.lua"
        script.write_text(self.SCRIPT, encoding="utf-8")
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        url = f"http://127.0.0.1:{port}{path}"
        words = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{round(seconds)}s", "-s", str(script), url]
        told = subprocess.run([*pinned, *words], stdout=subprocess.PIPE, text=True, check=True).stdout
        if "Non-2xx" in told or "Socket errors" in told:
            raise SystemExit(f"http: answers failed:\n{told}")
        rate, late = re.search(r"Requests/sec:\s*([\d.]+)", told), re.search(r"P (\d+) (\d+) (\d+)", told)
        assert rate, told
        assert late, told
        self.rate = float(rate[1])
        self.p50, self.p95, self.longest = (int(one) / 1e6 for one in late.groups())
