"""Changing a running appliance: a good file is applied, a bad one is refused and the old one stays."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from compose.errors import BadInputError, ComposeError
from compose.render import check
from compose.topology import services
from metrics import bus, stack
from settings.paths import CLONE
from tests.appliance import Appliance, get, status_of
from tests.waiting import free_ports, until


@pytest.fixture(scope="module")
def appliance() -> Iterator[Appliance]:
    """One without the workload, which makes a reload neither easier nor harder."""
    with Appliance(factor=0.1, settings={"workload": False}) as running:
        yield running


def rule(appliance: Appliance, name: str) -> dict[str, Any] | None:
    groups = get(appliance.url("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
    return next((item for group in groups for item in group["rules"] if item["name"] == name), None)


def query_of(appliance: Appliance, name: str) -> str:
    found = rule(appliance, name)
    return found["query"] if found else ""


def test_an_override_reaches_the_running_rule_and_goes_again(appliance: Appliance) -> None:
    assert query_of(appliance, "HighCPUUsage").endswith("> 80")
    assert rule(appliance, "HighMemoryUsage")
    appliance.change(alerts={"HighCPUUsage": {"threshold": 83}, "HighMemoryUsage": {"enabled": False}})
    assert appliance.up()
    until("the new threshold is evaluated", lambda: query_of(appliance, "HighCPUUsage").endswith("> 83"), 15)
    until("the rule is gone", lambda: rule(appliance, "HighMemoryUsage") is None, 15)
    appliance.change(alerts={})
    assert appliance.up()
    until("the threshold is the declared one", lambda: query_of(appliance, "HighCPUUsage").endswith("> 80"), 15)
    until("the rule is back", lambda: rule(appliance, "HighMemoryUsage"), 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alerts": {"NoSuchAlert": {"enabled": False}}}, "NoSuchAlert"),
        ({"alerts": {"HighCPUUsage": {"threshold": 800}}}, "threshold"),
        ({"alerts": {"HighCPUUsage": {"for": "soon"}}}, "alerts.HighCPUUsage.for"),
        ({"prometheus": {"scrape_interval": "1s", "scrape_timeout": "2s"}}, "scrape_timeout"),
        ({"scrape": [{"job": "prometheus", "targets": ["127.0.0.1:1"]}]}, "prometheus"),
        ({"prometheus": {"scrape_interval": "10s", "retention_size": "9XB"}}, "retention_size"),
        ({"prometheus": {"retention_size": "999999999TB"}}, "retention_size"),
        ({"prometheus": {"retention_time": "99y9999w"}}, "retention_time"),
        ({"bind": "0.0.0.0"}, "without TLS and a password"),  # noqa: S104  # refused
        ({"bind": "10.99.99.99", "insecure": True}, "bind: 10.99.99.99 is no address of this machine"),
        ({"exporters": {"system": {"disabled_collectors": ["nonsense"]}}}, "unknown collector 'nonsense'"),
    ],
)
def test_a_bad_file_is_refused_and_the_old_one_stays(appliance: Appliance, change: dict[str, Any], words: str) -> None:
    before = appliance.site_file.read_text(encoding="utf-8")
    rendered = appliance.paths.rendered.readlink()
    pids = {name: process.pid for name, process in appliance.stack.supervisor.processes().items()}
    appliance.change(**change)
    try:
        with pytest.raises(BadInputError, match=words):
            appliance.up()
    finally:
        appliance.site_file.write_text(before, encoding="utf-8")
    assert appliance.paths.rendered.readlink() == rendered
    assert query_of(appliance, "HighCPUUsage").endswith("> 80")
    assert {name: process.pid for name, process in appliance.stack.supervisor.processes().items()} == pids
    assert not list(appliance.home.glob("rendered-new"))


def test_what_promtool_refuses_is_told_in_its_words(appliance: Appliance, tmp_path: Path) -> None:
    shutil.copytree(appliance.paths.rendered, tmp_path / "rendered")
    (tmp_path / "rendered" / "rules" / "bad.yml").write_text("groups:\n  - name: a\n    rules: [{record: b, expr: sum(}]\n")
    with pytest.raises(BadInputError, match=r"promtool refuses(.|\n)*parse error"):
        check(tmp_path / "rendered")


def test_a_service_that_does_not_come_up_takes_the_new_settings_back(appliance: Appliance) -> None:
    # The new port is free when it is looked at and taken when the service starts: what no check can see beforehand.
    before, good = appliance.site_file.read_text(encoding="utf-8"), appliance.site.ports
    rendered = appliance.paths.rendered.readlink()
    port = free_ports(1)[0]
    appliance.change(ports={name: getattr(good, name) for name in good.__struct_fields__} | {"inbox": port})
    thief = Thief(port, until_gone=appliance.process("inbox").pid)
    try:
        with thief, pytest.raises(ComposeError, match="inbox does not run"):
            appliance.up()
    finally:
        appliance.site_file.write_text(before, encoding="utf-8")
    assert appliance.paths.rendered.readlink() == rendered
    until("every service answers", appliance.all_ok)
    until("so does the inbox", lambda: status_of(appliance.url("inbox", "/readyz")) == 200)


class Thief(threading.Thread):
    """Listens on a port from the moment that a process has ended."""

    def __init__(self, port: int, until_gone: int) -> None:
        super().__init__(daemon=True)
        self.socket, self.port, self.pid = socket.socket(), port, until_gone

    def run(self) -> None:
        while psutil.pid_exists(self.pid):
            time.sleep(0.005)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_ctrl_c_in_a_reload_leaves_what_ran_before(appliance: Appliance) -> None:
    before, rendered = appliance.site_file.read_text(encoding="utf-8"), appliance.paths.rendered.readlink()
    appliance.change(inbox={"retention": "80d"})
    where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
    words = ["env", "--default-signal=INT", sys.executable, "-m", "compose", "reload", *where]
    old = appliance.process("inbox").pid
    process = subprocess.Popen(
        words, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until("the inbox is being stopped", lambda: not psutil.pid_exists(old), 30, 0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=90)
    appliance.site_file.write_text(before, encoding="utf-8")
    assert process.returncode == 130, err
    assert appliance.paths.rendered.readlink() == rendered
    until("every service answers", appliance.all_ok)


def test_a_service_that_somebody_stopped_is_started_by_the_next_up(appliance: Appliance) -> None:
    appliance.stack.supervisor.call("supervisor.stopProcess", "preview")
    assert appliance.up()
    until("the preview answers", lambda: status_of(appliance.url("grafana", "/readyz")) == 200)


def test_the_workload_comes_and_goes_by_a_setting(appliance: Appliance) -> None:
    before = set(appliance.stack.supervisor.processes())
    for there in (True, False):
        appliance.change(workload=there, stream={"workers": 2})
        assert appliance.up()
        until("every service answers", appliance.all_ok)
        shown = {path.stem for path in (appliance.paths.rendered / "dashboards").glob("*.json")}
        assert (shown >= stack.WORKLOAD_DASHBOARDS) is there
        if there:
            until("of two workers one holds each lease", lambda: leases(appliance) == dict.fromkeys(bus.LEASES, 1), 40)
            assert appliance.value(f"min({bus.JOINED.name})") == 1
    assert set(appliance.stack.supervisor.processes()) == before == {service.name for service in services(appliance.site)}


def leases(appliance: Appliance) -> dict[str, float]:
    """How many hold each lease, of two that tell."""
    told = f"count by (lease) ({bus.LEASE.name}) == 2"
    found = appliance.query(f"sum by (lease) ({bus.LEASE.name}) and on (lease) ({told})")
    return {row["metric"]["lease"]: float(row["value"][1]) for row in found}
