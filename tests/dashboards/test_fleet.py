"""A fleet of forty machines, in a real Prometheus: each panel draws at most twelve lines, and more when the reader says so."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dashboards import build
from dashboards.preview.ask import Reader, prepared, understood
from dashboards.preview.model import Dashboard, parse
from dashboards.preview.prometheus import Prometheus
from dashboards.preview.silence import metric_names
from metrics import catalog
from metrics.model import Counter, Histogram
from settings import Site
from tests.bench import preview_data
from tests.dashboards.preview import world
from tests.waiting import free_ports, until

HOSTS = tuple(f"host-{number:02}" for number in range(1, 41))
STEP, SAMPLES = 30, 12
CUT = ("timeseries", "bargauge", "state-timeline", "stat")
BOARDS = [parse(build.text(board).encode()) for board in build.build(Site()).values()]


def _lines(now: int) -> Iterator[str]:
    """Samples of all that panels read. At each moment other machines are the highest, as in a real fleet."""
    exprs = [target.expr for board in BOARDS for panel in board.all_panels() if panel.type in CUT for target in panel.targets]
    for name in sorted({name for expr in exprs for name in metric_names(expr)}):
        metric = catalog.find(name) or catalog.find(re.sub("_(bucket|sum|count)$", "", name))
        assert metric, f"{name} is not declared"
        one = [dict(labels) for labels in preview_data.series(metric, name, ("system",), HOSTS)]
        per_host = len(one) // len(HOSTS)
        few = [labels for place, labels in enumerate(one) if place % per_host < 8]
        for number, labels in enumerate(few):
            inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
            for index in range(SAMPLES):
                wave = (number * 7 + index * 13) % 40 + 1
                value = index * 50 + wave if isinstance(metric, Counter | Histogram) else wave
                yield f"{name}{{{inner}}} {value} {now - (SAMPLES - 1 - index) * STEP}\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The Prometheus's address, and when its data end."""
    folder = tmp_path_factory.mktemp("fleet")
    now = int(time.time()) // STEP * STEP - STEP
    (folder / "samples.txt").write_text("".join(_lines(now)) + "# EOF\n", encoding="utf-8")
    made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples.txt"), str(folder / "data")]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 10s}\n", encoding="utf-8")
    port = free_ports(1)[0]
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with ExitStack() as stack:
        stack.enter_context(world.running([*command, f"--web.listen-address=127.0.0.1:{port}"], folder / "log"))
        until("Prometheus ready", lambda: world.answers(f"http://127.0.0.1:{port}/-/ready"), 30)
        yield f"http://127.0.0.1:{port}", now


async def _counted(url: str, now: int, board: Dashboard, top: str) -> dict[str, int]:
    """How many series each panel draws."""
    pairs = [("from", str((now - 300) * 1000)), ("to", str(now * 1000)), ("width", "300"), ("var-top", top)]
    asked = understood(board, pairs, now)
    counted = {}
    async with Prometheus(url) as prometheus:
        reader = Reader(prometheus, 10)
        values = {one.variable.name: one.value for one in await reader.choices(board, asked)}
        for panel in board.all_panels():
            if panel.type not in CUT:
                continue
            found = 0
            for query in prepared(panel, asked, values, 10):
                once = query.target.is_instant
                answer = prometheus.instant(query.expr, now) if once else prometheus.range(query.expr, query.over, query.step)
                found += len(await answer)
            counted[panel.title] = found
    return counted


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board.uid))
def test_a_fleet_is_drawn_in_twelve_lines_and_whole_when_asked(fleet: tuple[str, int], board: Dashboard) -> None:
    twelve = asyncio.run(_counted(*fleet, board, "12"))
    assert {title: lines for title, lines in twelve.items() if lines > 12} == {}
    fifty = asyncio.run(_counted(*fleet, board, "50"))
    assert {title for title, lines in fifty.items() if lines < twelve[title]} == set()
    by_machine = [title for title, lines in twelve.items() if lines == 12]
    assert [title for title in by_machine if fifty[title] <= 12] == []
    assert by_machine or board.title == "SLO and Error Budget"
