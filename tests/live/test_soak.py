"""The judge of `make soak` on a running appliance: the load reaches the stream, and what the inbox was told is counted."""

from __future__ import annotations

import time

import pytest

from compose.topology import services
from tests.appliance import Appliance
from tests.drills.faults import stop_service
from tests.soak.__main__ import main, report
from tests.soak.run import Outcome, sent, soak
from tests.soak.slopes import GROWS, MEMORY, QUANTITIES, SHORT
from tests.waiting import until


def test_a_load_is_answered_and_what_is_sent_meanwhile_is_counted(appliance: Appliance) -> None:
    began = time.time()
    heard: list[Outcome] = []
    with stop_service("exporter-system")(appliance):
        until("an alert reached the inbox", lambda: "TargetDown" in sent(appliance, began), 60)
        asked = time.monotonic()
        outcome = soak(appliance, 6, 5, 20, heard.append)
        passed = time.monotonic() - asked
    assert outcome.messages > 10
    assert 80 <= outcome.answers <= 20 * passed + 1  # twenty a second; answers may be two seconds behind at its end
    assert outcome.failed == 0
    outcome.sent = sent(appliance, began)
    assert f"- TargetDown: {outcome.sent['TargetDown']}\n" in report(outcome, 5, 20, 0.1)


def test_a_minute_of_a_soak_measures_every_process_and_passes_none(appliance: Appliance) -> None:
    outcome = soak(appliance, 60, 20, 20, lambda _: None)
    assert outcome.messages > 1000
    assert outcome.failed == 0
    measured = {(slope.service, slope.quantity) for slope in outcome.slopes}
    assert measured == {(name, quantity) for name in ours(appliance) for quantity in QUANTITIES}
    assert {slope.verdict for slope in outcome.slopes if slope.quantity is MEMORY} <= {SHORT, GROWS}
    text = report(outcome, 20, 20, 0.1)
    assert f"of {len(outcome.slopes)} the soak was too short to tell" in text
    for service in ours(appliance):
        assert f"| {service} | " in text


def ours(appliance: Appliance) -> set[str]:
    """Services that are programs of this project, and are scraped."""
    there = set(appliance.stack.supervisor.processes())
    return {service.name for service in services(appliance.site) if service.own and service.job and service.name in there}


@pytest.mark.parametrize("duration", ["soon", "90", ""])
def test_a_time_that_is_none_is_told(duration: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([duration]) == 2
    assert "give a time as d=90m" in capsys.readouterr().err
