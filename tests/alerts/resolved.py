"""Whether an alert that fires is resolved: the series of its firing case, and then those of the first quiet one, as one story."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from metrics.durations import seconds
from tests.alerts.rulecases import ALERTS, case, expected, promtool, rules_file

_TIMES = re.compile(r"x(\d+)$")
_WINDOW = re.compile(r"\[(\w+?)(?::\w*)?\]")
_LONGEST = 3600.0  # seconds: promtool takes too long over more; objectives' are proven on backfilled blocks (test_slo_windows.py)


def count(values: str) -> int:
    """How many samples promtool makes of these: `1 2x3` is one, and four."""
    return sum(int(found[1]) + 1 if (found := _TIMES.search(token)) else 1 for token in values.split())


def window(expressions: list[str]) -> float:
    """The longest window that is looked back, in seconds."""
    return max((seconds(found) for one in expressions for found in _WINDOW.findall(one)), default=0.0)


def looked_back(name: str) -> float:
    """The longest window of an alert's rules, those that it reads included, in seconds."""
    return window([rule["expr"] for rule in rules_file({"": ALERTS[name]}, {"": name})["groups"][0]["rules"]])


def short(name: str) -> bool:
    """Whether its windows are short enough for a story."""
    return looked_back(name) <= _LONGEST


def story(name: str) -> tuple[dict[str, Any], float]:
    """Both cases as one test's part, and the second at which nothing of the first is looked at any more."""
    loaded = case(name)
    fires, quiet = loaded["fires"], loaded.get("resolved") or loaded["quiet"][0]
    step = seconds(fires.get("interval", "10s"))
    assert quiet.get("interval", "10s") == fires.get("interval", "10s"), f"{name}: give it a `resolved` of the same interval"
    before = max(count(str(values)) for values in fires["series"].values())
    back = looked_back(name)
    at = before * step + seconds(quiet["at"]) + back
    joined = {}
    for series in fires["series"] | quiet["series"]:
        first, then = str(fires["series"].get(series, "")), str(quiet["series"].get(series, ""))
        missing = before - count(first)
        pause = f"_x{missing - 1}" if missing > 0 else ""
        joined[series] = " ".join(part for part in (first, pause, _longer(then, back, step)) if part)
    return {"interval": fires.get("interval", "10s"), "series": joined}, at


def _longer(values: str, more: float, step: float) -> str:
    """The same going on for as long as one looks back."""
    found = _TIMES.search(values)
    return f"{values[: found.start()]}x{int(found[1]) + round(more / step)}" if found else values


def judge(name: str, folder: Path) -> str:
    """promtool's words where the alert does not fire, or is not over in the end; nothing where it passes."""
    part, at = story(name)
    checks = [
        {"eval_time": case(name)["fires"]["at"], "alertname": name, "exp_alerts": [expected(name)]},
        {"eval_time": f"{at:g}s", "alertname": name, "exp_alerts": []},
    ]
    series = [{"series": one, "values": values} for one, values in part["series"].items()]
    tests = [{"interval": part["interval"], "input_series": series, "alert_rule_test": checks}]
    said = promtool(name, rules_file({"": ALERTS[name]}, {"": name}), tests, folder)
    return said if "FAILED" in said else ""
