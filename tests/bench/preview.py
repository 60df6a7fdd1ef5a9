"""How long the Overview over 6 h of data takes until it is complete in a real browser, in the preview.

    python -m tests.bench.preview [--loads 20]

Prometheus holds generated samples (10 s apart, two instances) of every metric that the dashboard queries. Each load is a
new browser context with an empty cache; the time runs from the start of navigation to the mark that the page sets when
its last panel is drawn. Measured twice: as the file stands, and with every collapsed row open.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from dashboards.preview.library import DEFAULTS
from dashboards.preview.model import parse
from dashboards.preview.silence import metric_names
from metrics import catalog, stack
from metrics.model import Counter, Histogram, Metric
from tests.bench.stats import bootstrap
from tests.browser import chromium
from tests.dashboards.preview import world
from tests.waiting import free_ports, until

HOURS, APART, LIMIT = 6, 10, 2.0
INSTANCES = ("host-1", "host-2")
VALUES = {
    "alertstate": ("firing",),
    "severity": ("critical", "warning", "info"),
    "device": ("sda1", "eth0"),
    "direction": ("receive", "transmit"),
}


def series(metric: Metric, name: str, jobs: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Labels of the generated series of a metric under one of its sample names."""
    choices = [metric.closed.get(label) or VALUES.get(label, (f"{label}-1", f"{label}-2")) for label in metric.labels]
    bounds = [""]
    if isinstance(metric, Histogram) and name.endswith("_bucket"):
        bounds = [*map(str, metric.buckets), "+Inf"]
    for instance, job, bound, *values in product(INSTANCES, jobs, bounds, *choices):
        labels = dict(zip(metric.labels, values, strict=True)) | {"cluster": "bench", "instance": instance, "job": job}
        yield labels | ({"le": bound} if bound else {})


def samples(metric: Metric, number: int, start: int, end: int) -> Iterator[tuple[int, float]]:
    """A wave for a gauge, a growing count for a counter: values that a chart must really draw."""
    grows = isinstance(metric, Counter | Histogram)
    for index, moment in enumerate(range(start, end, APART)):
        wave = math.sin(index / 60 + number) + 1.5
        yield moment, round(index * (number % 7 + 1) + wave, 3) if grows else round(wave * 20, 3)


def fill(folder: Path, file: Path) -> int:
    """Writes blocks for every metric that the dashboard queries; how many series."""
    now = int(time.time()) // APART * APART
    exprs = [target.expr for panel in parse(file.read_bytes()).all_panels() for target in panel.targets]
    names = {name for expr in exprs for name in metric_names(expr)}
    text = folder / "samples.txt"
    number = 0
    with text.open("w", encoding="utf-8") as stream:
        for name in sorted(names):
            metric = catalog.find(name) or catalog.find(re.sub("_(bucket|sum|count)$", "", name))
            assert metric, f"{name} is not declared"
            jobs = stack.JOBS if name == "up" or name.startswith(("process_", "scrape_")) else ("system",)
            for labels in series(metric, name, jobs):
                number += 1
                inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
                for moment, value in samples(metric, number, now - HOURS * 3600 - 600, now + 1800):
                    stream.write(f"{name}{{{inner}}} {value} {moment}\n")
        stream.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text.unlink()
    return number


def opened(file: Path) -> str:
    """The same dashboard with no row collapsed."""
    made: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    panels: list[dict[str, Any]] = []
    for panel in made["panels"]:
        panels += [panel | {"collapsed": False, "panels": []}, *panel.get("panels", [])]
    return json.dumps(made | {"panels": panels, "uid": "opened", "title": "All rows open"})


def load(browser: Browser, address: str) -> tuple[float, dict[str, int]]:
    """Seconds until complete, and how many panels ended in which state."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.locator("html[data-ready=true]").wait_for(state="attached", timeout=60_000)
    took = page.evaluate("performance.getEntriesByName('watchfloor-ready')[0].startTime") / 1000
    states = page.locator(".grid:not([hidden]) .panel").evaluate_all("all => all.map(one => one.dataset.state)")
    context.close()
    return took, {state: states.count(state) for state in sorted(set(states))}


def measure(browser: Browser, name: str, address: str, loads: int) -> float:
    """Prints the figures of one page; its 95th percentile in seconds."""
    load(browser, address)
    results = [load(browser, address) for _ in range(loads)]
    seconds = sorted(took for took, _ in results)
    p95 = statistics.quantiles(seconds, n=20)[-1] if loads > 1 else seconds[0]
    print(f"{name}: median {bootstrap(seconds)} s, p95 {p95:.2f} s, longest {seconds[-1]:.2f} s, n = {loads}", end="")
    print(f"; panels: {results[-1][1]}")
    return p95


def versions(browser: Browser) -> str:
    """What was measured with."""
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return f"Chromium {browser.version}, {(told.stdout or told.stderr).split(' (')[0]}, Python {platform.python_version()}"


def main() -> int:
    """Prints the figures; exit 1 when the p95 of the Overview is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, default=20)
    options = parser.parse_args()
    overview = DEFAULTS / f"{stack.DASHBOARD_OVERVIEW}.json"
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="watchfloor-bench-")))
        boards = folder / "rendered" / "dashboards"
        boards.mkdir(parents=True)
        shutil.copy(overview, boards)
        (boards / "opened.json").write_text(opened(overview), encoding="utf-8")
        count = fill(folder, overview)
        address = exits.enter_context(serve(folder))
        browser = exits.enter_context(chromium())
        print(f"{versions(browser)}; {count} series of {HOURS} h, {APART} s apart; at most {LIMIT:g} s")
        query = f"?from=now-{HOURS}h&to=now&refresh=off"
        worst = measure(browser, "Overview", f"{address}/d/{stack.DASHBOARD_OVERVIEW}{query}", options.loads)
        # Without a limit: rows load when they are opened, and nobody opens all at once.
        measure(browser, "Overview, all rows open", f"{address}/d/opened{query}", options.loads)
        browser.close()
    return int(worst > LIMIT)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Prometheus over the blocks, scraping nothing, and the preview; the preview's address."""
    port = free_ports(1)[0]
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 10s}\n", encoding="utf-8")
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=30d"]
    url = f"http://127.0.0.1:{port}"
    with world.running(command, folder / "prometheus.log"):
        until("Prometheus ready", lambda: world.answers(f"{url}/-/ready"), 60)
        with world.preview(folder, url, "10s") as address:
            yield address


if __name__ == "__main__":
    raise SystemExit(main())
