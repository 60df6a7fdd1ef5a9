"""`python -m dashboards.preview [--bind --port --version]` serves; `… snapshot --dashboard UID --out FILE` writes one file.

Exit codes: 0 ended as asked, 1 the port is in use or a snapshot could not be made, 2 wrong arguments or settings.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from dashboards.preview.library import Library
from dashboards.preview.service import Preview
from metrics.process import version
from settings import Paths, SettingsError, Site, load
from settings.ports import holder

_SHUTDOWN = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.port is not None and not 0 <= chosen.port < 65_536:
        parser.error(f"--port {chosen.port}: give a port from 0 to 65535")
    try:
        site = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    library = Library(Paths.from_environment().rendered / "dashboards")
    bind = chosen.bind or site.bind
    port = site.ports.grafana if chosen.port is None else chosen.port
    try:
        if chosen.command == "snapshot":
            from dashboards.preview import snapshot  # noqa: PLC0415  # the service's memory counts; it never makes one

            return snapshot.run(site, library, chosen)
        return asyncio.run(_serve(site, library, bind, port))
    except SettingsError as error:  # a password's file
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130 if chosen.command == "snapshot" else 0  # nothing was written


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards.preview", description="The dashboards without Grafana.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--bind", help="address to listen on (default: site.yaml's)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: ports.grafana)")
    commands = parser.add_subparsers(dest="command", metavar="[snapshot]")
    snapshot = commands.add_parser("snapshot", help="write one self-contained HTML file of a dashboard")
    snapshot.add_argument("--dashboard", required=True, help="the dashboard's uid")
    snapshot.add_argument("--from", dest="start", default="", help="now-6h, epoch milliseconds or an ISO time")
    snapshot.add_argument("--to", dest="end", default="", help="as --from")
    snapshot.add_argument("--out", type=Path, required=True, help="the file to write")
    snapshot.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable's value; may be repeated")
    return parser


async def _serve(site: Site, library: Library, bind: str, port: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(Preview(site, library).app(), access_log=None, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        await web.TCPSite(runner, bind, port).start()
        print(f"dashboards on http://{bind}:{runner.addresses[0][1]}/ from {library.folder}", flush=True)
        gc.collect()
        gc.freeze()
        await stop.wait()
    except OSError as error:
        print(_refused(bind, port, error), file=sys.stderr)
        return 1
    finally:
        await runner.cleanup()
    return 0


def _refused(bind: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port}: in use by {holder(port)}: stop it, or set ports.grafana in site.yaml"
    return f"{bind}:{port}: cannot be listened on ({error.strerror}): set bind and ports.grafana in site.yaml"


if __name__ == "__main__":
    sys.exit(main())
