"""`python -m stream` itself, as a process on free ports, with a home and a site of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import yaml

from settings.paths import CLONE
from tests.waiting import free_ports, until


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # a server of ours
        return str(answer.read().decode())


class Real:
    """One server, on its own unless `site` says otherwise; it may be killed and started again on the same port."""

    def __init__(self, home: Path, site: str) -> None:
        self.port, self.admin = free_ports(2)
        self.home = home
        self.book = home / "secrets" / "stream_tokens.json"
        (home / "secrets").mkdir(parents=True, mode=0o700)
        settings = yaml.safe_load(site)
        settings.setdefault("stream", {}).setdefault("bus", {"enabled": False})
        (home / "site.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.environment = os.environ | {"WATCHFLOOR_HOME": str(home), "WATCHFLOOR_SITE": str(home / "site.yaml")}
        self.log = home / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def start(self) -> None:
        words = [sys.executable, "-m", "stream", "--port", str(self.port), "--admin-port", str(self.admin)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(words, cwd=CLONE, env=self.environment, stdout=log, stderr=log)
        until(f"the server answers: {self.log.read_text(encoding='utf-8')}", self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return "BTC" in get(f"{self.http}/api/rooms")  # the feed has begun
        except (URLError, OSError):
            return False

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it by a signal; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(15)

    def run(self, module: str, *words: str, timeout: float = 30, **environment: str) -> subprocess.CompletedProcess[str]:
        """One of the stream's commands, to its end."""
        return subprocess.run(
            [sys.executable, "-m", module, *words], cwd=CLONE, env=self.environment | environment, capture_output=True,
            text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def metrics(self) -> str:
        return get(f"http://127.0.0.1:{self.admin}/metrics")


@contextmanager
def real(home: Path, site: str = "{}\n") -> Iterator[Real]:
    """A server that runs, until the block ends."""
    server = Real(home, site)
    server.start()
    try:
        yield server
    finally:
        if server._process is not None and server._process.poll() is None:
            server.stop(signal.SIGKILL)
