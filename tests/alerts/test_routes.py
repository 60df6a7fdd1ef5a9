"""Who is told, asked of amtool; who is muted, asked of a real Alertmanager."""

from __future__ import annotations

import json
import re
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
from tests.alerts.notified import running
from tests.waiting import until

EVERY_RECEIVER = """
cluster: c
receivers:
  - {type: webhook, name: chat, url: "http://127.0.0.1:9/hook", bearer_token_file: /etc/secrets/chat}
  - {type: slack, name: channel, url_file: /etc/secrets/slack, channel: "#ops", severities: [warning], mute: [nights]}
  - {type: email, name: mail, to: a@example.org, from: b@example.org, smarthost: "127.0.0.1:25",
     username: u, password_file: /etc/secrets/mail}
  - {type: pagerduty, name: pager, routing_key_file: /etc/secrets/pager}
mute_times:
  - {name: nights, weekdays: [friday, sunday], from: "18:00", to: "08:00", location: Europe/Berlin}
deadman: {url_file: /etc/secrets/outside}
hosts:
  - {name: web-1, address: "10.0.0.5:9701"}
"""


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
    template = tmp_path / "alertmanager" / "notifications.tmpl"
    template.write_text(template.read_text(encoding="utf-8").replace('"one.since"', '"one.sicne"', 1), encoding="utf-8")
    failures = "\n".join(checks.check(tmp_path))
    assert "nowhere" in failures
    assert 'template "one.since" not defined' in failures
    assert "parse error" in failures


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
    watchdog = next(route for route in routes if route["receiver"] == "watchdog")
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

    def end(self) -> None:
        """Ends every alert, and waits until none is left."""
        over = [{"labels": alert["labels"], "endsAt": "2026-01-01T00:00:00Z"} for alert in self.alerts()]
        body = json.dumps(over).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).close()
        until("no alert is left", lambda: not self.alerts())

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A factor of 0.001: groups are handled, and so inhibition is known, within milliseconds.
    with running(tmp_path_factory.mktemp("routes"), "profile: {factor: 0.001}\nhosts: [{name: web-1, address: 'a:1'}]") as made:
        yield Server(made.url)


@pytest.fixture
def alertmanager(server: Server) -> Iterator[Server]:
    """The one of this file; what a test sent is over when the test is."""
    yield server
    server.end()


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
    assert own.count("PostgresDown") == 4
    assert elsewhere.count("PostgresDown") == 1


def test_an_alert_without_these_labels_mutes_nothing_else(alertmanager: Server) -> None:
    """`equal` also holds where both sides lack the label: the signal still keeps strangers apart."""
    bare = {"alertname": "Foreign", "severity": "critical", "signal": "foreign"}
    warning = {"alertname": "Other", "severity": "warning", "signal": "other"}
    expected: set[tuple[str, ...]] = set()
    assert alertmanager.muted([bare, warning], expected) == expected


def test_another_machine_that_is_gone_mutes_what_runs_on_it_alone(alertmanager: Server) -> None:
    down = machine("TargetDown", "critical", "stack.target_up", instance="web-1")
    there = machine("PostgresDown", "critical", "postgres.up", job="postgres", instance="web-1")
    elsewhere = there | {"instance": "web-2"}
    nameless = machine("AppDown", "critical", "app.up", job="app") | {"instance": ""}
    expected = {_name(there)}
    assert alertmanager.muted([down, there, elsewhere, nameless], expected) == expected


def test_a_dead_exporter_of_this_machine_mutes_nothing_that_runs_here(alertmanager: Server) -> None:
    """Prometheus runs here, so the machine is there: its exporter alone is gone."""
    down = machine("TargetDown", "critical", "stack.target_up")
    there = machine("PostgresDown", "critical", "postgres.up", job="postgres")
    assert alertmanager.muted([down, there], set()) == set()


def test_a_database_that_is_down_mutes_its_latency_and_its_waiting(alertmanager: Server) -> None:
    down = machine("PostgresDown", "critical", "postgres.up", job="postgres")
    waiting = machine("DatabaseWritesDelayed", "warning", "database.spool_wait", job="stream")
    lost = machine("DatabaseRowsLost", "critical", "database.rows_lost", job="stream")
    budget = {"alertname": "SLOBurnRate1h", "severity": "critical", "cluster": "c", "slo": "database_latency"}
    other = budget | {"slo": "api_latency"}
    elsewhere = budget | {"alertname": "SLOBurnRate6h", "cluster": "d"}
    expected = {_name(waiting), _name(budget)}
    assert alertmanager.muted([down, waiting, lost, budget, other, elsewhere], expected) == expected


@pytest.mark.parametrize("missing", ["cluster", "instance", "job", "signal"])
def test_a_warning_that_lacks_a_label_of_its_critical_alert_is_not_muted(missing: str, alertmanager: Server) -> None:
    critical = machine("CriticalCPUUsage", "critical", "system.cpu_usage")
    warning = machine("HighCPUUsage", "warning", "system.cpu_usage")
    assert alertmanager.muted([critical, {name: value for name, value in warning.items() if name != missing}], set()) == set()


def test_a_page_without_a_signal_mutes_no_warning_without_one(alertmanager: Server) -> None:
    """Alerts of somebody else's on one machine: equal, because both lack what would tell them apart."""
    own = {"cluster": "c", "instance": "host-1", "job": "app"}
    page = {"alertname": "ForeignPage", "severity": "critical"} | own
    warning = {"alertname": "ForeignWarning", "severity": "warning"} | own
    assert alertmanager.muted([page, warning], set()) == set()


def test_a_mute_time_past_midnight_ends_on_the_next_day(tmp_path: Path) -> None:
    config = yaml.safe_load(rendered(tmp_path, EVERY_RECEIVER).read_text(encoding="utf-8"))
    (nights,) = config["time_intervals"]
    assert nights == {
        "name": "nights",
        "time_intervals": [
            {
                "times": [{"start_time": "18:00", "end_time": "24:00"}],
                "weekdays": ["friday", "sunday"],
                "location": "Europe/Berlin",
            },
            {
                "times": [{"start_time": "00:00", "end_time": "08:00"}],
                "weekdays": ["saturday", "monday"],
                "location": "Europe/Berlin",
            },
        ],
    }
    muted = {(route["receiver"], *route["matchers"]) for route in config["route"]["routes"] if route.get("mute_time_intervals")}
    assert muted == {("channel", 'severity = "warning"')}
