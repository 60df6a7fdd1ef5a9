"""Real exporter processes on free ports, ours and Debian's, for tests and measurements."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.waiting import free_ports, until

ROOT = Path(__file__).resolve().parent.parent.parent
NODE_EXPORTER = shutil.which("prometheus-node-exporter") or ""
REDIS_EXPORTER = shutil.which("prometheus-redis-exporter") or ""
POSTGRES_EXPORTER = shutil.which("prometheus-postgres-exporter") or ""
DEADLINE = 15.0
_SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')

Series = dict[str, dict[tuple[tuple[str, str], ...], float]]


def series(text: str) -> Series:
    """An exposition as Prometheus takes it: values by name and labels. Empty labels are no labels."""
    result: Series = {}
    for line in text.splitlines():
        if found := _SERIES.match(line):
            labels = tuple(sorted(pair for pair in _LABEL.findall(found[2] or "") if pair[1]))
            result.setdefault(found[1], {})[labels] = float(found[3])
    return result


class Server:
    """A process that answers scrapes; a context manager."""

    def __init__(self, command: Sequence[str], port: int, environment: dict[str, str] | None = None) -> None:
        self.port = port
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        until(f"{self._command[0]} listens", self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.process.communicate()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def get(self, path: str = "/metrics", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body; header names with `_` for `-`."""
        given = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=given)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def text(self, path: str = "/metrics") -> str:
        """The body of a scrape that must succeed."""
        status, _, body = self.get(path)
        assert status == 200, (path, status, body[:200])
        return body.decode()

    def cpu_nanoseconds(self) -> int:
        """CPU time of all its threads so far: schedstat, because a clock tick (10 ms) is longer than a scrape."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, errors


def ours(*arguments: str, command: Sequence[str] = (), environment: dict[str, str] | None = None) -> Server:
    """`python -m exporters system` on a free port, with the defaults of site.example.yaml."""
    port = free_ports(1)[0]
    words = list(command) or [sys.executable, "-m", "exporters", "system"]
    site = {"WATCHFLOOR_SITE": str(ROOT / "site.example.yaml")}
    return Server([*words, "--port", str(port), *arguments], port, site | (environment or {}))


def theirs(*arguments: str, program: str = NODE_EXPORTER) -> Server:
    """Debian's node_exporter on a free port."""
    port = free_ports(1)[0]
    return Server([program, f"--web.listen-address=127.0.0.1:{port}", *arguments], port)


def their_postgres(url: str, program: str = POSTGRES_EXPORTER) -> Server:
    """Debian's postgres_exporter on a free port, asking the server at that URL."""
    port = free_ports(1)[0]
    environment = {"DATA_SOURCE_NAME": f"{url}?sslmode=disable"}
    return Server([program, f"--web.listen-address=127.0.0.1:{port}"], port, environment)


def their_redis(url: str, program: str = REDIS_EXPORTER, user: str = "", password: str = "") -> Server:
    """Debian's redis_exporter on a free port, asking the server at that URL."""
    port = free_ports(1)[0]
    words = [program, f"--redis.addr={url}", f"--redis.user={user}", f"--web.listen-address=127.0.0.1:{port}"]
    return Server(words, port, {"REDIS_PASSWORD": password})


def version_of(program: str) -> str:
    """An exporter's version, as it tells it."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"(?:version:?|Exporter) v?(\d\S*)", done.stdout + done.stderr)
    assert found
    return found[1]
