"""Faults within PostgreSQL: sessions of people and programs that lock, wait, forget, pile up. What they make they remove."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.appliance import Appliance
from tests.drills.database_faults import superuser, working
from tests.drills.faults import Fault


@contextlib.contextmanager
def table(appliance: Appliance, name: str, *made: LiteralString) -> Iterator[None]:
    """A table of the workload's role, made by these statements, until the block ends."""
    dropped = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name))
    with superuser(appliance) as connection:
        connection.execute(dropped)
        connection.execute("SET ROLE watchfloor")  # the program whose data store this is
        for statement in made:
            connection.execute(statement)
    try:
        yield
    finally:
        with superuser(appliance) as connection:
            connection.execute(dropped)


@contextlib.contextmanager
def _slot(appliance: Appliance) -> Iterator[None]:
    """A replication slot that nobody reads."""
    dropped = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'drill'"
    with superuser(appliance) as connection:
        connection.execute(dropped)
        connection.execute("SELECT pg_create_physical_replication_slot('drill', true)")
    try:
        yield
    finally:
        with superuser(appliance) as connection:
            connection.execute(dropped)


def long_transaction() -> Fault:
    """A report whose one statement does not end."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with working(appliance, "BEGIN", "SELECT count(*) FROM cryptocurrencies", "SELECT pg_sleep(36000)"):
            yield

    return fault


def idle_transaction() -> Fault:
    """A program that began a transaction, and waits for its user."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with superuser(appliance) as connection:
            connection.execute("SET idle_in_transaction_session_timeout = 0")  # the appliance's own would end it after a minute
            with connection.transaction():
                connection.execute("SELECT count(*) FROM cryptocurrencies")
                yield

    return fault


def wait_for_lock() -> Fault:
    """A change of a table waits behind whoever reads it."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with (
            table(appliance, "drill_lock", "CREATE TABLE drill_lock (id int)"),
            working(appliance, "BEGIN", "SELECT * FROM drill_lock", "SELECT pg_sleep(36000)"),
            working(appliance, "SELECT 1", "ALTER TABLE drill_lock ADD COLUMN more int"),
        ):
            yield

    return fault


def deadlock() -> Fault:
    """Two programs that change the same two rows, each in its own order, again and again."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with table(appliance, "drill", "CREATE TABLE drill (id int PRIMARY KEY)", "INSERT INTO drill VALUES (1), (2)"):
            stop, both = threading.Event(), threading.Barrier(2)
            programs = [
                threading.Thread(target=_cross, args=(appliance, order, both, stop), daemon=True) for order in ((1, 2), (2, 1))
            ]
            for program in programs:
                program.start()
            try:
                yield
            finally:
                stop.set()
                both.abort()
                for program in programs:
                    program.join()

    return fault


def _cross(appliance: Appliance, order: tuple[int, int], both: threading.Barrier, stop: threading.Event) -> None:
    """One of the two. A session that ends (a server that is killed, or full) is opened anew: its fellow waits for it."""
    while not stop.is_set():
        with contextlib.suppress(psycopg.OperationalError), superuser(appliance) as connection:
            _cross_in(connection, order, both, stop)
        stop.wait(0.1)


def _cross_in(
    connection: psycopg.Connection[Any], order: tuple[int, int], both: threading.Barrier, stop: threading.Event
) -> None:
    while not stop.is_set():
        with (
            contextlib.suppress(psycopg.errors.DeadlockDetected, threading.BrokenBarrierError),
            connection.transaction(),
        ):
            _change(connection, order[0])
            both.wait()  # ended by `abort`: a barrier that is broken once stays so
            _change(connection, order[1])


def _change(connection: psycopg.Connection[Any], row: int) -> None:
    connection.execute("UPDATE drill SET id = id WHERE id = %s", (row,))


def take_connections(share: float) -> Fault:
    """A program that opens connections, and closes none: `share` of those that the server allows to anybody."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            connection = held.enter_context(superuser(appliance))
            row = connection.execute(
                "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
                " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
                " current_setting('max_connections')::int"
            ).fetchone()
            assert row
            free, most = row
            for _ in range(free - round(most * (1 - share))):
                held.enter_context(superuser(appliance))
            yield

    return fault


def pile_up_dead_rows() -> Fault:
    """A table whose autovacuum somebody has switched off, and whose rows are deleted."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with table(
            appliance,
            "drill_dead",
            "CREATE TABLE drill_dead (id int) WITH (autovacuum_enabled = off)",
            "INSERT INTO drill_dead SELECT generate_series(1, 400000)",
            "DELETE FROM drill_dead WHERE id % 4 <> 0",
        ):
            yield

    return fault


def forget_slot() -> Fault:
    """A replication slot whose reader has gone, while the server goes on writing."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        filled: LiteralString = "INSERT INTO drill_log SELECT generate_series(1, 400000), 'a row of some length that is logged'"
        with _slot(appliance), table(appliance, "drill_log", "CREATE TABLE drill_log (id int, filler text)", filled):
            yield

    return fault


def end_partitions() -> Fault:
    """A partitioned table of which nobody makes the next partition."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with table(
            appliance,
            "drill_ends",
            "CREATE TABLE drill_ends (at timestamptz NOT NULL) PARTITION BY RANGE (at)",
            "DO $$ BEGIN EXECUTE format('CREATE TABLE drill_now PARTITION OF drill_ends FOR VALUES FROM (%L) TO (%L)',"
            " date_trunc('hour', now()), date_trunc('hour', now()) + interval '2 hours'); END $$",
        ):
            yield

    return fault


def use_up_sequence() -> Fault:
    """A sequence of small numbers that is nearly used up."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with table(
            appliance,
            "drill_small",
            "CREATE TABLE drill_small (id smallint GENERATED ALWAYS AS IDENTITY)",
            "SELECT setval('drill_small_id_seq', 32000)",
        ):
            yield

    return fault
