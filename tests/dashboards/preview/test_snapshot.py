"""The snapshot: one file that opens without a network and says when and from what it was made."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dashboards.preview import snapshot
from dashboards.preview.ask import understood
from dashboards.preview.files import Files
from dashboards.preview.library import Library
from settings import parse
from tests.dashboards.preview import world
from tests.dashboards.preview.conftest import World
from tests.dashboards.preview.test_browser import box, drawn, opened
from tests.dashboards.preview.test_command import run
from tests.waiting import free_ports

ASK = ("snapshot", "--dashboard", "kitchen", "--from", "now-5m", "--var", "job=prometheus")


@pytest.fixture
def file(running: World, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "rendered" / "dashboards").mkdir(parents=True)
    (folder / "rendered" / "dashboards" / "kitchen.json").write_bytes(world.KITCHEN.read_bytes())
    out = tmp_path / "deep" / "snapshot.html"
    done = run(folder, *ASK, "--out", str(out), PROMETHEUS_ENDPOINT=running.prometheus)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(out) in done.stdout
    return out


def test_it_opens_offline_and_asks_nobody(browser: Browser, file: Path, running: World) -> None:
    assert file.stat().st_size < 3_000_000
    with opened(browser, file.as_uri(), offline=True, viewport={"width": 1280, "height": 900}) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        page.locator("html[data-ready=true]").wait_for(state="attached")
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        expect(page.locator("#top")).to_contain_text("Snapshot of ")
        expect(page.locator("#top")).to_contain_text(running.prometheus)
        expect(page.locator("#top")).to_contain_text("job: prometheus")
        assert page.locator('[data-state="loading"]').count() == 0
        assert min(drawn(page, panel) for panel in (6, 7, 13, 14, 17, 18)) > 500
        page.locator(".happened-list summary").click()
        expect(page.locator(".happened-list tbody")).to_contain_text("TargetDown")
        expect(page.locator('[data-panel="16"]')).to_contain_text("80%")
        expect(page.locator('[data-panel="19-4"] .name')).to_have_text("e")
        page.locator('[data-panel="18"] .chart').press("End")
        expect(page.locator('[data-panel="18"] .tip')).to_contain_text("DOWN")
        assert page.locator("img").count() == 0


def test_a_drag_zooms_inside_it(browser: Browser, file: Path) -> None:
    with opened(browser, file.as_uri(), offline=True, viewport={"width": 1280, "height": 900}) as page:
        place = box(page, 6)
        whole = page.evaluate("[...WF.charts][0].graph.xAxisRange()")
        page.mouse.move(place["x"] + 200, place["y"] + 60)
        page.mouse.down()
        page.mouse.move(place["x"] + 400, place["y"] + 60, steps=5)
        page.mouse.up()
        first, second = page.evaluate("[...WF.charts].slice(0, 2).map(one => one.graph.xAxisRange())")
        assert first == second
        assert first[1] - first[0] < (whole[1] - whole[0]) / 2


def test_without_the_charts_package_it_says_so_and_numbers_stand(running: World, browser: Browser, tmp_path: Path) -> None:
    times = "prometheus: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}"
    site = parse(times, environment={"PROMETHEUS_ENDPOINT": running.prometheus})
    library = Library(world.KITCHEN.parent)
    dashboard = library.dashboards["kitchen"]
    ask = understood(dashboard, [("from", "now-5m"), ("var-job", "prometheus")], time.time())
    made = tmp_path / "plain.html"
    with ThreadPoolExecutor(1) as thread:  # the browser's driver has this thread's event loop
        text = thread.submit(lambda: asyncio.run(snapshot.make(site, library, dashboard, ask, Files(tmp_path)))).result()
    made.write_text(text, encoding="utf-8")
    with opened(browser, made.as_uri(), offline=True) as page:
        expect(page.locator('[data-panel="6"]')).to_contain_text("install the package libjs-dygraphs")
        expect(page.locator('[data-panel="6"] tbody')).to_contain_text("req/s")
        expect(page.locator('[data-panel="3"]')).to_contain_text("Up")
        expect(page.locator('[data-panel="9"] tbody tr')).to_have_count(3)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--dashboard", "none"), 2, "no such dashboard: known are"),
        (("--dashboard", "watchfloor-overview", "--from", "yesterday"), 2, "is no time"),
        (("--dashboard", "watchfloor-overview", "--var", "x"), 2, "NAME=VALUE"),
        (("--dashboard", "watchfloor-overview"), 1, "does not answer: connection refused"),
    ],
)
def test_what_cannot_be_made_is_told(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    done = run(tmp_path, "snapshot", *arguments, "--out", str(tmp_path / "x.html"), PROMETHEUS_ENDPOINT=nowhere)
    assert (done.returncode, words in done.stderr, (tmp_path / "x.html").exists()) == (code, True, False)
