"""The worked example of docs/guides/your-service.md, from the running service to the alert that is proven."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import parse
from tests.alerts.inbox.service import Server
from tests.appliance import get, status_of
from tests.guide_service import blocks, copied, followed
from tests.waiting import free_ports, until


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = copied(tmp_path_factory.mktemp("clone"))
    followed(found)
    return found


def ran(clone: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *words], cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def shop(clone: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, str(clone / "shop.py"), str(port)], stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until("the shop answers", lambda: status_of(f"{url}/metrics") == 200)
            yield url
        finally:
            process.terminate()


def test_the_shop_tells_what_is_declared(clone: Path) -> None:
    with shop(clone) as url:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/order", data=b"")) as answer:
            assert answer.status == 200
        assert status_of(f"{url}/order?fail=1") in (405, 500)
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            told = answer.read().decode()
    declared = ran(clone, "-c", "from metrics import shop; print(*(m.name for m in shop.METRICS))").split()
    assert [name for name in declared if f"# TYPE {name.removesuffix('_total')}" not in told] == []
    assert 'shop_orders_total{result="taken"} 1.0' in told
    assert "shop_order_duration_seconds_bucket" in told


def test_its_job_is_taken() -> None:
    (text,) = (text for _, file, text in blocks() if file == "site.yaml")
    assert [job.job for job in parse(text, "site.yaml", {}).scrape] == ["shop"]


def test_generate_makes_rule_dashboard_and_runbook(clone: Path) -> None:
    ran(clone, "-m", "tests.generate")
    rules = yaml.safe_load((clone / "alerts" / "rendered" / "rules" / "shop.yml").read_text(encoding="utf-8"))
    assert [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule] == ["ShopOrdersFailing"]
    board = json.loads((clone / "dashboards" / "rendered" / "shop.json").read_text(encoding="utf-8"))
    assert "Orders that fail" in {panel["title"] for panel in board["panels"]}
    assert "Customers cannot buy." in (clone / "docs" / "runbooks" / "ShopOrdersFailing.md").read_text(encoding="utf-8")
    ran(clone, "-m", "dashboards", "lint", "dashboards/rendered")


def test_its_alert_fires_and_stays_quiet_as_the_case_says(clone: Path) -> None:
    told = ran(clone, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/alerts/test_rules.py", "-k", "ShopOrdersFailing")
    assert "passed" in told


@contextmanager
def watching(clone: Path, folder: Path, url: str) -> Iterator[Server]:
    """A real Prometheus with the guide's job and its rules, a fiftieth of their time long."""
    alert = (
        "from alerts import render; from alerts.model import site_alerts;"
        "from settings import Site; from settings.types import Profile;"
        "site = Site(cluster='c', profile=Profile(factor=0.02));"
        "print(render.rules([one for one in site_alerts(site) if one.domain == 'shop'], site)['rules/shop.yml'])"
    )
    folder.mkdir()
    (folder / "rules.yml").write_text(ran(clone, "-c", alert), encoding="utf-8")
    job = {"job_name": "shop", "static_configs": [{"targets": [url.removeprefix("http://")]}]}
    config = {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [job | {"metric_relabel_configs": [{"target_label": "cluster", "replacement": "c"}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    (port,) = free_ports(1)
    words = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    server = Server(folder, [*words, f"--web.listen-address=127.0.0.1:{port}"], port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def asked(server: Server, query: str) -> list[dict[str, Any]]:
    found = get(f"{server.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")["data"]["result"]
    return [one for one in found if one["value"][1] != "NaN"]


def test_a_real_prometheus_scrapes_it_its_panels_have_data_and_its_alert_fires(clone: Path, tmp_path: Path) -> None:
    ran(clone, "-m", "tests.generate")
    board = json.loads((clone / "dashboards" / "rendered" / "shop.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(expressions) >= 4
    with shop(clone) as url, watching(clone, tmp_path / "prometheus", url) as server:

        def order() -> None:
            for path in ("/order", "/order?fail=1"):
                with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}{path}", data=b""):
                    pass

        def fires() -> bool:
            order()
            return bool(asked(server, 'ALERTS{alertname="ShopOrdersFailing", alertstate="firing"}'))

        until("the alert fires", fires, 30, 0.1)
        for expression in expressions:
            plain = re.sub(r"\$\{?__\w+\}?", "10s", expression)
            plain = re.sub(r'=~?"\$(?:\w+|\{[^}]+\})"', '=~".*"', plain).replace("$top", "10")
            until(f"data of {plain}", lambda plain=plain: asked(server, plain), 10)  # type: ignore[misc]  # bound now
