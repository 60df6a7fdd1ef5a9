"""From a case file to promtool's test file; and promtool's verdict on rendered, or deliberately broken, rules."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from alerts import render
from alerts.model import Alert, site_alerts
from metrics.durations import scaled
from settings import Site

CASES = Path(__file__).parent / "cases"
SITE = Site(cluster="c")
ALERTS = {alert.name: alert for alert in site_alerts(SITE)}


@dataclass(frozen=True)
class Verdict:
    """What promtool said."""

    passed: bool
    words: str


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def expected(name: str) -> dict[str, Any]:
    """The one alert of the case's firing half, with every label and annotation."""
    fires, alert = case(name)["fires"], ALERTS[name]
    links = {
        "runbook_url": f"http://localhost:9095/runbooks/{name}",
        "dashboard_url": f"http://localhost:3000/d/{fires['dashboard']}from=now-1h&to=now",
    }
    labels = fires["labels"] | {"severity": alert.severity, "signal": alert.entry.signal}
    return {"exp_labels": labels, "exp_annotations": fires["annotations"] | links}


def _test(part: dict[str, Any], checks: list[dict[str, Any]]) -> dict[str, Any]:
    series = [{"series": name, "values": str(values)} for name, values in part["series"].items()]
    return {"interval": part.get("interval", "10s"), "input_series": series, "alert_rule_test": checks}


def tests(name: str) -> list[dict[str, Any]]:
    """promtool's tests: quiet just before, firing just after, quiet in every quiet case."""
    loaded = case(name)
    fires = loaded["fires"]
    checks = [{"eval_time": fires["at"], "alertname": name, "exp_alerts": [expected(name)]}]
    if "quiet_at" in fires:
        checks.insert(0, {"eval_time": fires["quiet_at"], "alertname": name, "exp_alerts": []})
    quiet = [_test(part, [{"eval_time": part["at"], "alertname": name, "exp_alerts": []}]) for part in loaded["quiet"]]
    return [_test(fires, checks), *quiet]


def run(alert: Alert, folder: Path) -> Verdict:
    """promtool's verdict on one alert, as it is or broken, under its case; recordings are rendered with it."""
    name = alert.name
    render.write(render.rules((alert,), SITE), folder)
    content = {
        "rule_files": [str(folder / "rules" / f"{alert.domain}.yml")],
        "evaluation_interval": case(name).get("evaluation", "10s"),
        "tests": tests(name),
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    ended = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return Verdict(ended.returncode == 0, ended.stdout + ended.stderr)


def mutants(alert: Alert) -> dict[str, Alert]:
    """The alert, broken in every way that a slip of the hand might: a good case refuses each."""
    found = {}
    if alert.threshold is not None:
        found["comparison flipped"] = replace(alert, signal=replace(alert.signal, bad_below=not alert.signal.bad_below))
        if alert.signal.minimum < alert.signal.maximum:
            found["threshold 3 % higher"] = replace(alert, threshold=alert.threshold * 1.03 or 5.0)
            found["threshold 3 % lower"] = replace(alert, threshold=alert.threshold * 0.97 or -1.0)
    else:
        other = ALERTS["TargetDown"].signal
        found["condition of another alert"] = replace(alert, signal=other, threshold=1.0)
    if alert.for_ != "0s":
        found["for halved"] = replace(alert, for_=scaled(alert.for_, 0.5))
        found["for longer by half"] = replace(alert, for_=scaled(alert.for_, 1.5))
    if alert.guard is not None:
        found["guard dropped"] = replace(alert, guard=None)
    swapped = {"critical": "warning", "warning": "critical", "info": "warning"}
    found["severity changed"] = replace(alert, severity=swapped[alert.severity])
    return found
