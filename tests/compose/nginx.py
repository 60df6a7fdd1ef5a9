"""A real nginx by the rendered configuration, before one server that tells what reached it."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from compose import entrance
from compose.host import Host
from compose.secrets import make_secrets
from compose.service import Context
from settings import Paths, Site, parse
from settings.containers import CONTAINERS, RUNTIME_VARIABLE
from tests.waiting import free_ports, until

BEHIND = ("grafana", "prometheus", "alertmanager", "inbox", "stream")


@dataclass
class Seen:
    """What one of the servers behind the entrance got."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Front:
    """A running entrance; `seen` grows with each request that it lets through."""

    site: Site
    paths: Paths
    seen: list[Seen] = field(default_factory=list)

    def raw(self) -> ssl.SSLSocket:
        """A connection that trusts the appliance's own authority and nobody else."""
        trusted = ssl.create_default_context(cafile=str(self.paths.authority))
        plain = socket.create_connection(("127.0.0.1", self.site.ports.entrance), timeout=20)
        return trusted.wrap_socket(plain, server_hostname="localhost")

    def say(self, text: bytes) -> bytes:
        """All that comes back until the connection is closed, or nothing comes for a while."""
        with self.raw() as connection:
            connection.sendall(text)
            connection.settimeout(2)
            said = b""
            try:
                while more := connection.recv(65536):
                    said += more
            except TimeoutError:
                pass
            return said


@contextmanager
def front(folder: Path, text: str = "", *, contained: bool = False) -> Iterator[Front]:
    """The entrance of a site, until the block ends; with the configuration of containers, whose names are this machine here."""
    *numbers, inner = free_ports(7)
    ports = dict(zip((*BEHIND, "entrance"), numbers, strict=True))
    runtime = {RUNTIME_VARIABLE: CONTAINERS if contained else ""}
    site = parse(
        f"{{ports: {msgspec.json.encode(ports).decode()}, entrance: {{enabled: true}} {text}}}",
        environment={**os.environ, **runtime},
    )
    host, paths = Host(folder, None, copied=False), Paths(folder)
    (paths.data / "entrance").mkdir(parents=True)
    paths.rendered.mkdir()
    make_secrets(paths, host)
    entrance.prepare(site, paths, host)
    written = entrance.configuration(site, paths)
    for name, port in ports.items() if contained else ():
        named = site.local_url(port).removeprefix("http://")
        assert name == "entrance" or f'"{named}"' in written
        written = written.replace(f'"{named}"', f'"127.0.0.1:{port}"')
    written = written.replace(f"127.0.0.1:{entrance.INNER}", f"127.0.0.1:{inner}")
    (paths.rendered / entrance.FILE).write_text(written, encoding="utf-8")
    found = Front(site, paths)
    with _servers(found), (folder / "nginx.log").open("wb") as log:
        command = entrance.command(Context(site, paths, Path("python")))
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until("nginx listens", lambda: listens(site.ports.entrance), 10)
                yield found
            finally:
                process.terminate()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def _servers(found: Front) -> Iterator[None]:
    """One server a port of those behind the entrance, in a thread of their own."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        runners = [web.AppRunner(_application(name, found), shutdown_timeout=0.2) for name in BEHIND]
        for name, runner in zip(BEHIND, runners, strict=True):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", getattr(found.site.ports, name)).start()
        ready.set()
        await stop.wait()
        for runner in runners:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def _application(name: str, found: Front) -> web.Application:
    async def tell(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        found.seen.append(Seen(name, request.method, request.raw_path, dict(request.headers), body))
        if name == "stream" and request.path == "/api/rooms" and "bad" in request.headers.get("Authorization", ""):
            return web.Response(status=401)
        answer: dict[str, Any] = {"service": name, "path": request.raw_path}
        return web.json_response(answer)

    app = web.Application(client_max_size=10 << 20)
    app.router.add_route("*", "/{any:.*}", tell)
    return app
