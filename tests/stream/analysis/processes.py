"""The stream and the models as processes with a home and a database of their own, at ten times the pace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import free_ports, until

# A horizon of one second: what takes minutes in production takes seconds here.
_SITE = """
bind: 127.0.0.1
profile: {{factor: 0.1}}
ports: {{stream: {stream}, stream_admin: {admin}}}
stream: {{bus: {{enabled: false}}, replay: {{symbols: [BTC, ETH, SOL], rate: 60}}}}
analysis: {{horizons: [10s], every: 5s, publish: 100s, queue: 8}}
"""


@dataclass
class Home:
    """Where the processes of one test live."""

    folder: Path
    database: str
    ports: list[int] = field(default_factory=lambda: free_ports(2))

    def __post_init__(self) -> None:
        self.site = self.folder / "site.yaml"
        self.site.write_text(_SITE.format(stream=self.ports[0], admin=self.ports[1]), encoding="utf-8")

    @property
    def variables(self) -> dict[str, str]:
        own = {"WATCHFLOOR_SITE": str(self.site), "WATCHFLOOR_HOME": str(self.folder), "DATABASE_URL": self.database}
        return os.environ | own

    @property
    def shelf(self) -> Path:
        return self.folder / "data" / "analysis"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m stream.analysis …` to its end."""
        line = [sys.executable, "-m", "stream.analysis", *words]
        return subprocess.run(line, env=self.variables, capture_output=True, text=True, timeout=30, check=False)


@dataclass
class Running:
    """A process that listens."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def samples(self) -> dict[str, float]:
        """What a scrape tells: series -> value."""
        lines = fetch(f"{self.url}/metrics").splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def ask(self, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """`POST /analyze`: status and answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/analyze", data, {"Content-Type": "application/json"} | headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


@contextmanager
def running(home: Home, module: str, *words: str) -> Iterator[Running]:
    """A module as a process, from the moment that it listens."""
    log = home.folder / f"{module}-{free_ports(1)[0]}.log"
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", module, *words], env=home.variables, stderr=file, text=True)
    try:
        yield Running(process, until(f"{module} listens", lambda: _url(log, process), 30), log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()


def _url(log: Path, process: subprocess.Popen[str]) -> str:
    assert process.poll() is None, log.read_text()
    return next((str(said["url"]) for said in lines(log) if said.get("event") == "listening"), "")


def lines(log: Path) -> Sequence[dict[str, Any]]:
    """What a process has logged so far."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
