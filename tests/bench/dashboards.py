"""What each dashboard costs Prometheus and the preview: time by Prometheus's log of queries, memory, and what the preview adds.

    python -m tests.bench.dashboards [--rounds 20]

Prometheus holds generated samples (10 s apart, two instances) of every metric that any dashboard queries. Every panel is asked
for as a page asks, over the range that the dashboard opens with, folded rows apart. Then panels of one query are asked for
alternately through the preview and of Prometheus itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any

from dashboards.preview.library import DEFAULTS
from dashboards.preview.model import Dashboard, Panel, parse
from settings.paths import CLONE
from tests.bench.preview_data import APART, fill, serve
from tests.dashboards.preview import world

HOURS = 1.5
MOST_TIME, MOST_MEMORY, MOST_FILE, MOST_RATIO, MOST_ADDED = 1.0, 80e6, 3e6, 1.5, 0.020
_PAIRS = 12  # panels that are compared with the bare query


def shown(dashboard: Dashboard) -> list[Panel]:
    """The panels that a page asks for when it opens."""
    return [panel for panel in dashboard.panels if panel.type != "row" and panel.drawn]


def ask(address: str, uid: str, panel: Panel, at: int, window: str) -> dict[str, Any]:
    """A panel's payload, as a page of 1440 px asks for it."""
    width = round(panel.grid_pos.w / 24 * 1400)
    query = urllib.parse.urlencode({"from": f"now-{window}", "to": "now", "at": at, "width": width})
    made: dict[str, Any] = json.loads(world.get(f"{address}/api/panel/{uid}/{panel.id}?{query}")[1])
    return made


def logged(log: Path, begin: int) -> tuple[list[dict[str, Any]], int]:
    """The log's entries from that byte on, and where it ends."""
    raw = log.read_bytes()
    return [json.loads(line) for line in raw[begin:].splitlines() if line.strip()], len(raw)


def cost(folder: Path, address: str, dashboard: Dashboard, panels: list[Panel]) -> tuple[float, int]:
    """Prometheus's seconds for one load of these panels and of the events, and how many queries that are."""
    log, at = folder / "queries.log", round(time.time() * 1000)
    begin = log.stat().st_size if log.exists() else 0
    for panel in panels:  # one after another: of queries that share a processor the log counts its time twice
        ask(address, dashboard.uid, panel, at, "1h")
    world.get(f"{address}/api/events/{dashboard.uid}?from=now-1h&to=now&at={at}")
    entries, _ = logged(log, begin)
    return sum(entry["stats"]["timings"]["execTotalTime"] for entry in entries), len(entries)


def timed(address: str) -> float:
    """Seconds until an address has answered."""
    began = time.perf_counter()
    assert world.get(address)[0] == 200
    return time.perf_counter() - began


def pair(url: str, address: str, uid: str, panel: Panel) -> tuple[float, float]:
    """Seconds of a panel through the preview and of its query alone; both aligned to the same step."""
    at = round(time.time() * 1000)
    made = ask(address, uid, panel, at, "1h")
    bare = {"query": made["queries"][0]["expr"], "start": made["start"] / 1000, "step": made["step"] / 1000}
    bare["end"] = bare["start"] + bare["step"] * (made["count"] - 1)
    through = f"{address}/api/panel/{uid}/{panel.id}?from=now-1h&to=now&at={at}&width={round(panel.grid_pos.w / 24 * 1400)}"
    return timed(through), timed(f"{url}/api/v1/query_range?{urllib.parse.urlencode(bare)}")


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> int:
    """Prints the figures; exit 1 when one is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    files = sorted(DEFAULTS.glob("*.json"))
    boards = [parse(file.read_bytes()) for file in files]
    with tempfile.TemporaryDirectory(prefix="watchfloor-bench-") as name:
        folder = Path(name)
        count = fill(folder, files, HOURS)
        with serve(folder) as (url, address):
            told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
            version = (told.stdout or told.stderr).split(" (")[0]
            print(f"{version}, Python {platform.python_version()}; {count} series, {APART} s apart, 1 h shown", flush=True)
            dear = [name for board in boards if (name := priced(folder, address, board))]
            slow = compared(url, address, boards, options.rounds)
            large = max(snapshot(folder, url, board.uid) for board in boards)
            print(f"largest snapshot, over 1 h: {large / 1e6:.2f} MB, at most {MOST_FILE / 1e6:g}")
            text = world.get(f"{address}/metrics")[1]
            found = re.search(r"process_resident_memory_bytes (\d+)", text)
            assert found
            print(f"preview: {float(found[1]) / 1e6:.1f} MB resident after all of it, at most {MOST_MEMORY / 1e6:g}")
    return int(bool(dear) or slow or float(found[1]) > MOST_MEMORY or large > MOST_FILE)


def snapshot(folder: Path, url: str, uid: str) -> int:
    """Bytes of a dashboard's snapshot over the last hour."""
    out = folder / f"{uid}.html"
    command = [sys.executable, "-m", "dashboards.preview", "snapshot", "--dashboard", uid, "--from", "now-1h", "--out", str(out)]
    known = os.environ | world.environment(folder, url, "10s")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=known, cwd=CLONE)
    return out.stat().st_size


def priced(folder: Path, address: str, board: Dashboard) -> str:
    """Prints what one load of a dashboard costs, as it opens and with all rows open; its uid when that is too much."""
    cost(folder, address, board, shown(board))
    runs = [cost(folder, address, board, shown(board)) for _ in range(5)]
    seconds = statistics.median(took for took, _ in runs)
    whole = cost(folder, address, board, [panel for panel in board.all_panels() if panel.drawn])
    print(
        f"{board.uid}: {seconds:.3f} s of Prometheus in {runs[0][1]} queries; all rows open {whole[0]:.3f} s in {whole[1]}",
        flush=True,
    )
    return board.uid if seconds > MOST_TIME else ""


def compared(url: str, address: str, boards: list[Dashboard], rounds: int) -> bool:
    """Prints what the preview adds to bare queries; whether that is too much."""
    single = [
        (board.uid, panel) for board in boards for panel in shown(board) if panel.type == "timeseries" and len(panel.targets) == 1
    ]
    chosen = single[:: max(1, len(single) // _PAIRS)][:_PAIRS]
    found = [pair(url, address, uid, panel) for _ in range(rounds) for uid, panel in chosen]
    ours, bare = p95([one for one, _ in found]), p95([two for _, two in found])
    limit = MOST_RATIO * bare + MOST_ADDED
    told = f"p95 {ours * 1000:.1f} ms, its bare query {bare * 1000:.1f} ms, at most {limit * 1000:.1f} ms"
    print(f"a panel's answer: {told}, n = {len(found)}", flush=True)
    return ours > limit


if __name__ == "__main__":
    raise SystemExit(main())
