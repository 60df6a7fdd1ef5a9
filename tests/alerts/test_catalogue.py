"""The catalogue against what it speaks of: signals, services, runbooks; and what its commands tell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from alerts import cli, model, runbooks
from alerts.errors import CatalogError
from alerts.model import read_catalogue
from compose import topology
from metrics import catalog, durations, stack
from settings import parse
from tests.alerts.rulecases import ALERTS


def test_a_signal_names_the_alert_that_compares_with_its_threshold() -> None:
    """Panels draw a site's override by that name, so it must be the catalogue's."""
    declared = {(key, level, name) for key, signal in catalog.signals().items() for level, name in signal.alerts.items()}
    compared = {(entry.signal, entry.level, entry.name) for _, entry in read_catalogue() if entry.level}
    assert declared == compared


def test_the_job_of_service_down_is_the_service_s_scrape_job() -> None:
    """An expression derives it from the service's name, so that TargetDown can mute ServiceDown."""
    expression = ALERTS["ServiceDown"].promql
    pattern = re.search(r'"service", "([^"]+)"', expression)
    assert pattern, expression
    for service in topology.services(parse("stream: {workers: 3}")):
        found = re.fullmatch(pattern[1], service.name)
        assert found, service.name
        assert found[1] == (service.job or service.name), service.name


def test_every_job_is_pinned_by_target_absent() -> None:
    for job in stack.JOBS:
        assert f'absent(up{{job="{job}"}})' in ALERTS["TargetAbsent"].promql


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signal": "system.cpu"}, "signal 'system.cpu' is not declared"),
        ({"level": "critical", "signal": "system.load_per_core"}, "has no threshold 'critical'"),
        ({"level": None, "guard": "system.disk_half_full"}, "has a guard but no level"),
        ({"for": "5 minutes"}, "Expected `str` matching regex"),
        ({"sevrity": "warning"}, "unknown field `sevrity`"),
    ],
)
def test_a_wrong_entry_is_refused(change: dict[str, str], said: str, tmp_path: Path) -> None:
    entry = yaml.safe_load((model.FOLDER / "system.yaml").read_text(encoding="utf-8"))[0] | change
    (tmp_path / "system.yaml").write_text(yaml.safe_dump([entry]), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"system\.yaml") as caught:
        read_catalogue(tmp_path)
    assert said in str(caught.value)


def test_a_name_stands_once(tmp_path: Path) -> None:
    entries = yaml.safe_load((model.FOLDER / "system.yaml").read_text(encoding="utf-8"))
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(entries[:1]), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(entries[:1]), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"stands in a\.yaml too"):
        read_catalogue(tmp_path)


def test_list_tells_programs_every_alert(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--json", "--defaults"]) == 0
    listed = {alert["name"]: alert for alert in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(ALERTS)
    high = listed["HighCPUUsage"]
    assert (high["severity"], high["for"], high["signal"], high["threshold"]) == ("warning", "5m", "system.cpu_usage", 80)
    assert high["metrics"] == ["system_cpu_usage"]
    assert high["annotations"]["runbook_url"] == "http://localhost:9095/runbooks/HighCPUUsage"


def test_list_tells_people_one_line_an_alert(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--defaults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ALERTS) + 1
    assert any("HighCPUUsage" in line and "system_cpu_usage > 80" in line for line in lines)


def test_runbooks_are_up_to_date_and_keep_what_people_wrote(tmp_path: Path) -> None:
    for path in runbooks.FOLDER.glob("*.md"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert cli.main(["runbooks", "--out", str(tmp_path)]) == 0
    for path in runbooks.FOLDER.glob("*.md"):
        assert (tmp_path / path.name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), path.name
    changed = tmp_path / "HighCPUUsage.md"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("system_cpu_usage > 80", "system_cpu_usage > 8") + "\nWritten by hand.\n", encoding="utf-8")
    assert cli.main(["runbooks", "--out", str(tmp_path)]) == 0
    assert changed.read_text(encoding="utf-8") == text + "\nWritten by hand.\n"


def test_a_runbook_without_its_markers_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ClockSkew.md"
    path.write_text("# Mine\n", encoding="utf-8")
    assert cli.main(["runbooks", "--out", str(tmp_path)]) == 2
    assert "ClockSkew.md" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "# Mine\n"


@pytest.mark.parametrize("path", sorted(runbooks.FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_says_how_to_check_mitigate_and_prevent(path: Path) -> None:
    _, _, by_hand = path.read_text(encoding="utf-8").partition(runbooks.END)
    parts = by_hand.split("\n## ")[1:]
    assert [part.splitlines()[0] for part in parts] == ["How to check", "How to mitigate", "How to prevent"]
    for part in parts:
        assert len(part.splitlines()[1:]) > 2, f"{path.stem}: {part.splitlines()[0]} says nothing"


def test_few_alerts_wake_a_person() -> None:
    """Each that pages names harm to users now; what is a cause, or can wait for the day, is a warning."""
    assert len([name for name, alert in ALERTS.items() if alert.severity == "critical"]) <= 15


def test_no_alert_fires_sooner_than_its_rule_is_looked_at_twice() -> None:
    """A `for` below the interval of its group is a word: it fires an interval after the first look."""
    every = {name: durations.seconds(alert.signal.every or "10s") for name, alert in ALERTS.items()}
    held = {name: durations.seconds(alert.for_) for name, alert in ALERTS.items()}
    assert [name for name in ALERTS if 0 < held[name] < every[name]] == []


def test_every_item_of_the_expected_set_has_an_alert_or_a_reason() -> None:
    seen = {f"{area.area}: {item}": found for area in runbooks.expected() for item, found in area.items.items()}
    assert len(seen) > 60
    assert [item for item, found in seen.items() if not found.alerts and not found.why] == []
    assert {name for found in seen.values() for name in found.alerts} <= set(ALERTS)
