"""Changing a running appliance: a good file is applied, a bad one is refused and the old one stays."""

from typing import Any

import pytest

from compose.errors import BadInputError
from tests.appliance import Appliance, get
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("appliance")


def rule(appliance: Appliance, name: str) -> dict[str, Any] | None:
    groups = get(appliance.url("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
    return next((item for group in groups for item in group["rules"] if item["name"] == name), None)


def query_of(appliance: Appliance, name: str) -> str:
    found = rule(appliance, name)
    return found["query"] if found else ""


def test_an_override_reaches_the_running_rule_and_goes_again(appliance: Appliance) -> None:
    assert query_of(appliance, "HighCPUUsage").endswith("> 80")
    appliance.change(alerts={"HighCPUUsage": {"threshold": 83}})
    assert appliance.up()
    until("the new threshold is evaluated", lambda: query_of(appliance, "HighCPUUsage").endswith("> 83"), 15)
    appliance.change(alerts={"HighCPUUsage": {"enabled": False}})
    assert appliance.up()
    until("the rule is gone", lambda: rule(appliance, "HighCPUUsage") is None, 15)
    appliance.change(alerts={})
    assert appliance.up()
    until("the rule is back", lambda: query_of(appliance, "HighCPUUsage").endswith("> 80"), 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alerts": {"NoSuchAlert": {"enabled": False}}}, "NoSuchAlert"),
        ({"alerts": {"HighCPUUsage": {"threshold": 800}}}, "threshold"),
        ({"alerts": {"HighCPUUsage": {"for": "soon"}}}, "alerts.HighCPUUsage.for"),
        ({"prometheus": {"scrape_interval": "1s", "scrape_timeout": "2s"}}, "scrape_timeout"),
        ({"scrape": [{"job": "prometheus", "targets": ["127.0.0.1:1"]}]}, "prometheus"),
        ({"prometheus": {"scrape_interval": "10s", "retention_size": "9XB"}}, "retention_size"),
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
    assert {name: process.pid for name, process in appliance.stack.supervisor.processes().items()} == pids
    assert not list(appliance.home.glob("rendered-new"))
