"""Is it fine? Firing alerts and failing targets, as Prometheus knows them, for the strip above every dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from dashboards.preview.prometheus import Prometheus, QueryError

_WATCHDOG = "Watchdog"  # fires always, to prove that alerting works
_RANK = {"critical": 0, "warning": 1, "info": 2}


class Alert(Struct, frozen=True, rename="camel"):
    """One alert of a rule."""

    state: str
    active_at: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _Rule(Struct, frozen=True):
    name: str = ""
    health: str = "ok"
    alerts: list[Alert] = []


class _Group(Struct, frozen=True):
    rules: list[_Rule] = []


class Rules(Struct, frozen=True):
    """Prometheus's rules API, alerting rules only."""

    groups: list[_Group] = []


def summary(rules: Rules, inbox: str) -> dict[str, Any]:
    """The strip's content: a state, a word, the firing alerts (worst first, then oldest) and a link to the inbox."""
    listed = [rule for group in rules.groups for rule in group.rules]
    active = [alert for rule in listed for alert in rule.alerts if alert.labels.get("alertname") != _WATCHDOG]
    firing = sorted((alert for alert in active if alert.state == "firing"), key=lambda one: (_rank(one), one.active_at))
    pending = sum(alert.state == "pending" for alert in active)
    broken = [rule.name for rule in listed if rule.health == "err"]
    return {
        "inbox": inbox, "pending": pending, "alerts": [_told(alert) for alert in firing],
        "state": _state(firing, listed, broken), "text": _words(firing, listed, broken, pending),
    }  # fmt: skip


def _rank(alert: Alert) -> int:
    return _RANK.get(alert.labels.get("severity", ""), len(_RANK))


def _state(firing: Sequence[Alert], listed: Sequence[_Rule], broken: Sequence[str]) -> str:
    if firing:
        worst = firing[0].labels.get("severity", "")
        return worst if worst in _RANK else "warning"
    return "unknown" if broken or not listed else "ok"


def _words(firing: Sequence[Alert], listed: Sequence[_Rule], broken: Sequence[str], pending: int) -> str:
    wait = f", {pending} pending" if pending else ""
    if firing:
        return ("1 alert is firing" if len(firing) == 1 else f"{len(firing)} alerts are firing") + wait
    if not listed:
        return "Not known: Prometheus has no alert rules"
    if broken:
        return f"Not known: {len(broken)} alert rules fail, the first is {broken[0]}"
    return f"Fine: none of {len(listed)} alert rules is firing{wait}"


def _told(alert: Alert) -> dict[str, Any]:
    labels, notes = alert.labels, alert.annotations
    link = notes.get("runbook_url", "")
    return {
        "title": notes.get("title") or labels.get("alertname", "alert"), "summary": notes.get("summary", ""),
        "severity": labels.get("severity", ""), "instance": labels.get("instance", ""), "since": _milliseconds(alert.active_at),
        "runbook": link if link.startswith(("http://", "https://")) else "",
    }  # fmt: skip


def _milliseconds(text: str) -> float | None:
    """Prometheus writes nanoseconds, which Python's reader of 3.11 cuts to microseconds."""
    try:
        return datetime.fromisoformat(text).timestamp() * 1000
    except ValueError:
        return None


async def ask(prometheus: Prometheus, inbox: str) -> dict[str, Any]:
    """The strip's content, also when Prometheus does not answer. Raises nothing."""
    try:
        return summary(await prometheus.get("rules", Rules, type="alert"), inbox)
    except QueryError as error:
        return {"inbox": inbox, "pending": 0, "alerts": [], "state": "unknown", "text": f"Not known: {error}"}
