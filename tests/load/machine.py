"""What the machine and the services used while a test ran, by its Prometheus; processor time by the kernel."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import urllib.parse
from collections.abc import Mapping
from typing import Any

import psutil

from metrics.process import version
from tests.appliance import Appliance, get

# Title, unit and query of each plot; `{w}` is the window.
SERIES = (
    ("Processors busy", "%", '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[{w}])))'),
    ("Processor time by service", "cores", "sum by (job) (rate(process_cpu_seconds_total[{w}]))"),
    ("Resident memory by service", "MB", "sum by (job) (process_resident_memory_bytes) / 1e6"),
    ("Event loop lag, p99", "ms", "1000 * histogram_quantile(0.99, sum by (le) (rate(app_event_loop_lag_seconds_bucket[{w}])))"),
    ("Connections in use of the pools", "", "sum(db_connection_count)"),
)
MOST_LINES = 4  # of one plot; the rest is small, or it would not be the rest
_LEAST = 15.0  # seconds: a shorter window has too few samples for a rate


def environment() -> dict[str, Any]:
    """The machine and the programs."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  # a file of the kernel
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {
        "watchfloor": version(), "commit": _said(["git", "rev-parse", "--short", "HEAD"]), "python": platform.python_version(),
        "kernel": platform.release(), "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "processor": model, "processors": os.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": os.getloadavg()[0], "wrk": bool(shutil.which("wrk")),
    }  # fmt: skip


def _said(words: list[str]) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    return "unknown"


def spent_by(pid: int) -> float:
    """Seconds of a core that a process and all that it has started have used; 0 for one that is no more.

    Children that have ended count too: each session of PostgreSQL is a process, and gone when its client is.
    """
    spent = 0.0
    with contextlib.suppress(psutil.Error):
        one = psutil.Process(pid)
        for part in (one, *one.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                spent += sum(part.cpu_times()[:4])  # its own, and of children that it has waited for
    return spent


class Spent:
    """Seconds of a core by service, from now on, and how busy the machine was."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._before, self._machine = self._now(), psutil.cpu_times()

    def _now(self) -> dict[tuple[str, int], float]:
        return {
            (name, process.pid): spent_by(process.pid) for name, process in self._appliance.stack.supervisor.processes().items()
        }

    def told(self, seconds: float, generator: float) -> dict[str, Any]:
        """Cores by service, most first, and of others; the machine's share, 0 to 100. `generator`: the cores that it used."""
        services: dict[str, float] = {}
        for (name, pid), spent in self._now().items():
            services[name] = services.get(name, 0.0) + max(0.0, spent - self._before.get((name, pid), 0.0)) / seconds
        now = psutil.cpu_times()
        busy = {part: getattr(now, part) - getattr(self._machine, part) for part in now._fields if not part.startswith("guest")}
        whole = sum(busy.values()) or 1.0
        used = 1 - (busy["idle"] + busy.get("iowait", 0.0)) / whole
        return {
            "others": max(0.0, used * (os.cpu_count() or 1) - sum(services.values()) - generator),
            "cores": dict(sorted(services.items(), key=lambda item: -item[1])[:8]),
            "busy": 100 * used,
            "stolen": 100 * busy.get("steal", 0.0) / whole,
        }


def series(appliance: Appliance, began: float, ended: float) -> list[dict[str, Any]]:
    """The plots' lines, each a list of [seconds after the beginning, value]; without those that have no value."""
    scrape = 10 * appliance.factor
    window, step = f"{max(4 * scrape, 2):.0f}s", max(1.0, scrape, (ended - began) / 120)
    plots = []
    for title, unit, query in SERIES:
        found = _range(appliance, query.replace("{w}", window), began, max(ended, began + _LEAST / 3), step)
        lines = {name: [[at - began, value] for at, value in values] for name, values in found.items()}
        top = dict(sorted(lines.items(), key=lambda item: -max((point[1] for point in item[1]), default=0))[:MOST_LINES])
        if any(top.values()):
            plots.append({"title": title, "unit": unit, "lines": top})
    return plots


def alerts(appliance: Appliance, began: float, ended: float) -> list[tuple[float, str]]:
    """When which alert began to fire in that time, by Prometheus, as moments with words."""
    query = 'max by (job) (label_replace(ALERTS{alertstate="firing", severity!="info"}, "job", "$1", "alertname", "(.+)"))'
    step = max(1.0, 10 * appliance.factor, (ended - began) / 10_000)
    found = _range(appliance, query, began, ended, step)
    return sorted((values[0][0], f"{name} fires") for name, values in found.items() if values)


def _range(appliance: Appliance, query: str, start: float, end: float, step: float) -> Mapping[str, list[tuple[float, float]]]:
    asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
    try:
        told = get(appliance.url("prometheus", f"/api/v1/query_range?{asked}"), 10)
    except OSError:
        return {}
    return {
        one["metric"].get("job", ""): [(float(at), float(value)) for at, value in one["values"] if value not in ("NaN", "+Inf")]
        for one in told["data"]["result"]
    }
