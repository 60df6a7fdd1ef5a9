"""Faults of PostgreSQL's archive, and a server that is started anew."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg

from compose import pgbackrest
from tests.appliance import Appliance
from tests.drills.database_faults import superuser
from tests.drills.faults import Fault
from tests.waiting import until

_SWITCH = "SELECT pg_switch_wal() FROM pg_logical_emit_message(false, 'drill', 'something to archive')"


def archive_nowhere() -> Fault:
    """A backup was cut off, so that the server goes on archiving for it, and the place where its archive was is gone."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        assert shutil.which("pgbackrest"), "pgbackrest is not installed: `apt-get install pgbackrest`"
        flag = pgbackrest.flag(_cluster(appliance))
        flag.touch()
        _switch(appliance)
        try:
            yield
        finally:
            flag.unlink()  # what waits is done with, so that the server need not keep it
            _switch(appliance)  # it wakes who had gone to sleep after three failures
            until("nothing waits for the archive", lambda: _archived(appliance), 90)

    return fault


def _cluster(appliance: Appliance) -> Path:
    with superuser(appliance) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return Path(row[0])


def _switch(appliance: Appliance) -> None:
    with superuser(appliance) as connection:
        connection.execute(_SWITCH)


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
