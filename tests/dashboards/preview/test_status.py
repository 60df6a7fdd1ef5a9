"""Is it fine?"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.preview import status


def alert(
    name: str, state: str = "firing", severity: str = "warning", at: str = "2026-01-02T03:04:05.123456789Z", **notes: str
) -> dict[str, Any]:
    return {"state": state, "activeAt": at, "labels": {"alertname": name, "severity": severity}, "annotations": notes}


def summary(*alerts: dict[str, Any], health: str = "ok") -> dict[str, Any]:
    rules = {"groups": [{"rules": [{"name": "r", "health": health, "alerts": list(alerts)}]}]}
    return status.summary(msgspec.convert(rules, status.Rules), "http://inbox")


def test_fine_is_said_only_when_rules_are_evaluated() -> None:
    assert (summary()["state"], summary()["text"]) == ("ok", "Fine: none of 1 alert rules is firing")
    assert status.summary(status.Rules(), "")["state"] == "unknown"
    assert summary(health="err")["text"] == "Not known: 1 alert rules fail, the first is r"


def test_the_watchdog_is_no_trouble() -> None:
    assert summary(alert("Watchdog"))["state"] == "ok"


def test_the_worst_stands_first() -> None:
    made = summary(alert("W"), alert("C", severity="critical", title="It burns"), alert("P", "pending"))
    assert [one["title"] for one in made["alerts"]] == ["It burns", "W"]
    assert (made["state"], made["text"], made["pending"]) == ("critical", "2 alerts are firing, 1 pending", 1)
    assert made["alerts"][0]["since"] == 1_767_323_045_123.456


def test_only_web_addresses_become_links() -> None:
    assert summary(alert("A", runbook_url="javascript:alert(1)"))["alerts"][0]["runbook"] == ""
    assert summary(alert("A", runbook_url="http://x/y"))["alerts"][0]["runbook"] == "http://x/y"
