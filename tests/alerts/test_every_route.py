"""Every route and every receiver: amtool says who is told, each route is missed when it is gone, and amlint finds nothing."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.test_routes import EVERY_RECEIVER, rendered

# Labels of an alert -> who is told.
TOLD = {
    "severity=critical": "inbox,chat,mail,pager",
    "severity=warning": "inbox,chat,channel,mail",
    "severity=info": "nobody",
    "alertname=Watchdog severity=info": "watchdog",
    "alertname=Watchdog severity=critical": "watchdog",
    "alertname=NoSeverity": "inbox",
    "alertname=NotificationsFailing severity=critical integration=email": "inbox,chat,mail,pager",
    "watchfloor_test=inbox severity=critical": "inbox",
    "watchfloor_test=chat severity=warning": "chat",
    "watchfloor_test=channel": "channel",
    "watchfloor_test=mail severity=info": "mail",
    "watchfloor_test=pager severity=critical": "pager",
    "watchfloor_test=nobody-of-ours severity=warning": "inbox,chat,channel,mail",
}
# What amlint says that is as it should be.
MEANT = {
    "empty-receiver": "`nobody` takes what is never sent",
    "wait-exceeds-interval": "a warning waits 30 s for others; what joins a group that was told of is in the inbox within 5 s",
    "global-resolve-timeout-missing": "Prometheus says when each alert ends",
}


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("routes"), EVERY_RECEIVER)


def refused(configuration: Path, labels: str) -> str:
    """What amtool has against the claim that an alert with these labels reaches who it should; nothing where it is true."""
    command = ["amtool", "config", "routes", "test", f"--config.file={configuration}", f"--verify.receivers={TOLD[labels]}"]
    ended = subprocess.run([*command, *labels.split()], capture_output=True, text=True, timeout=30, check=False)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


@pytest.mark.parametrize("labels", TOLD)
def test_an_alert_reaches_who_it_should(labels: str, configuration: Path) -> None:
    assert refused(configuration, labels) == ""


def test_every_receiver_is_reached(configuration: Path) -> None:
    receivers = {receiver["name"] for receiver in yaml.safe_load(configuration.read_text())["receivers"]}
    assert {name for told in TOLD.values() for name in told.split(",")} == receivers


def broken(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The configuration with one route gone, or one that ends the search where it should go on; each under its name."""
    routes = config["route"]["routes"]
    for place, route in enumerate(routes):
        name = f"{route['matchers'][0]} -> {route['receiver']}"
        without = copy.deepcopy(config)
        del without["route"]["routes"][place]
        yield f"{name} is gone", without
        if any(later["matchers"] == route["matchers"] for later in routes[place + 1 :]):
            ending = copy.deepcopy(config)
            del ending["route"]["routes"][place]["continue"]
            yield f"{name} ends it", ending


def test_no_route_can_be_lost_unseen(configuration: Path) -> None:
    whole = yaml.safe_load(configuration.read_text())
    changed = configuration.with_name("changed.yml")
    unseen = []
    for what, config in broken(whole):
        changed.write_text(yaml.safe_dump(config), encoding="utf-8")
        if not any(refused(changed, labels) for labels in TOLD):
            unseen.append(what)
    assert unseen == []


@pytest.mark.parametrize("text", ["{}", EVERY_RECEIVER])
def test_amlint_finds_nothing_but_what_is_meant(text: str, tmp_path: Path) -> None:
    """It looks for routes that nothing reaches, mutes that never match a rule, names that no rule has."""
    path = rendered(tmp_path, text)
    command = [str(Path(sys.executable).with_name("amlint")), "check", "--format=json", f"--rules={tmp_path}/rules/*.yml"]
    ended = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60, check=False)
    found = {finding["code"]: finding["message"] for finding in json.loads(ended.stdout)}
    assert set(found) == set(MEANT), found


def test_amlint_would_find_an_alert_that_no_rule_has(tmp_path: Path) -> None:
    path = rendered(tmp_path, "{}")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('alertname = "TargetDown"', 'alertname = "TargetDonw"'), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("amlint")), "check", "--format=json", f"--rules={tmp_path}/rules/*.yml"]
    ended = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert "TargetDonw" in ended.stdout
