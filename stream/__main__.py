"""`python -m stream`: exit 0 after SIGTERM or SIGINT, 1 when it cannot listen, 2 for wrong settings or arguments."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from functools import partial

from metrics.process import version
from settings import Paths, SettingsError, Site, load
from settings.ports import holder
from stream.app import Server, Sockets
from stream.auth import Authenticator
from stream.descriptors import enough
from stream.keybook import book_path
from stream.listening import WAITING
from stream.logs import set_up
from stream.loop import choose, run
from stream.manager import build_manager
from stream.session import Checker
from stream.store.connect import conninfo
from stream.store.database import Database
from stream.store.sink import StoreSink

_LOG = logging.getLogger("watchfloor.stream")


def main(given: list[str] | None = None) -> int:
    """Runs the server; returns the exit code."""
    arguments = _arguments(given)
    set_up()
    try:
        site = load()
        checker = Authenticator(book_path(site, Paths.from_environment()))
        conninfo(site, Paths.from_environment())  # refused before anything starts
    except SettingsError as error:
        return _failed(str(error), 2)
    bind = arguments.bind or site.bind
    ports = (
        site.ports.stream if arguments.port is None else arguments.port,
        site.ports.stream_admin if arguments.admin_port is None else arguments.admin_port,
    )
    sockets = []
    for port, name in zip(ports, ("stream", "stream_admin"), strict=True):
        try:
            sockets.append(_listen(bind, port))
        except OSError as error:
            return _failed(_refused(bind, port, name, error), 1)
    if lacking := enough():
        _LOG.warning(lacking, extra={"event": "descriptors"})
    make, loop = choose()
    try:
        run(_serve(site, checker, Sockets(*sockets), loop), make)
    except SettingsError as error:  # a certificate that cannot be used
        return _failed(str(error), 2)
    return 0


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stream", description="The stream server.")
    parser.add_argument("--bind", help="the address to listen on (default: bind of site.yaml)")
    parser.add_argument("--port", type=_port, help="for clients (default: ports.stream of site.yaml; 0: any free one)")
    parser.add_argument("--admin-port", type=_port, help="for metrics and health (default: ports.stream_admin; 0: any free one)")
    parser.add_argument("--version", action="version", version=f"watchfloor stream {version()}")
    return parser.parse_args(given)


def _port(text: str) -> int:
    """A port, or 0. Raises ValueError, as argparse wants it."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((bind.strip("[]"), port))
        sock.listen(WAITING)
    except OSError:
        sock.close()
        raise
    return sock


def _url(sock: socket.socket, scheme: str = "http") -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def _serve(site: Site, checker: Checker | None, sockets: Sockets, loop: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = await Database.open(site)
    sink = StoreSink.of(site, database, Paths.from_environment())
    sink.start()
    server = Server(site, checker, feed=partial(build_manager, sinks=[sink]), database=database, store=sink)
    try:
        await server.start(sockets)
        about = {
            "event": "listening",
            "url": _url(sockets.public, "https" if site.stream.tls.certificate else "http"),
            "admin": _url(sockets.admin),
            "loop": loop,
        }
        _LOG.info("listening on %s, admin on %s, loop %s", about["url"], about["admin"], loop, extra=about)
        gc.collect()
        gc.freeze()  # what is alive now stays: later collections need not look at it
        await stop.wait()
    finally:
        await server.stop()


def _refused(bind: str, port: int, name: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{bind}:{port}: in use by {holder(port)}: stop it, or set ports.{name} in site.yaml"
    return f"{bind}:{port}: cannot listen ({error.strerror or error}): set bind and ports.{name} in site.yaml"


def _failed(what: str, code: int) -> int:
    print(what, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
