"""A real Redis on a free port, and stream servers that it joins: in the test's loop, or as processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import redis

from compose.redis_users import BUS_RULES
from metrics import bus
from settings import parse
from settings.paths import BUS_USER, CLONE
from stream.app import Server, Sockets
from stream.bus.bus import build_bus
from stream.messages import MARKET, Update
from tests.stream.core.serving import Serving, becomes
from tests.stream.edge.real import get
from tests.waiting import free_ports, until

PASSWORD = "a-throw-away-word"


class RedisServer:
    """One Redis with a folder of its own; it may be stopped and started again on the same port."""

    def __init__(self, folder: Path, *words: str) -> None:
        (self.port,) = free_ports(1)
        self.folder, self.words = folder, words
        folder.mkdir(exist_ok=True)
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def password(self) -> Path:
        """The file of the password of who is on the bus."""
        return self.folder / "password"

    @property
    def bus(self) -> str:
        """The settings below `stream.bus` by which a stream server joins, as the appliance's own does."""
        return f"url: '{self.url}', username: {BUS_USER}, password_file: {self.password}"

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        words += ["--user", BUS_USER, "on", f">{PASSWORD}", *BUS_RULES.split()]
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD, encoding="ascii")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*words, *self.words], stdout=log)
        until("Redis answers", self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        self.process.wait(10)


@contextmanager
def redis_server(folder: Path, *words: str) -> Iterator[RedisServer]:
    """A Redis that runs, until the block ends."""
    server = RedisServer(folder, *words)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# -- in the test's loop ----------------------------------------------------------------------------------------------
@asynccontextmanager
async def instance(server_of: RedisServer, more: str = "") -> AsyncIterator[Serving]:
    """A server without sources, joined by that Redis; `more`: YAML below `bus:`."""
    site = parse(f"stream: {{bus: {{{server_of.bus}, {more}}}}}", "site.yaml", {})
    server = Server(site, bus=build_bus)
    sockets = Sockets(socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0)))
    port, admin = sockets.public.getsockname()[1], sockets.admin.getsockname()[1]
    await server.start(sockets)
    try:
        async with aiohttp.ClientSession() as http:
            yield Serving(server, port, admin, http)
    finally:
        await server.stop()


def held(server: Serving, lease: str = "market") -> bool:
    """Whether the server holds the lease."""
    assert server.server.bus is not None
    return server.server.bus.leases.held(lease)


def waiting(server: Serving) -> bool:
    """Whether updates of the server wait for the bus."""
    assert server.server.bus is not None
    return any(value != 0 for metric, _, value in server.server.bus.collect() if metric is bus.PENDING)


async def leader(redis_of: RedisServer, *servers: Serving) -> Serving:
    """The one of them that holds the market's lease, once Redis knows one too."""

    def holds(server: Serving) -> bool:
        assert server.server.bus is not None
        return held(server) and redis_of.client.get("bus:lease:market") == server.server.bus.leases.value("market").encode()

    await becomes("one holds the lease", lambda: any(map(holds, servers)))
    return next(filter(holds, servers))


def publish(server: Serving, count: int = 1, **data: Any) -> None:
    """Has the server publish so many updates on the bus."""
    assert server.server.bus is not None
    for number in range(count):
        symbol = f"S{number % 5}"
        found = {"symbol": symbol, "n": number, "time": 1_700_000_000_000, **data}
        assert server.server.bus.publish(Update(MARKET, symbol, found, 1_700_000_000_000, float(number)))


async def reached(seq: int, *servers: Serving) -> None:
    """Waits until the room stands at that number everywhere."""
    await becomes(f"number {seq}", lambda: all(server.server.hub.rooms.all[MARKET].seq == seq for server in servers))


def epochs(*servers: Serving) -> set[str]:
    """The room's numberings as the servers know them."""
    return {server.server.hub.rooms.all[MARKET].epoch for server in servers}


async def joined(*servers: Serving) -> None:
    """Waits until all have one numbering."""
    await becomes("one numbering", lambda: len(epochs(*servers)) == 1)
    await asyncio.sleep(0)


# -- as processes ----------------------------------------------------------------------------------------------------
class Workers:
    """`python -m stream --workers N` with the embedded feed."""

    def __init__(self, home: Path, joins: RedisServer, count: int, more: str = "") -> None:
        port, first = free_ports(2)[0], _run_of_ports(count)
        self.ws, self.admins = f"ws://127.0.0.1:{port}/ws", [f"http://127.0.0.1:{first + index}" for index in range(count)]
        (home / "secrets").mkdir(parents=True, mode=0o700)
        site = f"stream: {{limits: {{connections_per_address: 5000}}, bus: {{{joins.bus}}}, replay: {{rate: 40}}, {more}}}\n"
        (home / "site.yaml").write_text(site, encoding="utf-8")
        variables = os.environ | {"WATCHFLOOR_HOME": str(home), "WATCHFLOOR_SITE": str(home / "site.yaml")}
        self.log = home / "log"
        words = [sys.executable, "-m", "stream", "--port", str(port), "--admin-port", str(first), "--workers", str(count)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, cwd=CLONE, env=variables, stdout=log, stderr=log)

    def leads(self, index: int, lease: str = "market") -> bool:
        """Whether worker `index` runs that source; False where it does not answer."""
        try:
            return f'feed_lease_held{{lease="{lease}"}} 1\n' in get(f"{self.admins[index]}/metrics")
        except OSError:
            return False

    def leader(self) -> int:
        """The worker that runs the market's source, once one does."""
        indexes = range(len(self.admins))
        return until(
            f"one holds the lease: {self.log.read_text(encoding='utf-8')}",
            lambda: next((index + 1 for index in indexes if self.leads(index)), None),
        ) - 1  # fmt: skip

    def pid(self, index: int) -> int:
        """The process of worker `index`."""
        children = psutil.Process(self.process.pid).children()
        return next(child.pid for child in children if self._is(child, index))

    def _is(self, child: psutil.Process, index: int) -> bool:
        return child.cmdline()[-2:] == ["--worker", f"{index}/{len(self.admins)}"]

    def started_again(self, index: int, before: int) -> bool:
        """Whether worker `index` is another process than that one."""
        children = psutil.Process(self.process.pid).children()
        return any(self._is(child, index) and child.pid != before for child in children)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


def _run_of_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    return until("free ports in a row", lambda: _first_free(count))


def _first_free(count: int) -> int | None:
    (first,) = free_ports(1)
    others = [socket.socket() for _ in range(count)]
    try:
        for index, one in enumerate(others):
            one.bind(("127.0.0.1", first + index))
    except OSError:
        return None
    finally:
        for one in others:
            one.close()
    return first


@contextmanager
def workers(home: Path, joins: RedisServer, count: int = 2, more: str = "") -> Iterator[Workers]:
    """Workers that serve, until the block ends."""
    running = Workers(home, joins, count, more)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()
