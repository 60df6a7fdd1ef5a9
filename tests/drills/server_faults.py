"""Faults of PostgreSQL as a server: started anew, asked for what it cannot keep in memory, changed by its operators."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.appliance import Appliance
from tests.drills.archive_faults import restart
from tests.drills.database_faults import superuser
from tests.drills.faults import Fault
from tests.drills.fleet import OLD, SHOP, STANDBY, database
from tests.drills.postgres_faults import table
from tests.waiting import until

_TRANSACTIONS = 1_400_000_000
_OF_A_SEGMENT, _SEGMENT = 1 << 20, 1 << 18  # transactions whose ends one file tells, and its bytes
_SCANNED = 40_000  # rows of the table that is read from disk again and again, two of them a page


@contextlib.contextmanager
def repeated(work: Callable[[], object], pause: float) -> Iterator[None]:
    """Does it again and again, until the block ends."""
    stop = threading.Event()

    def go() -> None:
        while not stop.wait(pause):
            with contextlib.suppress(psycopg.Error):  # a refusal is an answer
                work()

    worker = threading.Thread(target=go, daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def restart_server() -> Fault:
    """Somebody starts PostgreSQL anew."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        restart(appliance)
        yield

    return fault


def roll_back(per_second: float) -> Fault:
    """A program that adds what is there already: `per_second` of its transactions fail."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        made: tuple[LiteralString, ...] = ("CREATE TABLE drill (id int PRIMARY KEY)", "INSERT INTO drill VALUES (1)")
        with table(appliance, "drill", *made), superuser(appliance) as connection:
            again: LiteralString = "INSERT INTO drill VALUES (1)"  # into a table: only such a session tells its figures by itself
            with repeated(lambda: connection.execute(again), 1 / per_second):
                yield

    return fault


def scan() -> Fault:
    """Reports in a database of their own read a table from end to end, again and again, past what the server keeps in memory."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with superuser(appliance) as admin:
            admin.execute("DROP DATABASE IF EXISTS drill")
            admin.execute("CREATE DATABASE drill")
            try:
                with superuser(appliance, database="drill") as connection:
                    connection.execute("CREATE TABLE drill_scan (filler text)")
                    connection.execute("ALTER TABLE drill_scan ALTER filler SET STORAGE PLAIN")
                    connection.execute("INSERT INTO drill_scan SELECT repeat('x', 4000) FROM generate_series(1, %s)", (_SCANNED,))
                    connection.execute("SET max_parallel_workers_per_gather = 0")
                    with repeated(lambda: connection.execute("SELECT count(*) FROM drill_scan"), 0.5):
                        yield
            finally:
                admin.execute("DROP DATABASE drill WITH (FORCE)")

    return fault


def ask_for_checkpoints() -> Fault:
    """A program that asks for a checkpoint after each of its changes."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with table(appliance, "drill", "CREATE TABLE drill (id int)"), superuser(appliance) as connection:

            def work() -> None:
                connection.execute("INSERT INTO drill VALUES (1)")
                connection.execute("CHECKPOINT")

            with repeated(work, 1):
                yield

    return fault


def change_without_restart() -> Fault:
    """An operator changes what the server takes at its next start alone, and has its settings read."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with superuser(appliance) as connection:
            asked = "SELECT setting::int FROM pg_settings WHERE name = 'max_prepared_transactions'"
            before = connection.execute(asked).fetchone()
            assert before
            _change(connection, before[0] + 7)
            try:
                yield
            finally:
                # By its value: a session that sees the setting vanish from the file goes on telling that it waits.
                _change(connection, before[0])

    return fault


def _change(connection: psycopg.Connection[Any], value: int) -> None:
    connection.execute(sql.SQL("ALTER SYSTEM SET max_prepared_transactions = {}").format(sql.Literal(value)))
    connection.execute("SELECT pg_reload_conf()")


def pause_standby() -> Fault:
    """A standby stops replaying, while its primary goes on writing."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with database(appliance, STANDBY).admin() as standby, database(appliance, SHOP).admin() as shop:
            order: LiteralString = "SELECT pg_logical_emit_message(true, 'drill', 'an order')"
            shop.execute(order)  # before the first one a standby cannot say how far behind it is
            known = "SELECT pg_last_xact_replay_timestamp()"
            until("an order is replayed", lambda: (row := standby.execute(known).fetchone()) and row[0], 30)
            standby.execute("SELECT pg_wal_replay_pause()")
            try:
                with repeated(lambda: shop.execute(order), 1):
                    yield
            finally:
                standby.execute("SELECT pg_wal_replay_resume()")

    return fault


def grow_old() -> Fault:
    """A server whose tables nobody has frozen for 1.4 billion transactions: as if they had been, its next number is that."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = database(appliance, OLD)
        server.stop()
        server.run("pg_resetwal", "-x", str(_TRANSACTIONS), "-D", str(server.data))
        segment = server.data / "pg_xact" / f"{_TRANSACTIONS // _OF_A_SEGMENT:04X}"
        segment.write_bytes(bytes(_SEGMENT))
        shutil.chown(segment, (server.data / "PG_VERSION").owner())
        server.start()
        try:
            yield
        finally:
            with server.admin() as admin:
                admin.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
            server.run("vacuumdb", "--all", "--freeze", "-h", "127.0.0.1", "-p", str(server.port), "-U", "watchfloor")

    return fault
