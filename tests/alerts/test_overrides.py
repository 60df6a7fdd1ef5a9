"""What `alerts:` in site.yaml may ask for, and what is told when it asks for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts import cli, render
from alerts.model import site_alerts, words
from settings import Site, parse


def test_numbers_in_texts_follow_the_override() -> None:
    site = parse("alerts: {HighCPUUsage: {threshold: 85.5, for: 10m, severity: critical}}")
    alert = next(alert for alert in site_alerts(site) if alert.name == "HighCPUUsage")
    assert alert.promql == "system_cpu_usage > 85.5"
    assert alert.for_ == "10m"
    assert render.notes(alert, site)["description"] == "CPU usage is above 85.5% for 10 minutes"
    assert render.labels(alert, site)["severity"] == "critical"


def test_a_disabled_alert_is_not_rendered() -> None:
    files = render.render(parse("alerts: {ClockSkew: {enabled: false}}"))
    assert "ClockSkew" not in files["rules/system.yml"]
    assert "DiskAlmostFull" in files["rules/system.yml"]


def test_the_profile_multiplies_every_duration() -> None:
    files = render.render(parse("profile: {factor: 0.1}"))
    rules, routes = files["rules/system.yml"], files["alertmanager/alertmanager.yml"]
    assert "interval: 1s" in rules
    assert "rate(node_cpu_seconds_total[6s])" in rules
    assert "for: 30s" in rules
    assert "above 80% for 30 seconds" in rules
    assert "group_wait: 500ms" in routes
    assert "repeat_interval: 6s" in routes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "alerts:\n  HighCPUUsage:\n    threshold: 180\n",
            ":3: alerts.HighCPUUsage.threshold: is 180: give a number from 1 to 99.9 (percent)",
        ),
        ("alerts:\n  HighCPUusage: {}\n", ":2: alerts.HighCPUusage: no such alert: did you mean 'HighCPUUsage'?"),
        ("alerts:\n  Xyz: {}\n", ":2: alerts.Xyz: no such alert: known alerts are "),
        ("alerts:\n  Watchdog:\n    enabled: false\n", ":2: alerts.Watchdog: cannot be changed: remove it: the inbox takes"),
        (
            "alerts:\n  HighCPUUsage:\n    threshold: 95\n",
            ":3: alerts.HighCPUUsage.threshold: HighCPUUsage at 95 would not come before CriticalCPUUsage at 90: set the",
        ),
        (
            "alerts:\n  CriticalCPUUsage:\n    threshold: 80\n",
            ":3: alerts.CriticalCPUUsage.threshold: HighCPUUsage at 80 would not come before CriticalCPUUsage at 80: set the",
        ),
        (
            "alerts:\n  TargetDown:\n    threshold: 0.5\n",
            ":3: alerts.TargetDown.threshold: this alert compares with no threshold",
        ),
        (
            "receivers:\n  - type: webhook\n    name: inbox\n    url: http://127.0.0.1:9/\n",
            ":3: receivers[0].name: 'inbox' is the",
        ),
    ],
)
def test_one_error_names_line_key_and_range_and_nothing_is_written(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, out = tmp_path / "site.yaml", tmp_path / "out"
    site.write_text(text, encoding="utf-8")
    monkeypatch.setenv("WATCHFLOOR_SITE", str(site))
    assert cli.main(["render", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(str(site))
    assert said in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("duration", "said"),
    [("5m", "5 minutes"), ("1m", "1 minute"), ("90s", "90 seconds"), ("2h", "2 hours"), ("500ms", "0.5 seconds")],
)
def test_durations_in_words(duration: str, said: str) -> None:
    assert words(duration) == said


def test_a_second_rendering_touches_nothing(tmp_path: Path) -> None:
    render.write(render.render(Site()), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yml")}
    (tmp_path / "rules" / "old.yml").write_text("groups: []\n", encoding="utf-8")
    render.write(render.render(Site()), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yml")} == before


def test_the_committed_defaults_are_what_is_rendered() -> None:
    folder = Path(render.__file__).parent / "rendered"
    committed: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
    }
    assert render.render(Site()) == committed


def test_a_folder_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", "--defaults", "--out", "/proc/nowhere"]) == 2
    assert capsys.readouterr().err == "/proc/nowhere: No such file or directory: name a folder that can be written\n"
