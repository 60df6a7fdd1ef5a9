"""`python -m stream`: exit 0 after SIGTERM or SIGINT, 1 when it cannot listen, 2 for wrong settings or arguments.

`--workers N` runs N processes that share the port (stream/workers.py); `--worker I/N` is one of N that others start.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial

from metrics.process import version
from settings import Paths, SettingsError, Site, load
from settings.ports import holder
from settings.secrets import bus_password
from stream import workers
from stream.app import Server, Sockets
from stream.auth import Authenticator
from stream.bus.bus import build_bus
from stream.cache.service import CacheService
from stream.descriptors import enough
from stream.keybook import book_path
from stream.listening import WAITING
from stream.logs import set_up
from stream.loop import choose, run
from stream.manager import Publish, StreamManager, Turns, build_manager
from stream.session import Checker
from stream.sink import Sink
from stream.store.connect import conninfo, role_of
from stream.store.database import Database
from stream.store.sink import StoreSink
from stream.warmed import sources
from stream.workers import MOST

_LOG = logging.getLogger("watchfloor.stream")


def main(given: list[str] | None = None) -> int:
    """Runs the server; returns the exit code."""
    arguments = _arguments(given)
    set_up()
    try:
        site = load()
        paths = Paths.from_environment()
        checker = Authenticator(book_path(site, paths))
        conninfo(site, paths, role_of("stream"))  # refused before anything starts
        bus_password(site, paths)  # the same
        cache = CacheService.build(site, paths)
    except SettingsError as error:
        return _failed(str(error), 2)
    if arguments.workers is not None:
        if wrong := _unfit(arguments, site):
            return _failed(wrong, 2)
        return workers.run(arguments.workers, sys.argv[1:] if given is None else given)
    bind = arguments.bind or site.bind
    admin = site.ports.stream_admin if arguments.admin_port is None else arguments.admin_port
    worker, count = arguments.worker or (0, 1)
    wanted = (
        ("stream", site.ports.stream if arguments.port is None else arguments.port, count > 1),
        ("stream_admin", admin + worker if admin else 0, False),
    )
    sockets = []
    for name, port, together in wanted:
        try:
            sockets.append(_listen(bind, port, shared=together))
        except OSError as error:
            return _failed(_refused(bind, port, name, error), 1)
    if lacking := enough():
        _LOG.warning(lacking, extra={"event": "descriptors"})
    make, loop = choose()
    try:
        run(_serve(site, checker, cache, Sockets(*sockets), loop=loop, place=(worker, count)), make)
    except SettingsError as error:  # a certificate that cannot be used
        return _failed(str(error), 2)
    return 0


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stream", description="The stream server.")
    parser.add_argument("--bind", help="the address to listen on (default: bind of site.yaml)")
    parser.add_argument("--port", type=_port, help="for clients (default: ports.stream of site.yaml; 0: any free one)")
    parser.add_argument("--admin-port", type=_port, help="for metrics and health (default: ports.stream_admin; 0: any free one)")
    several = parser.add_mutually_exclusive_group()
    several.add_argument("--workers", type=_count, help="run so many processes that share the port (needs the bus, a fixed port)")
    several.add_argument(
        "--worker", type=_worker, metavar="I/N", help="be one of N workers that share the port, the first is 0/N"
    )
    parser.add_argument("--version", action="version", version=f"watchfloor stream {version()}")
    return parser.parse_args(given)


def _port(text: str) -> int:
    """A port, or 0. Raises ValueError, as argparse wants it."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _count(text: str) -> int:
    """How many workers. Raises ValueError, as argparse wants it."""
    count = int(text)
    if not 1 <= count <= MOST:
        raise ValueError(text)
    return count


def _worker(text: str) -> tuple[int, int]:
    """Which worker of how many. Raises ValueError, as argparse wants it."""
    index, count = (int(word) for word in text.split("/"))
    if not 0 <= index < count <= MOST:
        raise ValueError(text)
    return index, count


def _unfit(arguments: argparse.Namespace, site: Site) -> str:
    """Why these workers cannot be; an empty text when they can."""
    if arguments.workers > 1 and not site.stream.bus.enabled:
        return "--workers: nothing joins them: set stream.bus.enabled to true in site.yaml"
    if arguments.workers > 1 and 0 in (arguments.port, arguments.admin_port):
        return "--workers: with port 0 each would listen on another one: give --port and --admin-port"
    return ""


def _listen(bind: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; `shared` with the other workers, among which the kernel divides the connections."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((bind.strip("[]"), port))
        sock.listen(WAITING)
    except OSError:
        sock.close()
        raise
    return sock


def _url(sock: socket.socket, scheme: str = "http") -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _feed(site: Site, publish: Publish, turns: Turns | None, sinks: Sequence[Sink]) -> StreamManager:
    return build_manager(site, publish, turns=turns, sinks=sinks)


async def _serve(
    site: Site, checker: Checker | None, cache: CacheService, sockets: Sockets, *, loop: str, place: tuple[int, int]
) -> None:
    """Serves as that worker of so many."""
    worker, workers_in_all = place
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = await Database.open(site, worker=worker, workers=workers_in_all)
    sink = StoreSink.of(site, database, Paths.from_environment(), worker=worker, workers=workers_in_all)
    sink.start()
    cache.warm_from(sources(database))
    bus = build_bus if site.stream.bus.enabled else None
    feed = partial(_feed, sinks=[sink, cache.sink])
    server = Server(site, checker, feed=feed, database=database, store=sink, bus=bus, cache=cache)
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
