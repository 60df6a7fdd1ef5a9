"""The committed rendered files, as the contracts read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from settings.paths import CLONE

DASHBOARDS = CLONE / "dashboards" / "rendered"
RULES = CLONE / "alerts" / "rendered" / "rules"
CASES = CLONE / "tests" / "alerts" / "cases"


class Query(NamedTuple):
    """One query of a panel: where it stands, its expression, its legend, and the variables that it may use."""

    place: str
    expr: str
    legend: str
    variables: frozenset[str] = frozenset()


def dashboards() -> Iterator[dict[str, Any]]:
    for file in sorted(DASHBOARDS.glob("*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))


def queries() -> Iterator[Query]:
    for board in dashboards():
        names = frozenset(variable["name"] for variable in board["templating"]["list"])
        for panel in _flat(board["panels"]):
            for target in panel.get("targets", []):
                place = f"{board['title']}: {panel['title']}"
                yield Query(place, target["expr"], target.get("legendFormat", ""), names)


def _flat(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _flat(panel.get("panels", []))


def variables() -> Iterator[tuple[str, str]]:
    """(place, query) of every variable that asks Prometheus."""
    for board in dashboards():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{board['title']}: ${variable['name']}", variable["query"]


def rules() -> Iterator[dict[str, Any]]:
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def rule_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, series) of every half of every rule test: what promtool is fed with."""
    for file in sorted(CASES.glob("*.yaml")):
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
        for part in (tree["fires"], *tree["quiet"]):
            yield f"{file.stem}: {part.get('why', 'fires')}", part.get("series", {})
