"""What the inbox tells of itself is what is declared, in both formats."""

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from metrics import process, stack
from tests.alerts.inbox.service import Inbox, alert, delivery, watchdog

_PREFIXES = ("watchfloor_inbox_", "watchfloor_watchdog_", "watchfloor_event")
DECLARED = {metric.name for metric in stack.METRICS if metric.name.startswith(_PREFIXES)}
OURS = DECLARED | {metric.name for metric in process.METRICS} | {stack.BUILD_INFO.name}


def families(text: str) -> set[str]:
    parsed = text_string_to_metric_families(text)
    found = {sample.name for family in parsed for sample in family.samples}
    return {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in found}


def test_everything_declared_is_exposed_and_nothing_else(inbox: Inbox) -> None:
    assert families(inbox.get("/metrics").text) == OURS - {stack.WATCHDOG_AGE.name, stack.EVENT_TIME.name}
    inbox.post(watchdog())
    inbox.call("POST", "/api/events", {"title": "x"})
    assert families(inbox.get("/metrics").text) == OURS


def test_openmetrics_is_spoken_when_asked_for(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    answer = inbox.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    found = {family.name: family for family in openmetrics.text_string_to_metric_families(answer.text)}  # type: ignore[no-untyped-call]  # the client library leaves it untyped
    values = {tuple(sample.labels.values()): sample.value for sample in found["watchfloor_inbox_notifications"].samples}
    assert values["firing", "warning"] == 1
    assert values["resolved", "critical"] == 0


def test_counters_begin_at_zero(inbox: Inbox) -> None:
    text = inbox.get("/metrics").text
    for severity in stack.SEVERITIES:
        assert f'watchfloor_inbox_notifications_total{{status="resolved",severity="{severity}"}} 0' in text
    for reason in ("unauthorized", "malformed", "too_large"):
        assert f'watchfloor_inbox_rejected_total{{reason="{reason}"}} 0' in text
