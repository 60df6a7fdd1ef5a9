"""Every alert: quiet just before, firing just after with all labels and annotations; and a broken one is noticed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from alerts import runbooks
from alerts.model import read_catalogue
from settings.paths import CLONE
from tests.alerts import resolved, rulecases
from tests.alerts.rulecases import ALERTS, CASES

NEVER_QUIET = {"Watchdog"}  # always firing is its purpose
ABSENT = {"TargetAbsent"}  # and of this one, that nothing is there
Verdicts = Callable[[str], dict[str, rulecases.Verdict]]
MUTANTS = [(name, slip) for name, alert in ALERTS.items() for slip in rulecases.mutants(alert)]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """promtool's verdicts on an alert and its mutants, asked for once."""
    return cache(lambda name: rulecases.judge(name, tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize("name", ALERTS)
def test_quiet_before_and_firing_after(name: str, verdicts: Verdicts) -> None:
    assert verdicts(name)[""].passed, verdicts(name)[""].words


@pytest.mark.parametrize("name", [name for name in ALERTS if name not in NEVER_QUIET and resolved.short(name)])
def test_it_is_over_when_what_it_tells_of_is(name: str, tmp_path: Path) -> None:
    assert resolved.judge(name, tmp_path) == ""


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


def test_without_any_data_only_absence_is_told(tmp_path: Path) -> None:
    """A Prometheus that has scraped nothing for two hours: no rule takes that for an ill machine."""
    checks = [{"eval_time": "2h", "alertname": name, "exp_alerts": []} for name in ALERTS if name not in ABSENT | NEVER_QUIET]
    content = {
        "rule_files": sorted(str(path) for path in (CLONE / "alerts" / "rendered" / "rules").glob("*.yml")),
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": [], "alert_rule_test": checks}],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    ended = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(checks) > 80
