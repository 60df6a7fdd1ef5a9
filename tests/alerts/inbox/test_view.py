from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.inbox.alertmanager import Silence
from alerts.inbox.listing import Event, Incident
from alerts.inbox.matchers import Matcher, fit, parse
from alerts.inbox.view import card, link, verdict, window
from alerts.inbox.watchdog import pulse

LABELS = {"alertname": "HighCPUUsage", "instance": "web-1", "job": "system", "severity": "warning", "signal": "system.cpu_usage"}
INCIDENT = Incident(
    id=1, fingerprint="f", alertname="HighCPUUsage", severity="warning", labels=LABELS, annotations={}, generator_url="",
    value="9.1e+01", first_bad_at=10_000.0, first_bad_unknown="", starts_at=10_300.0, delivered_at=10_312.5,
    acknowledged_at=None, acknowledged_by="", acknowledged_comment="", resolved_at=None, resolved_delivered_at=None,
    episode=1, last_delivery=10_312.5,
)  # fmt: skip
ALIVE, DEAD, WAITING = pulse(100, 90, 0), pulse(1000, 90, 0), pulse(100, None, 0)


@pytest.mark.parametrize(
    ("firing", "bare", "heard", "state", "words"),
    [
        ({}, 0, ALIVE, "ok", "No alert is firing"),
        ({}, 0, WAITING, "unknown", "Waiting for the first Watchdog"),
        ({}, 0, DEAD, "critical", "Alerting is broken"),
        ({"critical": 1, "info": 2}, 3, DEAD, "critical", "Alerting is broken"),
        ({"critical": 1}, 1, ALIVE, "critical", "1 critical alert"),
        ({"warning": 2, "info": 1}, 1, ALIVE, "warning", "2 warning alerts, 1 more"),
        ({"info": 1}, 0, WAITING, "info", "1 info alert, all acknowledged"),
    ],
)
def test_the_first_question_is_answered(firing: dict[str, int], bare: int, heard: object, state: str, words: str) -> None:
    found = verdict(firing, bare, heard)  # type: ignore[arg-type]  # a Pulse
    assert (found.state, found.words) == (state, words)


def test_a_card_says_how_long_it_took() -> None:
    found = card(INCIDENT, [Event(10_300.0, "renotified", "", "", 3)], [], now=10_400.0)
    assert (found.detected, found.arrived, found.value, found.since.age) == ("5 min", "5 min 12 s", "91%", "1 min")
    assert found.value_from == "CPU usage, when it arrived"
    assert found.timeline[0].what == "Notified again (3 times, last)"
    unknown = card(replace(INCIDENT, first_bad_at=None, first_bad_unknown="no answer"), [], [], now=10_400.0)
    assert (unknown.detected, unknown.arrived, unknown.unknown) == ("", "", "no answer")


def test_a_foreign_alert_shows_its_value_without_a_unit_and_its_own_words_as_they_are() -> None:
    foreign = {name: text for name, text in LABELS.items() if name != "signal"}
    found = card(replace(INCIDENT, labels=foreign), [], [], now=10_400.0)
    assert (found.value, found.value_from) == ("91", "when it arrived")
    said = card(replace(INCIDENT, annotations={"value": "lots"}), [], [], now=10_400.0)
    assert (said.value, said.value_from) == ("lots", "")


def test_the_offered_silence_fits_this_alert_alone() -> None:
    matchers = parse(card(INCIDENT, [], [], now=10_400.0).matchers)
    assert fit(matchers, LABELS)
    assert not fit(matchers, LABELS | {"instance": "web-2"})


def test_only_an_active_silence_that_fits_silences() -> None:
    moment = datetime.fromtimestamp(20_000, UTC)
    fitting = Silence("1", [Matcher("instance", "web-.", is_regex=True)], moment, moment)
    other = Silence("2", [Matcher("instance", "db")], moment, moment)
    assert card(INCIDENT, [], [other, fitting], now=10_400.0).silenced is not None
    assert card(INCIDENT, [], [other], now=10_400.0).silenced is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil", "/x", "", "http://", "http://[", " javascript:1"]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert link(url) == ""


def test_a_dashboard_opens_at_the_incident() -> None:
    url = "http://h:3000/d/system?var-instance=web%201&from=now-1h&to=now"
    assert window(url, INCIDENT) == "http://h:3000/d/system?var-instance=web+1&from=8200000&to=now"
    assert window(url, replace(INCIDENT, resolved_at=11_000.0)).endswith("from=8200000&to=11900000")
    assert window("", INCIDENT) == ""
