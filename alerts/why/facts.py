"""Gathers what is known of an alert, from all sources at once, within five seconds, whichever of them is away."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from alerts import steps
from alerts.inbox import words
from alerts.model import Alert
from alerts.notes import limit
from alerts.why.sources import SECONDS, SilentError, Sources
from metrics import units
from metrics.model import Unit
from settings import Paths, Site

_LINES, _SERIES, _SHOWN = 50, 6, 6
_TAIL = 64 * 1024
# Whose log tells most, by the alert's domain; an alert of the stack itself says by its labels which service it means.
_LOGS = {
    "system": ("exporter-system",),
    "postgres": ("postgres", "exporter-postgres"),
    "redis": ("cache-redis", "bus", "exporter-redis"),
    "probe": ("exporter-probe", "exporters"),
    "model_quality": ("analysis",),
    "cache": ("stream", "edge"),
    "database": ("store", "stream"),
    "bus": ("bus", "stream"),
    "stack": ("prometheus",),
}
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Line:
    """One series over the last hour: its labels, last, least and greatest value in words, and its course."""

    labels: str
    last: str
    least: str
    most: str
    course: str


@dataclass
class Facts:
    """Everything found; `silent` says who gave no answer and why."""

    states: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    left_out: int = 0
    threshold: str = ""
    muted: list[str] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    log: Path | None = None
    log_service: str = ""  # whose log that is, or would be where this cannot see it
    log_lines: list[str] = field(default_factory=list)
    checked: list[tuple[str, list[str]]] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def gather(alert: Alert, site: Site, paths: Paths, runbook: str, *, commands: bool) -> Facts:
    """The facts of an alert; with `commands` the runbook's quick ones are run here, else they are named."""
    sources, found = Sources(site, paths), Facts()
    if alert.threshold is not None:
        found.threshold = f"{'below' if alert.signal.bad_below else 'above'} {limit(alert.threshold, alert.signal.unit)}"
    jobs: list[Callable[[], None]] = [
        lambda: _hour(found, sources, alert),
        lambda: _routed(found, sources, alert.name),
        lambda: _told(found, sources, alert.name),
        lambda: _active(found, sources, alert, paths),
    ]
    for check in steps.checks(runbook):
        if check.kind == "query":
            jobs.append(partial(_asked, found, sources, check.text))
        elif check.runs and commands:
            jobs.append(partial(_run, found, _ours(check.text, site)))
        elif check.kind != "words":
            found.by_hand.append(_ours(check.text, site))
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        for done in [pool.submit(_safely, job, found) for job in jobs]:
            done.result()
    found.silent = sorted(set(found.silent))
    return found


def _safely(job: Callable[[], None], found: Facts) -> None:
    try:
        job()
    except SilentError as error:
        found.silent.append(str(error))


def _ours(command: str, site: Site) -> str:
    """A command of a runbook, which names the usual ports, with this site's."""
    for name in site.ports.__struct_fields__:
        usual = getattr(type(site.ports)(), name)
        command = command.replace(f"localhost:{usual}", f"localhost:{getattr(site.ports, name)}")
    return command


def named(labels: dict[str, str]) -> str:
    """Labels as a person tells series apart: `instance=host-1 job=system`."""
    left_out = ("__name__", "alertname", "severity", "signal", "cluster")
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in left_out) or "one series"


def _hour(found: Facts, sources: Sources, alert: Alert) -> None:
    series = sources.hour(alert.quantity)
    unit = alert.signal.unit if alert.threshold is not None else Unit.NONE
    parsed = [(one["metric"], [float(value) for _, value in one["values"]]) for one in series]
    parsed.sort(key=lambda one: one[1][-1], reverse=not alert.signal.bad_below)
    found.left_out = max(0, len(parsed) - _SERIES)
    found.lines = [_line(labels, values, unit) for labels, values in parsed[:_SERIES]]


def _line(labels: dict[str, str], values: list[float], unit: Unit) -> Line:
    grafana = "" if unit is Unit.BOOL else unit.grafana
    last, least, most = (units.write(value, grafana) for value in (values[-1], min(values), max(values)))
    return Line(named(labels), last, least, most, course(values))


def course(values: list[float]) -> str:
    """A line of blocks, from the least to the greatest value."""
    least, span = min(values), max(values) - min(values)
    return "".join(_BLOCKS[round((value - least) / span * (len(_BLOCKS) - 1)) if span else 0] for value in values)


def _active(found: Facts, sources: Sources, alert: Alert, paths: Paths) -> None:
    labels: dict[str, str] = {}
    try:
        active = sources.active(alert.name)
        labels = active[0]["labels"] if active else {}
        found.states = [
            f"{one['state']} since {words.clock(datetime.fromisoformat(one['activeAt']).timestamp())}: {named(one['labels'])}"
            for one in active[:_SHOWN]
        ]
    finally:
        found.log = _log(alert.domain, labels, paths.logs)
        found.log_service = found.log.stem if found.log else _logged(alert.domain, labels)[0]
        found.log_lines = _tail(found.log) if found.log else []


def _log(domain: str, labels: dict[str, str], folder: Path) -> Path | None:
    """The log of the service that the alert is about; None where there is none."""
    wanted = _logged(domain, labels)
    logs = {path.stem: path for path in sorted(folder.glob("*.log"))} if folder.is_dir() else {}
    exact = next((logs[name] for name in wanted if name in logs), None)
    return exact or next((logs[name] for start in wanted if start for name in logs if name.startswith(start)), None)


def _logged(domain: str, labels: dict[str, str]) -> list[str]:
    """The services whose log may tell, the likeliest first."""
    told = [labels.get("service", ""), labels.get("job", ""), "exporter-" + labels.get("job", "")]
    return [name for name in (*(told if domain == "stack" else ()), *_LOGS.get(domain, ()), domain, "stream") if name]


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode("utf-8", "replace").splitlines()[-_LINES:]
    except OSError as error:
        return [f"{path} cannot be read ({error.strerror}): run it as the user who ran `make up`"]


def _routed(found: Facts, sources: Sources, name: str) -> None:
    held = sources.routed()
    by_mark = {one["fingerprint"]: one["labels"] for one in held}
    for one in held:
        if one["labels"].get("alertname") != name:
            continue
        found.muted += [
            f"{named(one['labels'])}: inhibited by {by_mark.get(mark, {}).get('alertname', 'an alert that is over')}"
            for mark in one["status"]["inhibitedBy"]
        ]
        found.muted += [f"{named(one['labels'])}: silenced ({silence})" for silence in one["status"]["silencedBy"]]


def _told(found: Facts, sources: Sources, name: str) -> None:
    found.incidents = [f"{one['fired_at']}  {one['state']}  {named(one['labels'])}" for one in sources.incidents(name)]
    found.events = [f"{one['start']}  {one['kind']}  {one['title']}" for one in sources.events()]


def _asked(found: Facts, sources: Sources, promql: str) -> None:
    series = sources.now(promql)
    rows = [f"{named(one['metric'])}: {one['value'][1]}" for one in series[:_SHOWN]]
    rest = len(series) - _SHOWN
    found.checked.append((promql, [*rows, *([f"and {rest} more"] if rest > 0 else [])] or ["nothing: no series matches"]))


def _run(found: Facts, command: str) -> None:
    """One of our own runbooks' commands that only look; its text is ours, and no label stands in it."""
    try:
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        found.checked.append((command, [f"did not end within {SECONDS:g} s"]))
        return
    lines = (done.stdout + done.stderr).strip().splitlines()
    found.checked.append((command, lines[: _SHOWN * 2] or [f"no output, exit code {done.returncode}"]))
