"""What runbooks say to check works on a running appliance; and `make why` puts it together, whoever is away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest
import yaml

from alerts import steps
from alerts.model import site_alerts
from alerts.why import facts
from settings.paths import CLONE, DATABASE_USER
from tests.alerts.test_runbooks import TEXTS
from tests.appliance import Appliance
from tests.waiting import free_ports

CHECKS = {check for text in TEXTS.values() for check in steps.checks(text)}


def test_every_question_to_prometheus_is_answered(appliance: Appliance) -> None:
    for check in CHECKS:
        if check.kind == "query":
            appliance.query(check.text)


def test_every_curl_that_may_run_finds_what_it_asks(appliance: Appliance) -> None:
    """The address is asked here; what stands behind a pipe only picks lines."""
    ours = [
        facts._ours(check.text.split(" | ")[0], appliance.site)
        for check in CHECKS
        if check.runs and check.text.startswith("curl")
    ]
    assert len(ours) > 10
    for command in ours:
        if "localhost:" not in command:
            continue  # another site's clock, for one: not to be asked by a test
        strict = command.replace("curl ", "curl --fail ", 1)  # a page that is not there is an error
        done = subprocess.run(["bash", "-c", strict], capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 0, command
        assert done.stdout, command


def test_every_statement_without_a_place_to_fill_in_is_sql(appliance: Appliance) -> None:
    password = appliance.paths.database_password.read_text(encoding="ascii")
    where = f"host=127.0.0.1 port={appliance.site.ports.postgres} dbname={DATABASE_USER} user={DATABASE_USER}"
    statements = [check.text for check in CHECKS if check.kind == "sql" and not steps._PLACE.search(check.text)]
    assert len(statements) >= 4
    with psycopg.connect(where, password=password, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def why(appliance: Appliance, name: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"WATCHFLOOR_HOME": str(appliance.home), "WATCHFLOOR_SITE": str(appliance.site_file)}
    command = [sys.executable, "-m", "alerts.why", name]
    return subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_why_tells_state_hour_log_and_next_step(appliance: Appliance) -> None:
    told = why(appliance, "Watchdog")
    assert told.returncode == 0, told.stderr
    assert "firing since" in told.stdout
    assert "last hour: " in told.stdout
    assert "\nno answer\n" not in told.stdout, told.stdout
    told = why(appliance, "HighCPUUsage")
    assert "fires above 80%" in told.stdout
    assert "exporter-system.log, its last" in told.stdout
    assert "$ ps -eo" in told.stdout


def test_the_inbox_tells_it_too(appliance: Appliance) -> None:
    with urllib.request.urlopen(appliance.url("inbox", "/why/HighCPUUsage"), timeout=10) as answer:
        page = answer.read().decode()
    assert "fires above 80%" in page
    assert "By hand: <code>top -o %CPU</code>" in page


def test_an_unknown_alert_is_told_with_near_names(appliance: Appliance) -> None:
    told = why(appliance, "targetdwon")
    assert told.returncode == 2
    assert told.stderr.startswith("a=targetdwon: no such alert: did you mean TargetDown")


@pytest.mark.parametrize("name", ["TargetDown", "PostgresLockWait"])
def test_with_everything_away_it_says_so_within_five_seconds(name: str, appliance: Appliance) -> None:
    ports = dict(zip(("prometheus", "alertmanager", "inbox"), free_ports(3), strict=True))
    text = appliance.site_file.read_text(encoding="utf-8")
    gone = appliance.home / "gone.yaml"
    site = yaml.safe_load(text)
    gone.write_text(yaml.safe_dump(site | {"ports": site["ports"] | ports}), encoding="utf-8")
    environment = os.environ | {"WATCHFLOOR_HOME": str(appliance.home), "WATCHFLOOR_SITE": str(gone)}
    began = time.monotonic()
    command = [sys.executable, "-m", "alerts.why", name]
    told = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert time.monotonic() - began < 15  # a loaded machine starts Python slowly; the command's own time is told below
    assert told.returncode == 0, told.stderr
    for who in ("Prometheus", "Alertmanager", "The inbox"):
        assert f"{who} does not answer" in told.stdout
    assert float(told.stdout.rsplit("asked within ", 1)[1].split()[0]) < 5
    assert f"{next(one for one in site_alerts(appliance.site) if one.name == name).entry.steps[0][:30]}" in told.stdout
