"""What runbooks say to check works on a running appliance; and `make why` puts it together, whoever is away."""

from __future__ import annotations

import os
import re
import shutil
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
    password = appliance.paths.postgres_password.read_text(encoding="ascii")
    where = f"host=127.0.0.1 port={appliance.site.ports.postgres} dbname={DATABASE_USER} user=postgres"
    statements = [check.text for check in CHECKS if check.kind == "sql" and not steps.has_place(check.text)]
    assert len(statements) >= 12
    with psycopg.connect(where, password=password, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_every_question_to_redis_is_one(appliance: Appliance) -> None:
    """As the person who may: what the answer says is that person's to read."""
    asked = [
        check.text for check in CHECKS if check.kind == "redis" and not re.search("NAME|-", check.text)
    ]  # a setting has dashes
    assert len(asked) > 13
    password = appliance.paths.redis_admin_password.read_text(encoding="ascii")
    for port in (appliance.site.ports.cache_redis, appliance.site.ports.bus):
        words = ["redis-cli", "-e", "-p", str(port), "--user", "watchfloor_admin", "--no-auth-warning"]
        for text in asked:
            known = os.environ | {"REDISCLI_AUTH": password}
            done = subprocess.run([*words, *text.split()], env=known, capture_output=True, check=False)
            said = (done.stdout + done.stderr).decode(errors="replace")  # values may be any bytes
            assert done.returncode == 0 or "cluster support disabled" in said, (text, said)


def test_every_command_that_only_looks_ends_well(appliance: Appliance) -> None:
    """Those that `make why` runs by itself, and those of the appliance itself; other programs need not be on this machine."""
    looks = [check.text for check in CHECKS if check.runs and check.kind == "command" and not check.text.startswith("curl")]
    ours = [
        check.text for check in CHECKS
        if check.kind == "command" and check.text.startswith(("make ", "promtool ", "python -m ")) and not _unfit(check.text)
    ]  # fmt: skip
    assert len(looks) > 8
    assert len(ours) > 15
    for text in looks:
        if shutil.which(text.split()[0]) and not text.startswith("timedatectl"):  # that one asks systemd, which may not run
            done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 0, (text, done.stderr)
    known = os.environ | {"WATCHFLOOR_HOME": str(appliance.home), "WATCHFLOOR_SITE": str(appliance.site_file)}
    for text in ours:
        done = subprocess.run(
            _here(text, appliance), cwd=CLONE, env=known, capture_output=True, text=True, timeout=60, check=False
        )
        well = (0, 1) if text == "make doctor" else (0,)  # what it finds on this machine is not this test's
        assert done.returncode in well, (text, done.stdout[-500:], done.stderr)


def _unfit(command: str) -> bool:
    """One with a place to fill in, one that changes something, one about what this appliance does not do."""
    return steps.has_place(command) or command.endswith("optimize") or "backup" in command


def _here(command: str, appliance: Appliance) -> list[str]:
    """A command of a runbook for this appliance's home."""
    words = command.replace("var/", f"{appliance.home}/").split()
    if words[0] == "make":
        named = {"s": "--service"}
        more = [word for key, _, value in (one.partition("=") for one in words[2:]) for word in (named[key], value)]
        where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
        return [sys.executable, "-m", "compose", words[1], *more, *where]
    return [sys.executable, *words[1:]] if words[0] == "python" else words


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
