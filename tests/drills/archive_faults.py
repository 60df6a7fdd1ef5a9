"""A fault that needs the server to start anew: it stands alone because every other alert on the database comes along."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import LiteralString

import psycopg

from tests.appliance import Appliance
from tests.drills.database_faults import superuser
from tests.drills.faults import Fault
from tests.waiting import until


def archive_nowhere() -> Fault:
    """Archiving is switched on, with a command that always fails: the place where the archive was is gone."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        _set(appliance, "archive_command = 'false'", "archive_mode = on")
        restart(appliance)
        with superuser(appliance) as connection:
            connection.execute("SELECT pg_switch_wal() FROM pg_logical_emit_message(false, 'drill', 'something to archive')")
        try:
            yield
        finally:
            _set(appliance, "archive_command = 'true'")  # what waits is done with, so that the server need not keep it
            until("nothing waits for the archive", lambda: _archived(appliance), 90)
            with superuser(appliance) as connection:
                connection.execute("ALTER SYSTEM RESET ALL")
            restart(appliance)

    return fault


def _set(appliance: Appliance, *settings: LiteralString) -> None:
    with superuser(appliance) as connection:
        for setting in settings:
            connection.execute("ALTER SYSTEM SET " + setting)
        connection.execute("SELECT pg_reload_conf()")


def restart(appliance: Appliance) -> None:
    """Stops the server and starts it."""
    appliance.stack.supervisor.call("supervisor.stopProcess", "postgres")
    appliance.stack.supervisor.call("supervisor.startProcess", "postgres")
    until("PostgreSQL answers", lambda: _answers(appliance), 30)


def _answers(appliance: Appliance) -> bool:
    try:
        superuser(appliance).close()
    except psycopg.OperationalError:
        return False
    return True


def _archived(appliance: Appliance) -> bool:
    with superuser(appliance) as connection:
        row = connection.execute("SELECT last_archived_time > last_failed_time FROM pg_stat_archiver").fetchone()
    return bool(row and row[0])
