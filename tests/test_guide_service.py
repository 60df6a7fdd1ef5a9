"""The worked example of docs/guides/your-service.md, from the running service to the alert that is proven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from settings import parse
from tests.appliance import status_of
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
