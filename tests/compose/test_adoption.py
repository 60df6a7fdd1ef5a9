"""docs/guides/adoption.md on Debian's Prometheus, Alertmanager and node_exporter, as a site has them before Watchfloor comes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.export import EVERYWHERE, JOB_OF
from compose import export
from metrics import catalog, stack
from settings.paths import CLONE
from tests.appliance import get, status_of
from tests.dashboards.preview.world import running
from tests.waiting import free_ports, until

GUIDE = (CLONE / "docs" / "guides" / "adoption.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
TIMES = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
# What the site had: its own alert, critical, and another of its own that must not be muted by it.
THEIRS = """groups:
- name: theirs
  rules:
  - {alert: ShopClosed, expr: 'up{job="node"}', labels: {severity: critical}}
  - {alert: ShelfEmpty, expr: 'up{job="node"}', labels: {severity: warning}}
"""


class Site:
    """What their receivers have heard, by path; and where everything is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: dict[str, set[tuple[str, str]]] = {}
        self.node, self.prometheus, self.alertmanager = free_ports(3)

    def names(self, path: str) -> set[tuple[str, str]]:
        return self.heard.get(path, set())

    def ask(self, path: str) -> Any:
        return get(f"http://127.0.0.1:{self.prometheus}/api/v1/{path}")["data"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def port(site: Site) -> Iterator[int]:
    """Where their receivers listen."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = {(alert["labels"]["alertname"], alert["status"]) for alert in body["alerts"]}
            site.heard.setdefault(self.path, set()).update(found)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def out(site: Site) -> Iterator[Path]:
    """Steps 1 and 2, with times run fifty times as fast."""
    settings = yaml.safe_load(BLOCKS[0].replace("127.0.0.1:9100", f"127.0.0.1:{site.node}")) | {"profile": {"factor": 0.02}}
    (site.folder / "site.yaml").write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHFLOOR_SITE", str(site.folder / "site.yaml"))
        patch.delenv("GRAFANA_ENDPOINT", raising=False)
        assert export.main(["--out", str(site.folder / "watchfloor")]) == 0
        yield site.folder / "watchfloor"


def prometheus_yml(site: Site, out: Path) -> Path:
    """Step 3: theirs, the rules and the jobs."""
    (site.folder / "rules").mkdir()
    (site.folder / "rules" / "theirs.yml").write_text(THEIRS)
    ours = BLOCKS[1].replace("/etc/prometheus/watchfloor", f"{out}/prometheus").replace("/etc/prometheus", str(site.folder))
    jobs = yaml.safe_load((out / "prometheus" / "scrape_configs.yml").read_text())["scrape_configs"]
    theirs = {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{site.node}"]}]}
    where = {"static_configs": [{"targets": [f"127.0.0.1:{site.alertmanager}"]}]}
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "alerting": {"alertmanagers": [where]},
        "scrape_configs": [theirs, *jobs],
    }
    path = site.folder / "prometheus.yml"
    path.write_text(json.dumps(config | yaml.safe_load(ours)))
    return path


def alertmanager_yml(site: Site, out: Path, port: int) -> Path:
    """Step 4: theirs, the route, the inhibitions and the receivers, two of them filled as the guide shows."""
    ours = yaml.safe_load((out / "alertmanager" / "watchfloor.yml").read_text())
    filled = {one["name"]: one for one in yaml.safe_load(BLOCKS[2].replace(":9999", f":{port}"))}
    receivers = [filled.get(one["name"], one) for one in ours["receivers"] if one["name"] != "yours"]
    team = {"name": "team", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/team"}]}
    config = {
        "route": {"receiver": "team", "group_by": ["..."], **TIMES, "routes": ours["route"]["routes"]},
        "inhibit_rules": ours["inhibit_rules"],
        "receivers": [team, *receivers],
    }
    path = site.folder / "alertmanager.yml"
    path.write_text(json.dumps(config))
    return path


def test_a_site_that_runs_its_own_servers_takes_rules_routes_and_jobs(site: Site, out: Path, port: int) -> None:
    configs = prometheus_yml(site, out), alertmanager_yml(site, out, port)
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{site.node}", "--collector.disable-defaults"]
    words = [
        "prometheus", f"--config.file={configs[0]}", f"--storage.tsdb.path={site.folder}/data",
        f"--web.listen-address=127.0.0.1:{site.prometheus}", "--rules.alert.resend-delay=1s",
    ]  # fmt: skip
    manager = [
        "prometheus-alertmanager", f"--config.file={configs[1]}", f"--storage.path={site.folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{site.alertmanager}", "--cluster.listen-address=",
    ]  # fmt: skip
    with running(manager, site.folder / "alertmanager.log"):
        until("their Alertmanager is ready", lambda: status_of(f"http://127.0.0.1:{site.alertmanager}/-/ready") == 200)
        with running(words, site.folder / "prometheus.log"):
            until("their Prometheus is ready", lambda: status_of(f"http://127.0.0.1:{site.prometheus}/-/ready") == 200)
            with running([*node, "--collector.cpu", "--collector.meminfo", "--collector.loadavg"], site.folder / "node.log"):
                until("both jobs are scraped", lambda: {("node", "up"), ("system", "up")} <= _health(site))
                until("their alerts reach their team", lambda: len(site.names("/team")) == 2)
                until("the Watchdog is heard", lambda: ("Watchdog", "firing") in site.names("/heartbeat"))
                # The names of the original vocabulary answer there, too.
                until("recordings", lambda: site.ask("query?query=system_memory_usage")["result"])
            until("TargetDown reaches their people", lambda: ("TargetDown", "firing") in site.names("/people"))
            rules = [rule for group in site.ask("rules")["groups"] for rule in group["rules"]]
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] not in ("ok", "unknown")] == []
    down = next(rule for rule in rules if rule["name"] == "TargetDown")
    assert {alert["labels"]["job"] for alert in down["alerts"]} == {"system"}, "their own targets are their business"
    # Neither muted the other, and nothing of theirs came our way.
    assert site.names("/team") >= {("ShopClosed", "firing"), ("ShelfEmpty", "firing")}
    assert {name for name, _ in site.names("/people")}.isdisjoint({"ShopClosed", "ShelfEmpty"})


def _health(site: Site) -> set[tuple[str, str]]:
    return {(target["labels"]["job"], target["health"]) for target in site.ask("targets")["activeTargets"]}


def test_an_export_is_made_anew_and_never_into_a_folder_of_others(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {path.name for path in out.iterdir()} == {"prometheus", "alertmanager", "grafana", "runbooks", "README.md"}
    assert (out / "runbooks" / "TargetDown.md").is_file()
    rules = [path.read_text(encoding="utf-8") for path in (out / "prometheus" / "rules").iterdir()]
    assert rules
    assert not any("watchfloor_inbox_" in text or "watchfloor_service_" in text for text in rules)
    (out / "prometheus" / "rules" / "watchfloor-gone.yml").write_text("{}")
    (out / "notes.txt").write_text("mine")
    assert export.main(["--out", str(out)]) == 0
    assert not (out / "prometheus" / "rules" / "watchfloor-gone.yml").exists()
    assert (out / "notes.txt").read_text() == "mine"

    theirs = tmp_path / "etc"
    (theirs / "prometheus").mkdir(parents=True)
    assert export.main(["--out", str(theirs)]) == 2
    assert f"{theirs}: is no folder of `make export`" in capsys.readouterr().err
    assert list(theirs.iterdir()) == [theirs / "prometheus"]


def test_each_domain_is_exported_with_a_job_or_everywhere() -> None:
    assert set(JOB_OF) | EVERYWHERE == set(catalog.DOMAINS)
    assert not set(JOB_OF) & EVERYWHERE
    assert set(JOB_OF.values()) == set(stack.JOBS) - stack.PLUMBING_JOBS


def test_the_jobs_are_those_that_rules_and_panels_select(out: Path) -> None:
    jobs = yaml.safe_load((out / "prometheus" / "scrape_configs.yml").read_text())["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["system"]
    assert jobs[0]["scrape_interval"] == "200ms"
    told = (out / "prometheus" / "rules" / "watchfloor-stack.yml").read_text()
    assert '(absent(up{job="system"})) and on ()' in told, "of this one alone"
    rules = {path.name for path in (out / "prometheus" / "rules").iterdir()}
    assert rules == {"watchfloor-stack.yml", "watchfloor-system.yml"}, "rules on what is not there are dead"
    boards = {path.stem for path in (out / "grafana" / "dashboards").iterdir()}
    assert {"watchfloor-overview", "watchfloor-system"} <= boards
