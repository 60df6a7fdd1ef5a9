"""`python -m alerts.inbox`: exit 0 after SIGTERM or SIGINT, 1 when it cannot listen or keep data, 2 for wrong settings."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import signal
import sqlite3
import sys

from aiohttp import web

from alerts.inbox.desk import Desk
from alerts.inbox.schema import WrongSchemaError
from alerts.inbox.service import application
from metrics.process import version
from settings import Paths, SettingsError, Site, load
from settings.ports import holder
from settings.secrets import read_secret

_DATABASE = "inbox.db"


def _port(text: str) -> int:
    """A port, or 0. Raises ValueError, as argparse wants it."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m alerts.inbox", description="The on-call inbox.")
    parser.add_argument("--bind", help="the address to listen on (default: bind of site.yaml)")
    parser.add_argument("--port", type=_port, help="the port (default: ports.inbox of site.yaml; 0: any free one)")
    parser.add_argument("--version", action="version", version=f"watchfloor inbox {version()}")
    return parser.parse_args(given)


async def _serve(site: Site, paths: Paths, bearer: str, desk: Desk, address: tuple[str, int]) -> None:
    """Answers until a signal comes. Raises OSError when it cannot listen."""
    runner = web.AppRunner(application(site, paths, bearer, desk), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, *address, reuse_address=True).start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        host, chosen = runner.addresses[0][:2]
        print(f"listening on http://{f'[{host}]' if ':' in host else host}:{chosen}", file=sys.stderr, flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def _failed(what: str, code: int) -> int:
    print(what, file=sys.stderr)
    return code


def main(given: list[str] | None = None) -> int:
    """Runs the inbox; returns the exit code."""
    arguments = _arguments(given)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    paths = Paths.from_environment()
    try:
        site = load()
        bearer = read_secret(paths.inbox_token, "inbox token").strip()
    except SettingsError as error:
        return _failed(str(error), 2)
    bind = arguments.bind or site.bind
    port = site.ports.inbox if arguments.port is None else arguments.port
    file = paths.data / "inbox" / _DATABASE
    try:
        desk = Desk(file)
    except (sqlite3.Error, OSError, WrongSchemaError) as error:
        return _failed(f"{file}: the inbox cannot keep notifications: {error}", 1)
    try:
        asyncio.run(_serve(site, paths, bearer, desk, (bind, port)))
    except SettingsError as error:
        return _failed(str(error), 2)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _failed(f"{bind}:{port}: in use by {holder(port)}: stop it, or set ports.inbox in site.yaml", 1)
        return _failed(f"{bind}:{port}: cannot listen: {error.strerror or error}", 1)
    finally:
        desk.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
