"""How long the Overview takes until it is complete in a real browser, in the preview, over 6 h and over 15 days.

    python -m tests.bench.preview [--loads 20] [--days 15]

Prometheus holds generated samples (10 s apart, two instances) of every metric that the dashboard queries, put in as blocks
by promtool. Each load is a new browser context with an empty cache; the time runs from the start of navigation to the mark that
the page sets when its last panel is drawn.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from dashboards.preview.library import DEFAULTS
from metrics import stack
from tests.bench.preview_data import APART, fill, serve
from tests.bench.stats import bootstrap
from tests.browser import chromium

LIMITS = {"6h": 2.0, "15d": 4.0}


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
    print(f"; panels: {results[-1][1]}", flush=True)
    return p95


def versions(browser: Browser) -> str:
    """What was measured with."""
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return f"Chromium {browser.version}, {(told.stdout or told.stderr).split(' (')[0]}, Python {platform.python_version()}"


def main() -> int:
    """Prints the figures; exit 1 when a p95 of the Overview is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, default=20)
    parser.add_argument("--days", type=int, default=15)
    options = parser.parse_args()
    overview = DEFAULTS / f"{stack.DASHBOARD_OVERVIEW}.json"
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="watchfloor-bench-")))
        boards = folder / "rendered" / "dashboards"
        boards.mkdir(parents=True)
        shutil.copy(overview, boards)
        (boards / "opened.json").write_text(opened(overview), encoding="utf-8")
        count = fill(folder, [overview], options.days * 24)
        address = exits.enter_context(serve(folder))[1]
        browser = exits.enter_context(chromium())
        print(f"{versions(browser)}; {count} series of {options.days} days, {APART} s apart", flush=True)
        slow = []
        for window, limit in LIMITS.items():
            where = f"{address}/d/{stack.DASHBOARD_OVERVIEW}?from=now-{window}&to=now&refresh=off"
            slow.append(measure(browser, f"Overview over {window}, at most {limit:g} s", where, options.loads) > limit)
        # Without a limit: rows load when they are opened, and nobody opens all at once.
        measure(browser, "Overview over 6h, all rows open", f"{address}/d/opened?from=now-6h&to=now&refresh=off", options.loads)
        browser.close()
    return int(any(slow))


if __name__ == "__main__":
    raise SystemExit(main())
