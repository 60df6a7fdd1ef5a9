"""What is killed comes back within 10 s, what hangs within 60 s; people and Prometheus see it."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import psutil
import psycopg
import pytest

from compose.health import ask
from compose.secrets import login
from compose.topology import find, services
from metrics import stack
from metrics.postgres import server
from settings import Site
from settings.paths import APP_USER, EXPORTER_USER
from tests.appliance import Appliance
from tests.drills.database_faults import superuser
from tests.waiting import until

NAMES = [service.name for service in services(Site())]


def well(appliance: Appliance) -> bool:
    return all(row.state == "ok" for row in appliance.stack.rows())


@pytest.fixture(autouse=True)
def calm(appliance: Appliance) -> Iterator[None]:
    """Each test finds an appliance that is well, and leaves one."""
    until("all is well before", lambda: well(appliance), 20)
    yield
    until("all is well after", lambda: well(appliance), 20)


def back(appliance: Appliance, name: str, old: int) -> bool:
    service = find(name)
    assert service
    return (
        appliance.process(name).pid not in (0, old)
        and ask(service.url(appliance.site, service.ready), 2, login(service, appliance.paths)).ok
    )


@pytest.mark.alone  # within a time that is promised of a machine which does not run three other tests
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_is_back_within_10_seconds(appliance: Appliance, name: str) -> None:
    old = appliance.process(name).pid
    os.kill(old, signal.SIGKILL)
    until(f"{name} is back", lambda: back(appliance, name, old), 10)


# They hang in different ways: one of ours, the watcher itself, servers that are not ours, one whose child answers on.
SOME = ("preview", "watcher", "alertmanager", "postgres", "edge")


def halt(appliance: Appliance, names: Iterable[str]) -> tuple[dict[str, int], float]:
    """The processes stand still; by name, and since when (monotonic s)."""
    hung = {name: appliance.process(name).pid for name in names}
    for pid in hung.values():
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    until("they have stopped", lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in hung.values()))
    return hung, began


def all_back(appliance: Appliance, hung: Mapping[str, int], began: float) -> None:
    for name, old in hung.items():
        until(f"{name} is back", partial(back, appliance, name, old), 60 - (time.monotonic() - began))


def test_hung_processes_are_back_within_60_seconds_and_seen(appliance: Appliance) -> None:
    hung, began = halt(appliance, SOME)
    states = {row.name: row.state for row in appliance.stack.rows()}
    assert {name: states[name] for name in hung} == dict.fromkeys(hung, "hung")
    until("Prometheus sees the preview down", lambda: appliance.value(f'up{{job="{stack.JOB_PREVIEW}"}}') == 0, 30)
    all_back(appliance, hung, began)
    restarts = f'{stack.SERVICE_RESTARTS.name}{{service="watcher", reason="hung"}}'
    until("the guard's count reaches Prometheus", lambda: (appliance.value(restarts) or 0) >= 1, 30)
    counted = {row.name: row.restarts for row in appliance.stack.rows()}
    assert counted["watcher"] is not None
    assert counted["watcher"] >= 1


def test_all_the_others_are_back_within_60_seconds_too(appliance: Appliance) -> None:
    """The guard among them, whom the watcher watches."""
    all_back(appliance, *halt(appliance, set(NAMES) - set(SOME)))


def test_up_gives_the_cluster_of_an_earlier_version_the_roles_that_it_lacks(appliance: Appliance) -> None:
    """As a running appliance is upgraded: its PostgreSQL knows no role by which this version's services could ask."""
    with superuser(appliance) as admin:
        admin.execute("DROP SCHEMA watchfloor_exporter CASCADE")
        for role in (EXPORTER_USER, APP_USER):
            admin.execute(f"DROP OWNED BY {role}".encode())
            admin.execute(f"DROP ROLE {role}".encode())
        names = "('watchfloor-exporter', 'watchfloor-stream', 'watchfloor-analysis')"
        admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN {names}".encode())
        before = prices(admin)
    until("the exporter is refused", lambda: appliance.value(f"{server.UP.name} == 0") == 0, 20)
    appliance.up()
    until("the exporter is let in", lambda: appliance.value(f"{server.UP.name} == 1"), 20)
    until("it sees widths of columns", lambda: sees_columns(appliance), 20)
    with superuser(appliance) as admin:
        until("rows are written again", lambda: prices(admin) > before, 20)


def prices(admin: psycopg.Connection[Any]) -> int:
    (count,) = admin.execute("SELECT count(*) FROM price_history").fetchone() or (0,)
    return int(count)


def sees_columns(appliance: Appliance) -> bool:
    with superuser(appliance) as admin:
        admin.execute(f"SET ROLE {EXPORTER_USER}".encode())
        (count,) = admin.execute("SELECT count(*) FROM watchfloor_exporter.column_statistics()").fetchone() or (0,)
    return bool(count)
