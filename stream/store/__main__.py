"""`python -m stream.store COMMAND`: exit 0 when done, 1 when the store did not do it, 2 for wrong settings or arguments."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from metrics.process import version
from settings import Paths, SettingsError, Site, load
from stream.logs import set_up
from stream.store.connect import conninfo
from stream.store.errors import StoreError, UnavailableError


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
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database's schema to this version")
    maintain = commands.add_parser("maintain", help="migrate, then look after partitions, statistics and figures until stopped")
    maintain.add_argument("--port", type=int, help="for metrics and health (default: ports.store of site.yaml)")
    commands.add_parser("partitions", help="make partitions, and drop those past their time if that is set, once")
    better = commands.add_parser("optimize", help="look for slow queries, indexes and tables that need work")
    better.add_argument("--apply", action="store_true", help="run what is safe")
    better.add_argument("--json", action="store_true", help="the report as JSON")
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


def partitions(site: Site, _: argparse.Namespace) -> int:
    """Looks after the partitions once."""
    from stream.store.database import Database  # noqa: PLC0415  # as above
    from stream.store.upkeep.partitions import Partitions, rules_of  # noqa: PLC0415  # as above

    async def once() -> int:
        database = await Database.open(site, "store")
        try:
            done = await Partitions(database, rules_of(site)).run()
        finally:
            await database.close()
        for table, plan in done.items():
            for create in plan.create:
                print(f"{table}: made {create.name}")
            for gone in (*plan.drop, *plan.expired):
                print(f"{table}: {gone.name} has had its time: {'dropped' if gone in plan.drop else 'it stays'}")
        return 0

    return asyncio.run(once())


def optimize(site: Site, arguments: argparse.Namespace) -> int:
    """Reports, and runs what is safe when asked. It connects by itself: a person's command is none of the pools' business."""
    from stream.store.upkeep import optimize as service  # noqa: PLC0415  # as above

    async def once() -> int:
        url = conninfo(site, Paths.from_environment())
        name = "watchfloor-optimize"
        try:
            connection = await psycopg.AsyncConnection[Any].connect(
                url, autocommit=True, row_factory=dict_row, connect_timeout=5, application_name=name
            )
        except psycopg.OperationalError as error:
            raise UnavailableError(f"no database answers: {str(error).strip().splitlines()[-1]}") from error
        async with connection:
            report = await service.optimize(connection, apply=arguments.apply)
        print(msgspec.json.format(msgspec.json.encode(report)).decode() if arguments.json else service.text(report))
        return 1 if any(one.error for one in report.applied) else 0

    return asyncio.run(once())


COMMANDS = {"migrate": migrate, "maintain": maintain, "partitions": partitions, "optimize": optimize}

if __name__ == "__main__":
    sys.exit(main())
