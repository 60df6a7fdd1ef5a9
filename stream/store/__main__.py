"""`python -m stream.store COMMAND`: exit 0 when done, 1 when the store did not do it, 2 for wrong settings or arguments."""

from __future__ import annotations

import argparse
import asyncio
import sys

import psycopg

from settings import Paths, SettingsError, Site, load
from stream.logs import set_up
from stream.store.connect import conninfo
from stream.store.errors import StoreError


def main(given: list[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    arguments = _arguments(given)
    try:
        site = load()
        code: int = COMMANDS[arguments.command](site, arguments)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (StoreError, psycopg.Error, OSError) as error:
        print(f"{arguments.command}: {str(error).strip()}", file=sys.stderr)
        return 1
    return code


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stream.store", description="The data store.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database's schema to this version")
    maintain = commands.add_parser("maintain", help="migrate, then look after partitions, statistics and figures until stopped")
    maintain.add_argument("--port", type=int, help="for metrics and health (default: ports.store of site.yaml)")
    return parser.parse_args(given)


def migrate(site: Site, _: argparse.Namespace) -> int:
    """Brings the schema to this version."""
    from stream.store.migrate import migrate as run  # noqa: PLC0415  # Alembic costs memory that only this command should pay
    from stream.store.schema import SCHEMA  # noqa: PLC0415  # beside it

    run(conninfo(site, Paths.from_environment()))
    print(f"the schema is {SCHEMA}")
    return 0


def maintain(site: Site, arguments: argparse.Namespace) -> int:
    """Runs the maintenance until SIGTERM."""
    from stream.store.upkeep.service import serve  # noqa: PLC0415  # the other commands need no web server

    set_up()
    return asyncio.run(serve(site, site.ports.store if arguments.port is None else arguments.port))


COMMANDS = {"migrate": migrate, "maintain": maintain}

if __name__ == "__main__":
    sys.exit(main())
