"""Real Redis servers on free ports, and our exporter of them as a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import redis
import yaml

from compose.redis_users import EXPORTER_RULES
from tests.exporters.servers import Series, Server, ours
from tests.waiting import free_ports, until

COMMAND = [sys.executable, "-m", "exporters", "redis"]
USER, PASSWORD = "watcher", "a word for tests"
SENTINEL_RULES = "resetchannels -@all +info +client|setname +sentinel"


class Redis:
    """A server with a user of least privilege; a context manager. `words`: more of its command line; `lines`: of its settings."""

    def __init__(
        self, *words: str, program: Sequence[str] = ("redis-server",), rules: str = EXPORTER_RULES, lines: str = ""
    ) -> None:
        self.port = free_ports(1)[0]
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._command = [*program, str(self.folder / "redis.conf"), *words]
        self._rules, self._lines = rules, lines
        self.client = redis.Redis(port=self.port, socket_timeout=10)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.folder / "redis.conf").write_text(
            f'bind 127.0.0.1\nport {self.port}\nsave ""\ndir {self.folder}\nenable-debug-command local\n'
            f'user {USER} on ">{PASSWORD}" {self._rules}\n{self._lines}\n'
        )
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def move(self, port: int) -> None:
        """Takes another port, before it starts."""
        self.port = port
        self.client = redis.Redis(port=port, socket_timeout=10)

    def start(self, *, loads: bool = False) -> None:
        """Starts it; it answers, or `loads` its data."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until("Redis answers", lambda: self._answers(loads=loads))

    def _answers(self, *, loads: bool) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(self.client.ping())
        except redis.BusyLoadingError:
            return loads
        except redis.RedisError:
            return False

    def ask(self, *words: Any) -> Any:
        """The answer to any command."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # as redis-py has it

    def kill(self) -> None:
        """Ends it at once."""
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        assert self.process
        self.process.send_signal(number)


def secret(folder: Path, text: str = PASSWORD) -> Path:
    """A password's file."""
    path = folder / "password"
    path.write_text(text)
    path.chmod(0o600)
    return path


def target(port: int, folder: Path, name: str = "main", **more: Any) -> dict[str, Any]:
    """The server as site.yaml names it, asked by the user of least privilege."""
    found = {"name": name, "url": f"redis://127.0.0.1:{port}", "user": USER, "password_file": str(secret(folder))}
    return found | more


def exporter(folder: Path, targets: list[dict[str, Any]], **options: Any) -> Server:
    """The exporter of these targets; a context manager."""
    site = folder / "site.yaml"
    site.write_text(yaml.safe_dump({"exporters": {"redis": {"targets": targets, **options}}}))
    return ours(command=COMMAND, environment={**os.environ, "WATCHFLOOR_SITE": str(site)})


def failed(found: Series) -> set[str]:
    """The collectors that failed."""
    return {dict(labels)["collector"] for labels, value in found["watchfloor_collector_success"].items() if value != 1}


def cause(found: Series) -> str:
    """Why the server could not be asked; empty when it could."""
    (*causes,) = (dict(labels)["cause"] for labels, value in found["watchfloor_target_failure"].items() if value == 1)
    assert len(causes) <= 1
    return causes[0] if causes else ""
