"""Who is told, asked of amtool; who is muted, asked of a real Alertmanager."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import checks, render
from settings import parse

EVERY_RECEIVER = """
cluster: c
receivers:
  - {type: webhook, name: chat, url: "http://127.0.0.1:9/hook", bearer_token_file: /etc/secrets/chat}
  - {type: slack, name: channel, url_file: /etc/secrets/slack, channel: "#ops", severities: [warning]}
  - {type: email, name: mail, to: a@example.org, from: b@example.org, smarthost: "127.0.0.1:25",
     username: u, password_file: /etc/secrets/mail}
  - {type: pagerduty, name: pager, routing_key_file: /etc/secrets/pager}
"""
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager") or "alertmanager"


def rendered(folder: Path, text: str) -> Path:
    render.write(render.render(parse(text)), folder)
    return folder / "alertmanager" / "alertmanager.yml"


@pytest.mark.parametrize("text", ["{}", EVERY_RECEIVER, "profile: {factor: 0.01}", "{bind: '::1', cluster: a.b-c}"])
def test_promtool_and_amtool_accept_what_is_rendered(text: str, tmp_path: Path) -> None:
    rendered(tmp_path, text)
    assert checks.check(tmp_path) == []


def test_checks_tell_what_is_wrong(tmp_path: Path) -> None:
    assert "holds no rendered rules" in checks.check(tmp_path)[0]
    path = rendered(tmp_path, "{}")
    path.write_text(path.read_text(encoding="utf-8").replace("receiver: inbox", "receiver: nowhere", 1), encoding="utf-8")
    rules = tmp_path / "rules" / "stack.yml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("up < 1", "up <"), encoding="utf-8")
    failures = "\n".join(checks.check(tmp_path))
    assert "nowhere" in failures
    assert "parse error" in failures


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical", "inbox,chat,mail,pager"),
        ("severity=warning", "inbox,chat,channel,mail"),
        ("severity=info", "nobody"),
        ("alertname=Watchdog severity=info", "watchdog"),
        ("alertname=Watchdog severity=critical", "watchdog"),
        ("alertname=NoSeverity", "inbox"),
    ],
)
def test_routes(labels: str, receivers: str, tmp_path: Path) -> None:
    path = rendered(tmp_path, EVERY_RECEIVER)
    command = ["amtool", "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receivers}", *labels.split()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_of_the_catalogue_is_routed_on_purpose(tmp_path: Path) -> None:
    """No alert falls through to the root, which is for foreign alerts alone."""
    config = yaml.safe_load(rendered(tmp_path, "{}").read_text(encoding="utf-8"))
    matched = {matcher for route in config["route"]["routes"] for matcher in route["matchers"]}
    rules = [
        rule
        for path in (tmp_path / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    severities = {rule["labels"]["severity"] for rule in rules if "alert" in rule}
    assert severities == {"critical", "warning", "info"}
    assert {f'severity = "{severity}"' for severity in severities} <= matched


def test_times_of_the_critical_and_the_watchdog_route(tmp_path: Path) -> None:
    routes = yaml.safe_load(rendered(tmp_path, "{}").read_text(encoding="utf-8"))["route"]["routes"]
    waits = {route["matchers"][0]: route.get("group_wait") for route in routes}
    assert waits['severity = "critical"'] == "5s"
    assert waits['severity = "warning"'] == "30s"
    watchdog = routes[0]
    assert (watchdog["group_wait"], watchdog["group_interval"], watchdog["repeat_interval"]) == ("0s", "30s", "1m")


def test_no_secret_stands_in_the_configuration(tmp_path: Path) -> None:
    text = rendered(tmp_path, EVERY_RECEIVER).read_text(encoding="utf-8")
    assert "credentials_file: ../../secrets/inbox_token" in text
    assert "credentials_file: /etc/secrets/chat" in text
    assert "api_url_file: /etc/secrets/slack" in text
    assert not re.search(r"\b(credentials|auth_password|api_url|routing_key):", text)


# -- inhibition, by a real Alertmanager ------------------------------------------------------------------------------
@dataclass
class Server:
    url: str

    # ruff reads the f-strings as open schemes; the address is the one that this test started.
    def post(self, alerts: list[dict[str, str]]) -> None:
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})  # see above
        urllib.request.urlopen(request, timeout=5).close()  # see above

    def alerts(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:  # see above
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def muted(self, alerts: list[dict[str, str]], expected: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
        """The names of those of `alerts` that are muted, once they are the expected ones, or else what they are in the end.

        The alerts are sent again and again, as Prometheus does: Alertmanager may judge one before it has seen what mutes it.
        """
        deadline = time.monotonic() + 10
        agreed = 0
        while True:
            self.post(alerts)
            found = self.alerts()
            ready = len(found) == len(alerts) and all(alert["status"]["state"] != "unprocessed" for alert in found)
            muted = {_name(alert["labels"]) for alert in found if alert["status"]["inhibitedBy"]}
            agreed = agreed + 1 if ready and muted == expected else 0
            if agreed == 3 or (ready and time.monotonic() > deadline):
                return muted
            assert time.monotonic() < deadline, f"Alertmanager did not process {len(alerts)} alerts: {found}"
            time.sleep(0.05)


def _name(labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("alertname", "instance", "job", "mountpoint", "slo", "cluster"))


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Server]:
    # A factor of 0.001: groups are handled, and so inhibition is known, within milliseconds.
    path = rendered(tmp_path, "profile: {factor: 0.001}")
    log = tmp_path / "log"
    command = [
        ALERTMANAGER, f"--config.file={path}", f"--storage.path={tmp_path / 'data'}",
        "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
    ]  # fmt: skip
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield Server(f"http://{_address(log, process)}")
        finally:
            process.terminate()
            process.wait(10)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"address=(127\.0\.0\.1:\d+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Alertmanager did not start:\n{log.read_text(errors='replace')}")


def machine(name: str, severity: str, signal: str, **more: str) -> dict[str, str]:
    own = {"alertname": name, "severity": severity, "signal": signal, "cluster": "c", "instance": "host-1", "job": "system"}
    return own | more


def test_the_critical_alert_mutes_the_warning_of_the_same_signal_at_the_same_place(alertmanager: Server) -> None:
    critical = machine("CriticalCPUUsage", "critical", "system.cpu_usage")
    warning = machine("HighCPUUsage", "warning", "system.cpu_usage")
    other = warning | {"instance": "host-2"}
    cluster = warning | {"cluster": "d", "instance": "host-3"}
    memory = machine("HighMemoryUsage", "warning", "system.memory_usage")
    expected = {_name(warning)}
    assert alertmanager.muted([critical, warning, other, cluster, memory], expected) == expected


def test_a_full_disk_does_not_mute_another_one(alertmanager: Server) -> None:
    full = machine("DiskAlmostFull", "critical", "system.disk_usage", mountpoint="/")
    same = machine("DiskWarning", "warning", "system.disk_usage", mountpoint="/")
    data = machine("DiskWarning", "warning", "system.disk_usage", mountpoint="/data")
    expected = {_name(same)}
    assert alertmanager.muted([full, same, data], expected) == expected


def test_a_target_that_is_down_mutes_the_service_behind_it_alone(alertmanager: Server) -> None:
    target = machine("TargetDown", "critical", "stack.target_up")
    service = machine("ServiceDown", "critical", "stack.service_up", service="exporter-system")
    inbox = machine("ServiceDown", "critical", "stack.service_up", service="inbox", job="inbox")
    expected = {_name(service)}
    assert alertmanager.muted([target, service, inbox], expected) == expected


def test_a_database_that_is_down_mutes_the_collectors_that_ask_it_alone(alertmanager: Server) -> None:
    down = machine("PostgresDown", "critical", "postgres.up", job="postgres")
    collector = machine("CollectorFailing", "warning", "stack.collector_success", job="postgres", collector="locks")
    quality = collector | {"job": "model_quality", "collector": "scores"}
    system = collector | {"job": "system", "collector": "cpu"}
    other_server = collector | {"instance": "db-2"}
    other_machine = quality | {"instance": "host-2"}
    locks = machine("PostgresLockWait", "warning", "postgres.lock_wait", job="postgres")
    sent = [down, collector, quality, system, other_server, other_machine, locks]
    expected = {_name(collector), _name(quality)}
    assert alertmanager.muted(sent, expected) == expected


def burning(name: str, objective: str, severity: str = "critical") -> dict[str, str]:
    """An alert on a burn rate as Prometheus sends it: of a cluster, of no instance and no job."""
    signal = f"slo.burn_{name.removeprefix('SLOBurnRate')}"
    return {"alertname": name, "severity": severity, "signal": signal, "cluster": "c", "slo": objective}


def test_a_fast_burn_mutes_the_slower_ones_of_the_same_objective_alone(alertmanager: Server) -> None:
    fast = burning("SLOBurnRate6h", "api_latency")
    faster = burning("SLOBurnRate1h", "api_latency")
    slow = [burning(name, "api_latency", "warning") for name in ("SLOBurnRate1d", "SLOBurnRate3d")]
    other = burning("SLOBurnRate6h", "feed_freshness")
    elsewhere = burning("SLOBurnRate1d", "api_latency", "warning") | {"cluster": "d"}
    slowest = burning("SLOBurnRate3d", "cache_hits", "warning")
    alone = burning("SLOBurnRate1d", "cache_hits", "warning")
    sent = [faster, fast, *slow, other, elsewhere, slowest, alone]
    expected = {_name(alert) for alert in (fast, *slow, slowest)}
    assert alertmanager.muted(sent, expected) == expected


def test_a_redis_that_is_down_mutes_the_collectors_that_ask_it_alone(alertmanager: Server) -> None:
    down = machine("RedisDown", "critical", "redis.up", job="redis", instance="host-1:cache")
    collector = machine("CollectorFailing", "warning", "stack.collector_success", job="redis", collector="latency")
    cache, bus = collector | {"instance": "host-1:cache"}, collector | {"instance": "host-1:bus"}
    expected = {_name(cache)}
    assert alertmanager.muted([down, cache, bus], expected) == expected


def test_collectors_fail_loudly_while_the_database_is_there(alertmanager: Server) -> None:
    collector = machine("CollectorFailing", "warning", "stack.collector_success", job="postgres", collector="locks")
    full = machine("PostgresConnectionsNearLimit", "warning", "postgres.connections", job="postgres")
    expected: set[tuple[str, ...]] = set()
    assert alertmanager.muted([collector, full], expected) == expected


def test_a_data_store_elsewhere_is_not_the_server_that_is_down(tmp_path: Path) -> None:
    own = rendered(tmp_path / "own", "{}").read_text(encoding="utf-8")
    elsewhere = rendered(tmp_path / "elsewhere", "database: {url_file: /etc/secrets/url}").read_text(encoding="utf-8")
    assert own.count("PostgresDown") == 2
    assert elsewhere.count("PostgresDown") == 1


def test_an_alert_without_these_labels_mutes_nothing_else(alertmanager: Server) -> None:
    """`equal` also holds where both sides lack the label: the signal still keeps strangers apart."""
    bare = {"alertname": "Foreign", "severity": "critical", "signal": "foreign"}
    warning = {"alertname": "Other", "severity": "warning", "signal": "other"}
    expected: set[tuple[str, ...]] = set()
    assert alertmanager.muted([bare, warning], expected) == expected
