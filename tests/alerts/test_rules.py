"""Every alert: quiet just before, firing just after with all labels and annotations; and a broken one is noticed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from alerts import runbooks
from alerts.model import read_catalogue
from tests.alerts import rulecases
from tests.alerts.rulecases import ALERTS, CASES

NEVER_QUIET = {"Watchdog"}  # always firing is its purpose
Verdicts = Callable[[str], dict[str, rulecases.Verdict]]
MUTANTS = [(name, slip) for name, alert in ALERTS.items() for slip in rulecases.mutants(alert)]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """promtool's verdicts on an alert and its mutants, asked for once."""
    return cache(lambda name: rulecases.judge(name, tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize("name", ALERTS)
def test_quiet_before_and_firing_after(name: str, verdicts: Verdicts) -> None:
    assert verdicts(name)[""].passed, verdicts(name)[""].words


@pytest.mark.parametrize(("name", "slip"), MUTANTS)
def test_a_broken_alert_is_noticed(name: str, slip: str, verdicts: Verdicts) -> None:
    assert not verdicts(name)[slip].passed, f"{name} with {slip} passes its own test"


def test_every_alert_has_a_firing_and_a_quiet_case_and_a_runbook() -> None:
    alerts = {entry.name for _, entry in read_catalogue()}
    assert {path.stem for path in CASES.glob("*.yaml")} == alerts
    assert {name for name in alerts if rulecases.case(name)["quiet"]} == alerts - NEVER_QUIET
    assert {path.stem for path in runbooks.FOLDER.glob("*.md")} == alerts


def test_guards_have_a_case_that_only_they_hold_back() -> None:
    guarded = {name for name, alert in ALERTS.items() if alert.guard}
    assert guarded == {name for name in ALERTS if any(part.get("guard") for part in rulecases.case(name)["quiet"])}
