"""Where each metric is collected, drawn and alerted on, read from what the other rooms render and list.

Rooms are not imported: dashboards are read as JSON, rules as YAML, collectors by the exporter's own list, and the services'
instruments from their source text.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from metrics import catalog, process, stack
from metrics.model import Metric

ROOT = Path(__file__).resolve().parent.parent
EXPORTERS = ("system", "postgres", "redis", "probe", "model_quality")
# A folder within another one is a service of its own.
SERVICES = ("alerts/inbox", "compose", "dashboards/preview", "exporters", "stream", "stream/analysis", "stream/store/upkeep")

# Metric name -> where it is used, each place with the recorded name it goes through (empty: directly).
Places: TypeAlias = Mapping[str, Mapping[str, str]]

_IMPORT = re.compile(r"^from (metrics(?:\.\w+)*) import (\([^)]*\)|.*)$", re.MULTILINE)
_ALIAS = re.compile(r"(\w+)(?: as (\w+))?")
_CONSTANT = re.compile(r"(?<![\w.])(\w+)\.([A-Z]\w*)")


@dataclass(frozen=True)
class Usage:
    """Places by metric name: `collector cpu`, `System: CPU usage`, `HighCPUUsage`."""

    collected: Mapping[str, tuple[str, ...]]
    drawn: Places
    alerted: Places


def usage(root: Path = ROOT) -> Usage:
    """Where every metric is used, by what is rendered below `root`.

    Raises ValueError when nothing is rendered there, or a rendered file is broken.
    """
    dashboards, rules = root / "dashboards" / "rendered", root / "alerts" / "rendered" / "rules"
    for folder in (dashboards, rules):
        if not any(folder.glob("*.*")):
            raise ValueError(f"{folder}: holds no rendered files: run `make generate`")
    alerts = list(_alerts(rules))
    recorded = {name: set(catalog.read_by(expr)) for name, expr in _recordings(rules)}
    return Usage(
        _collected(),
        _places(panels(dashboards), recorded),
        _places(alerts, recorded),
    )


def _places(uses: Iterator[tuple[str, str]] | list[tuple[str, str]], recorded: Mapping[str, set[str]]) -> Places:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for place, expr in uses:
        for name in catalog.read_by(expr):
            found[name][place] = ""
            for source in recorded.get(name, ()):
                found[source].setdefault(place, name)
    return dict(found)


# -- drawn -----------------------------------------------------------------------------------------------------------
def panels(folder: Path) -> Iterator[tuple[str, str]]:
    """(`dashboard: panel`, expression) of every query of every dashboard in a folder of JSON files."""
    for file in sorted(folder.glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for panel in _flat(board["panels"]):
            for target in panel.get("targets", []):
                yield f"{board['title']}: {panel['title']}", target["expr"]


def _flat(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _flat(panel.get("panels", []))


# -- alerted on ------------------------------------------------------------------------------------------------------
def _rules(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.yml")):
        for group in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]:  # safe, and in C
            yield from group["rules"]


def _alerts(folder: Path) -> Iterator[tuple[str, str]]:
    return ((rule["alert"], rule["expr"]) for rule in _rules(folder) if "alert" in rule)


def _recordings(folder: Path) -> Iterator[tuple[str, str]]:
    merged: dict[str, str] = {}
    for rule in _rules(folder):
        if "record" in rule:
            metric = catalog.find(rule["record"])  # a histogram's three parts are one name
            name = metric.name if metric else rule["record"]
            merged[name] = f"{merged.get(name, '')} {rule['expr']}"
    return iter(merged.items())


# -- collected -------------------------------------------------------------------------------------------------------
def _collected() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in _collecting():
        if place not in found[name] and not (place.startswith("`") and found[name]):  # a folder says less than a collector
            found[name].append(place)
    return {name: tuple(places) for name, places in found.items()}


def _collecting() -> Iterator[tuple[str, str]]:
    """(metric, where it comes from), the exact places first."""
    running = _start_list()
    held = [(name, f"`{folder}`") for folder in SERVICES for file in _sources(folder) for name in _held(file)]
    for collector in _listed(running):
        place = f"{collector['domain']} exporter, collector {collector['name']}"
        yield from ((name, place) for name in collector["emits"])
    yield from ((metric.name, metric.emitter) for metric in catalog.all_metrics() if metric.emitter)
    yield from ((metric.name, "every service") for metric in (*process.METRICS, stack.BUILD_INFO))
    yield from held


def _sources(folder: str) -> list[Path]:
    others = [ROOT / other for other in SERVICES if other.startswith(f"{folder}/")]
    return sorted(file for file in (ROOT / folder).rglob("*.py") if not any(map(file.is_relative_to, others)))


def _start_list() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "exporters", "all", "--list"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _listed(running: subprocess.Popen[str]) -> list[dict[str, Any]]:
    output, errors = running.communicate()
    if running.returncode:
        raise ValueError(f"python -m exporters --list: exit {running.returncode}: {errors.strip()}")
    found: list[dict[str, Any]] = json.loads(output)
    return found


def _held(file: Path) -> Iterator[str]:
    """Names of the metrics that a source file refers to as `module.CONSTANT`.

    Found in the text: to parse and walk every file took most of the time of `make generate`.
    """
    text = file.read_text(encoding="utf-8")
    modules = dict(_imported(text))
    for module, constant in _CONSTANT.findall(text) if modules else ():
        if module in modules:
            value = getattr(importlib.import_module(modules[module]), constant, None)
            if isinstance(value, Metric):
                yield value.name


def _imported(text: str) -> Iterator[tuple[str, str]]:
    """Local names of the modules of this package that a file imports."""
    for package, names in _IMPORT.findall(text):
        for name, local in _ALIAS.findall(names):
            module = f"{package}.{name}"
            if (ROOT / module.replace(".", "/")).with_suffix(".py").exists():
                yield local or name, module
