"""The appliance as `make up` leaves it."""

import math
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from compose.topology import services
from metrics import stack
from settings.paths import CLONE
from tests.appliance import Appliance, get
from tests.waiting import until


def test_every_service_is_healthy_and_says_where_it_is(appliance: Appliance) -> None:
    until("every service answers", appliance.all_ok)
    rows = appliance.stack.rows()
    assert {row.name for row in rows if not row.url.startswith("http://localhost:")} == {"bus", "cache-redis", "postgres"}


def test_the_start_is_an_event(appliance: Appliance) -> None:
    posted = get(appliance.url("inbox", "/api/events?kind=appliance"))["events"]
    assert posted[-1]["title"].endswith(" started")
    until("Prometheus has it", lambda: appliance.value(f"count({stack.EVENT_TIME.name})"), 10)


def test_nothing_is_pending_while_it_starts(appliance: Appliance) -> None:
    """Prometheus judges before it has scraped anything, and models know the market after a minute: here, a tenth of it."""

    def since(name: str) -> float:
        """When the first alert of that name was active, of all that Prometheus remembers."""
        rows = appliance.query(f'ALERTS{{alertname="{name}"}}[1h]')
        return min((float(row["values"][0][0]) for row in rows), default=math.inf)

    began = until("rules are evaluated", lambda: found if (found := since("Watchdog")) < math.inf else None)
    until("they have been for a while", lambda: time.time() > began + 6)
    assert since("TargetAbsent") > began + 6
    assert since("ProbeEndpointDown") > began + 6


def test_nobody_of_ours_is_refused_by_redis(appliance: Appliance) -> None:
    pings = 'redis_commands_total{instance="test-host:bus", cmd="ping"}'
    looked = appliance.value(pings) or 0
    until("the watcher asks", lambda: (appliance.value(pings) or 0) > looked, 20)
    assert appliance.query('redis_errors_total{err=~"NOAUTH|WRONGPASS|NOPERM"} > 0') == []


def test_a_second_up_changes_nothing(appliance: Appliance) -> None:
    before = {name: process.pid for name, process in appliance.stack.supervisor.processes().items()}
    assert appliance.up() is False
    assert {name: process.pid for name, process in appliance.stack.supervisor.processes().items()} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give services a user of their own")
def test_services_run_unprivileged(appliance: Appliance) -> None:
    for service in services(appliance.site):
        process = psutil.Process(appliance.process(service.name).pid)
        assert process.username() == (service.user or "watchfloor"), service.name
        assert min(process.uids()) > 0, service.name
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), service.name


def test_nothing_listens_beyond_loopback(appliance: Appliance) -> None:
    for name, process in appliance.stack.supervisor.processes().items():
        listening = [item.laddr for item in psutil.Process(process.pid).net_connections() if item.status == psutil.CONN_LISTEN]
        assert listening, name
        assert {address.ip for address in listening} == {"127.0.0.1"}, name


def test_secrets_are_their_owners_alone(appliance: Appliance) -> None:
    token = appliance.paths.inbox_token
    assert token.stat().st_mode & 0o777 == 0o600
    words = token.read_text(encoding="ascii")
    for log in appliance.paths.logs.iterdir():
        assert words not in log.read_text(encoding="utf-8", errors="replace"), log
    for file in appliance.paths.rendered.rglob("*"):
        assert not file.is_file() or words not in file.read_text(encoding="utf-8"), file


def test_every_service_is_scraped_under_its_job_and_tells_its_version(appliance: Appliance) -> None:
    def scraped() -> set[str]:
        return {item["metric"]["job"] for item in appliance.query("up == 1")}

    # One late answer under scrape times of a tenth is no fault; a job that never answers is.
    until("every job answers", lambda: scraped() == set(stack.JOBS), 30)
    ours = {service.name for service in services(appliance.site) if service.own}

    def told() -> list[dict[str, Any]]:
        built = appliance.query(stack.BUILD_INFO.name)
        return built if {item["metric"]["service"] for item in built} == ours else []

    built = until("these services and no others tell their version", told, 30)
    assert len({item["metric"]["version"] for item in built}) == 1


def test_rules_are_healthy_and_the_original_names_answer(appliance: Appliance) -> None:
    groups = get(appliance.url("prometheus", "/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    for name in ("system_cpu_usage", "system_memory_usage", "system_disk_usage"):
        assert 0 <= until(f"{name} answers", partial(appliance.value, name), 30) <= 100, name
    until("system_network_io counts", lambda: appliance.value("count(rate(system_network_io[10s]))"), 30)


@pytest.mark.parametrize(
    "name",
    [
        "ws_connection_count",
        "ws_message_count",
        "ws_error_count",
        "ws_broadcast_count",
        "app_active_connections",
        "app_request_count",
        "app_error_count",
        "app_request_duration_bucket",
        "app_request_duration_sum",
        "app_request_duration_count",
    ],
)
def test_the_original_names_of_the_workload_answer(appliance: Appliance, name: str) -> None:
    found = until(f"{name} answers", lambda: appliance.query(name), 30)
    assert {item["metric"]["job"] for item in found} == {stack.JOB_STREAM}


def test_what_is_broadcast_is_counted_under_the_original_name(appliance: Appliance) -> None:
    canary = 'rate(ws_broadcast_count{room="canary"}[20s])'
    assert until("the canary is counted", lambda: appliance.value(f"{canary} > 0.5"), 40) < 2


def test_the_watchdog_arrives(appliance: Appliance) -> None:
    alive = until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
    assert alive < 180 * appliance.factor
    assert until("the inbox is scraped", lambda: appliance.value(stack.WATCHDOG_ALIVE.name), 10) == 1


def words_of(appliance: Appliance, command: str, *more: str) -> list[str]:
    where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
    return [sys.executable, "-m", "compose", command, *where, *more]


def test_logs_are_shown_by_service_and_an_unknown_one_is_told_the_known(appliance: Appliance) -> None:
    def logs(name: str) -> subprocess.CompletedProcess[str]:
        words = words_of(appliance, "logs", "--service", name, "--lines", "1000")
        return subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=False)

    for name, said in (("stream", "listening on"), ("supervisord", "spawned: 'prometheus'")):
        shown = logs(name)
        assert (shown.returncode, said in shown.stdout) == (0, True), name
    wrong = logs("nonsense")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("nonsense: is no service")
    assert all(service.name in wrong.stderr for service in services(appliance.site))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_somebody_else_is_told_whose_it_is(appliance: Appliance) -> None:
    words = words_of(appliance, "status")
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run([*become, *words], cwd=CLONE, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "another user's" in done.stderr


def test_no_website_may_ask_for_what_only_the_appliance_may(appliance: Appliance) -> None:
    silence = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    url = appliance.url("alertmanager", "/api/v2/silences")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(url, b"{}", silence), timeout=5)
    query = urllib.request.Request(
        appliance.url("prometheus", "/api/v1/query?query=up"), headers={"Origin": "http://evil.example"}
    )
    with urllib.request.urlopen(query, timeout=5) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None
