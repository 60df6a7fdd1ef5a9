"""Real Redis (and Varnish) servers on free ports, for tests and measurements."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import inspect
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Self

import psutil

from compose import edge
from compose.redis_users import cache_rules
from settings import Paths, parse
from settings.paths import CACHE_USER
from stream.cache.shared import RedisAddress
from tests.waiting import free_ports, until

PASSWORD = "a throw-away word"
_USER = (CACHE_USER, "on", f"#{hashlib.sha256(PASSWORD.encode()).hexdigest()}", *cache_rules("crypto:").split())
SECRET = "another-throw-away-word"


class Process:
    """A server on a free port; a context manager. It can be killed, frozen, thawed and started again."""

    name = ""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        log = self.folder / "log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(self.command(), stdout=file, stderr=file)
        process = self._process
        until(f"{self.name} answers", lambda: process.poll() is not None or self.answers())
        assert process.poll() is None, log.read_text()

    def kill(self) -> None:
        if self._process:
            family = self._family()
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):  # a child that went with its parent
                    one.kill()  # the parent first: it would start a killed child again
            self._process.wait()
            psutil.wait_procs(family, timeout=10)
            self._process = None

    def freeze(self) -> None:
        """From now on it accepts and says nothing: all of its threads have stopped when this returns."""
        for one in self._family():
            one.send_signal(signal.SIGSTOP)
        until(f"{self.name} stands still", lambda: all(map(_stopped, self._family())))

    def thaw(self) -> None:
        for one in self._family():
            one.send_signal(signal.SIGCONT)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """What was started."""
        assert self._process
        return self._process

    def _family(self) -> list[psutil.Process]:
        assert self._process
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]


def _stopped(process: psutil.Process) -> bool:
    """Whether every thread has stopped: the signal reaches them one by one."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return all(")" in (text := (each / "stat").read_text()) and text.rpartition(")")[2].split()[0] == "T" for each in threads)


class RedisServer(Process):
    """A Redis with the appliance's own settings."""

    name = "redis"

    def __init__(self, maxmemory: str = "64mb") -> None:
        super().__init__()
        self.address = RedisAddress("127.0.0.1", self.port, PASSWORD, user=CACHE_USER)
        self._maxmemory = maxmemory

    def command(self) -> list[str]:
        return [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--requirepass", PASSWORD, "--user", *_USER, "--maxmemory", self._maxmemory, "--maxmemory-policy", "allkeys-lru",
            "--dir", str(self.folder),
        ]  # fmt: skip

    def answers(self) -> bool:
        return self.ask("PING") == "+PONG"

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

    def info(self, field: str) -> str:
        """One field of INFO."""
        text = b"".join(_command("AUTH", PASSWORD)) + b"".join(_command("INFO"))
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(text)
            for line in connection.makefile("r", newline="\r\n"):
                if line.startswith(field + ":"):
                    return line.split(":", 1)[1].strip()
        raise KeyError(field)


class VarnishServer(Process):
    """A Varnish with the appliance's own configuration, in front of port `api`."""

    name = "varnish"

    def __init__(self, api: int, ttl: str = "3600s") -> None:
        super().__init__()
        site = parse(f"ports: {{stream: {api}, edge: {self.port}}}\ncache: {{edge: {{ttl: {ttl}, size: 16MB}}}}")
        self.url = site.local_url(self.port)
        paths = Paths(self.folder)
        for folder in (paths.secrets, paths.rendered, paths.data):
            folder.mkdir()
        paths.edge_secret.write_text(SECRET)
        (paths.rendered / edge.FILE).write_text(edge.vcl(site, SECRET))
        self._words = edge.command(site, paths, "varnishd", f"127.0.0.1:{self.port}")

    def command(self) -> list[str]:
        return list(self._words)

    def answers(self) -> bool:
        return self.ask(edge.HEALTH)[0] == HTTPStatus.OK

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (in lower case) and body; status 0 while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        except OSError:
            return 0, {}, b""
        finally:
            connection.close()


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
