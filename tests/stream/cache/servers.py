"""Real Redis (and Varnish) servers on free ports, for tests and measurements."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from stream.cache.shared import RedisAddress
from tests.waiting import free_ports, until

PASSWORD = "a throw-away word"


class RedisServer:
    """A Redis with the appliance's own settings on a free port; a context manager. It can be killed, frozen, restarted."""

    def __init__(self, maxmemory: str = "64mb") -> None:
        self.port = free_ports(1)[0]
        self.address = RedisAddress("127.0.0.1", self.port, PASSWORD)
        self._maxmemory = maxmemory
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        command = [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--requirepass", PASSWORD, "--maxmemory", self._maxmemory, "--maxmemory-policy", "allkeys-lru",
            "--dir", str(self._folder),
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until("Redis answers", lambda: self.ask("PING") == "+PONG")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """From now on it accepts and says nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)

    def ask(self, *words: str) -> str:
        """The first line of the answer to one command, by a connection of its own; empty while it does not answer."""
        text = b"".join(_command("AUTH", PASSWORD)) + b"".join(_command(*words))
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(text)
                reader = connection.makefile("rb")
                reader.readline()
                line = reader.readline().decode().rstrip()
                return reader.readline().decode().rstrip() if line.startswith("$") and line != "$-1" else line
        except OSError:
            return ""


async def eventually(what: str, condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Returns when the condition holds (it may be a coroutine); after `seconds` AssertionError says what never came."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if await found if inspect.isawaitable(found) else found:
            return
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.005)


def _command(*words: str) -> list[bytes]:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode("latin-1")
        parts.append(f"${len(data)}\r\n".encode() + data + b"\r\n")
    return parts
