"""`python -m stream.analysis`: the models' process, and what is done to their versions by hand.

    python -m stream.analysis                            runs until SIGTERM
    python -m stream.analysis versions [MODEL]           what is kept, and which one answers
    python -m stream.analysis rollback MODEL VERSION     lets an earlier version answer, until `release`
    python -m stream.analysis release MODEL              lets the newest one answer again

Exit codes: 0 ended in order, 1 cannot listen or no such version, 2 wrong settings or arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import socket
import sys
from datetime import UTC, datetime

from metrics.process import version
from settings import Paths, SettingsError, Site, load
from stream.analysis.app import AnalysisServer
from stream.analysis.listening import listen, port, refused, url
from stream.analysis.messages import TYPES
from stream.analysis.versions import Shelf, VersionError
from stream.logs import set_up
from stream.loop import run
from stream.store.database import Database

_LOG = logging.getLogger("watchfloor.analysis")


def main(given: list[str] | None = None) -> int:
    """Runs what was asked for; the exit code."""
    arguments = _arguments(given)
    try:
        site, paths = load(), Paths.from_environment()
    except SettingsError as error:
        return _failed(str(error), 2)
    if arguments.what == "run":
        return _run(arguments, site, paths)
    shelf = Shelf(paths.data / "analysis", site.analysis.versions)
    try:
        return _by_hand(arguments, shelf)
    except (VersionError, OSError) as error:
        return _failed(str(error), 1)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stream.analysis", description="The models behind the stream.")
    parser.add_argument("--version", action="version", version=f"watchfloor analysis {version()}")
    parser.add_argument("--bind", help="the address to listen on (default: bind of site.yaml)")
    parser.add_argument("--port", type=port, help="the port (default: ports.analysis of site.yaml; 0: any free one)")
    parser.set_defaults(what="run")
    what = parser.add_subparsers(metavar="COMMAND")
    listed = what.add_parser("versions", help="what is kept, and which one answers")
    listed.add_argument("model", nargs="?", choices=TYPES)
    listed.set_defaults(what="versions")
    back = what.add_parser("rollback", help="lets an earlier version answer, until `release`")
    back.add_argument("model", choices=TYPES)
    back.add_argument("number", type=int, metavar="VERSION")
    back.set_defaults(what="rollback")
    released = what.add_parser("release", help="lets the newest version answer again")
    released.add_argument("model", choices=TYPES)
    released.set_defaults(what="release")
    return parser.parse_args(given)


# -- by hand ---------------------------------------------------------------------------------------------------------
def _by_hand(arguments: argparse.Namespace, shelf: Shelf) -> int:
    if arguments.what == "rollback":
        found = shelf.pin(arguments.model, arguments.number)
        print(f"{found.model}: version {found.version} of {_when(found.made_at)} answers within a second, until `release`")
    elif arguments.what == "release":
        shelf.release(arguments.model)
        print(f"{arguments.model}: the newest version answers within a second")
    else:
        for model in [arguments.model] if arguments.model else TYPES:
            _print(shelf, model)
    return 0


def _print(shelf: Shelf, model: str) -> None:
    pinned, numbers = shelf.pinned(model), shelf.numbers(model)
    chosen = f"version {pinned} was chosen by hand" if pinned is not None else "the newest answers"
    print(f"{model}: {chosen if numbers else 'no version yet'}")
    for number in numbers:
        try:
            found = shelf.load(model, number)
        except VersionError as error:
            print(f"  {number:>5}  {error}")
            continue
        told = " ".join(f"{name} {value:.4g}" for name, value in found.scores.items()) or "not scored yet"
        print(f"  {number:>5}  {_when(found.made_at)}  learned {found.learned} outcomes  {found.library}  {told}")


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# -- the process -----------------------------------------------------------------------------------------------------
def _run(arguments: argparse.Namespace, site: Site, paths: Paths) -> int:
    set_up()
    bind = arguments.bind or site.bind
    number = site.ports.analysis if arguments.port is None else arguments.port
    try:
        sock = listen(bind, number)
    except OSError as error:
        return _failed(refused(bind, number, "analysis", error), 1)
    try:
        run(_serve(site, paths, sock), asyncio.new_event_loop)
    except SettingsError as error:
        return _failed(str(error), 2)
    return 0


async def _serve(site: Site, paths: Paths, sock: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = AnalysisServer(site, paths, await Database.open(site, "analysis", paths=paths))
    try:
        await server.start(sock)
        about = {"event": "listening", "url": url(sock)}
        _LOG.info("listening on %s", about["url"], extra=about)
        gc.collect()
        gc.freeze()  # what is alive now stays: later collections need not look at it
        await stop.wait()
    finally:
        await server.stop()


def _failed(what: str, code: int) -> int:
    print(what, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
