"""From a case file to promtool's test file; and promtool's verdict on rendered, or deliberately broken, rules."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from alerts import notes, render
from alerts.model import Alert, site_alerts
from metrics import catalog
from metrics.durations import scaled
from settings import Site

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
CASES = Path(__file__).parent / "cases"
_RENAMED = "metric renamed: "
SITE = Site(cluster="c")
ALERTS = {alert.name: alert for alert in site_alerts(SITE)}


@dataclass(frozen=True)
class Verdict:
    """What promtool found wrong with one alert under its case, in its words; nothing where it passed."""

    words: str

    @property
    def passed(self) -> bool:
        return not self.words


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def expected(name: str, again: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one alert of the case's firing half, or of what differs from it in `again`, with every label and annotation."""
    fires, alert = case(name)["fires"] | (again or {}), ALERTS[name]
    links = {
        "runbook_url": f"http://localhost:9095/runbooks/{name}",
        "dashboard_url": f"http://localhost:3000/d/{fires['dashboard']}from=now-1h&to=now",
    }
    labels = fires["labels"] | {"severity": alert.severity, "signal": alert.entry.signal}
    facts = notes.facts(alert) | {"steps": _steps(alert, labels)}
    if "value" in facts:
        facts["value"] = fires["value"]  # what Prometheus makes of the case's own number
    return {"exp_labels": labels, "exp_annotations": fires["annotations"] | facts | links}


def _steps(alert: Alert, labels: dict[str, str]) -> str:
    """The first three steps, with the labels filled in as a person would."""
    lines = [f"{number}. {step}" for number, step in enumerate(alert.entry.steps[:3], start=1)]
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], "\n".join(lines))


def _test(part: dict[str, Any], checks: list[dict[str, Any]]) -> dict[str, Any]:
    series = [{"series": name, "values": str(values)} for name, values in part["series"].items()]
    return {"interval": part.get("interval", "10s"), "input_series": series, "alert_rule_test": checks}


def tests(name: str, alerts: Sequence[str]) -> list[dict[str, Any]]:
    """promtool's tests of one case: each of `alerts` quiet just before, firing just after, quiet in every quiet case."""
    loaded = case(name)
    fires, wanted = loaded["fires"], expected(name)
    times = [(fires["at"], [wanted])]
    if "quiet_at" in fires:
        times.insert(0, (fires["quiet_at"], []))
    again = [fires | part for part in loaded.get("again", ())]  # by other series than the first
    firing = [_test(part, _checks([(part["at"], [expected(name, part)])], alerts)) for part in again]
    quiet = [_test(part, _checks([(part["at"], [])], alerts)) for part in loaded["quiet"]]
    return [_test(fires, _checks(times, alerts)), *firing, *quiet]


def _checks(times: list[tuple[str, list[dict[str, Any]]]], alerts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"eval_time": at, "alertname": alert, "exp_alerts": wanted} for at, wanted in times for alert in alerts]


def judge(name: str, folder: Path) -> dict[str, Verdict]:
    """promtool's verdicts under one case: on the alert as it is (an empty key) and on each mutant, by what was done to it.

    All of them stand in one rules file, under names of their own, so that the case's series are loaded and judged once.
    """
    variants = {"": ALERTS[name], **mutants(ALERTS[name])}
    names = {slip: f"{name}__{number}" if slip else name for number, slip in enumerate(variants)}
    said = promtool(name, rules_file(variants, names), tests(name, list(names.values())), folder)
    failed = re.split(r"^ *alertname: *", said, flags=re.MULTILINE)[1:]
    return {slip: Verdict("".join(words for words in failed if words.startswith(f"{own},"))) for slip, own in names.items()}


def promtool(name: str, rules: dict[str, Any], tests_: list[dict[str, Any]], folder: Path) -> str:
    """What promtool says of these tests of these rules."""
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    content = {
        "rule_files": [str(folder / "rules.yml")],
        "evaluation_interval": case(name).get("evaluation", "10s"),
        "tests": tests_,
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    ended = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode in (0, 1), said
    assert ("FAILED" in said) is (ended.returncode == 1), said
    return said


def rules_file(variants: dict[str, Alert], names: dict[str, str]) -> dict[str, Any]:
    """The rendered file of the alert's domain: the recordings that it reads, once, and one rule for each variant.

    promtool evaluates all groups at one interval and in no certain order, so that they stand here as one. Recordings of
    series that the case does not have are left out: they cost time and make nothing.
    """
    group: dict[str, Any] = {}
    read = _read_through(variants[""])
    loaded = case(variants[""].name)
    parts = (loaded["fires"], *loaded.get("again", ()), *loaded["quiet"])
    fed = {name.partition("{")[0] for part in parts for name in part["series"]}
    for slip, alert in variants.items():
        rendered = yaml.safe_load(render.rules((alert,), SITE)[f"rules/{alert.domain}.yml"])["groups"]
        rules = [rule for one in rendered for rule in one["rules"]]
        group = group or rendered[0] | {
            "rules": [rule for rule in rules if rule.get("record") in read and _fed(rule, fed | read)]
        }
        group["rules"] += [_renamed(rule, slip) | {"alert": names[slip]} for rule in rules if "alert" in rule]
    return {"groups": [group]}


def _fed(rule: dict[str, Any], given: set[str]) -> bool:
    names = {name for name in _NAME.findall(rule["expr"]) if catalog.find(name)}
    return not names or bool(names & given)


def _read_through(alert: Alert) -> set[str]:
    """The names of recordings that the alert reads, through others too."""
    groups = yaml.safe_load(render.rules((alert,), SITE)[f"rules/{alert.domain}.yml"])["groups"]
    sources: dict[str, str] = {}
    for rule in (rule for group in groups for rule in group["rules"] if "record" in rule):
        sources[rule["record"]] = sources.get(rule["record"], "") + rule["expr"]
    found: set[str] = set()
    waiting = [alert.promql]
    while waiting:
        names = {name for name in _NAME.findall(waiting.pop()) if name in sources} - found
        found |= names
        waiting += [sources[name] for name in names]
    return found


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
    if alert.keep_firing_for:
        found["keep_firing_for dropped"] = replace(alert, keep_firing_for=None)
    if alert.guard is not None:
        found["guard dropped"] = replace(alert, guard=None)
    swapped = {"critical": "warning", "warning": "critical", "info": "warning"}
    found["severity changed"] = replace(alert, severity=swapped[alert.severity])
    return found | {f"{_RENAMED}{name}": alert for name in sorted(_metrics(alert))}


def _metrics(alert: Alert) -> set[str]:
    """The metrics and recorded series in the alert's own expression."""
    rules = yaml.safe_load(render.rules((alert,), SITE)[f"rules/{alert.domain}.yml"])["groups"]
    (expression,) = [rule["expr"] for one in rules for rule in one["rules"] if "alert" in rule]
    return {name for name in _NAME.findall(expression) if catalog.find(name) or ":" in name.strip(":")}


def _renamed(rule: dict[str, Any], slip: str) -> dict[str, Any]:
    """The rule with that one of its metrics renamed, where the slip is one of these."""
    if not slip.startswith(_RENAMED):
        return rule
    name = slip.removeprefix(_RENAMED)
    return rule | {"expr": re.sub(rf"(?<![\w:]){re.escape(name)}(?![\w:])", f"{name}_renamed", rule["expr"])}
