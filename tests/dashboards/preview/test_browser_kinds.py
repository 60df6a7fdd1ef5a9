"""Cells, bands and bars in a real browser; what happened; a panel alone, its data as a file, a link for others."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.dashboards.preview.conftest import World, sampled
from tests.dashboards.preview.test_browser import KITCHEN, box, opened, ready
from tests.dashboards.preview.world import HOSTILE
from tests.waiting import until

COLOURS = """number => {
  const canvas = document.querySelector(`[data-panel="${number}"] canvas`);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) found.add('#' + [0, 1, 2].map(k => data[at + k].toString(16).padStart(2, '0')).join(''));
  }
  return [...found];
}"""


def test_cells_bands_and_bars_are_read_by_mouse_and_keys(running: World, browser: Browser) -> None:
    until("the last dozen pixels have data", lambda: sampled(running.prometheus, 15), 40, 0.2)
    with opened(browser, running.preview + KITCHEN, viewport={"width": 1280, "height": 900}, color_scheme="dark") as page:
        assert {"#009e73", "#d55e00", "#e69f00"} <= set(page.evaluate(COLOURS, 18))
        page.locator('[data-panel="18"] .chart').press("ArrowLeft")
        tip = page.locator('[data-panel="18"] .tip')
        expect(tip).to_contain_text("DOWN")
        expect(tip).to_contain_text("<b>odd</b>")
        expect(tip).to_contain_text(HOSTILE)
        expect(tip.locator(".happened")).to_have_count(2)
        expect(tip.locator(".happened").filter(has_text="TargetDown")).to_contain_text("on 127.0.0.1")
        expect(page.locator('[data-panel="18"] .key')).to_contain_text("<b>odd</b>")
        place = box(page, 17)
        page.mouse.move(place["x"] + place["width"] - 16, place["y"] + place["height"] - 30)
        expect(page.locator('[data-panel="17"] .tip .pointed')).to_contain_text("req/s")
        expect(page.locator('[data-panel="6"] .cross')).to_be_visible()
        bars = page.locator('[data-panel="16"] .gauge')
        expect(bars.nth(1)).to_contain_text("80%")
        assert bars.nth(1).locator(".filled.warning").evaluate("one => one.style.width") == "80%"
        assert bars.nth(1).locator(".tick").count() == 2
        copies = page.locator('.panel:has-text("Copy") h3')
        expect(copies).to_have_text([f"Copy {letter}" for letter in "abcde"])
        expect(page.locator('[data-panel="19-3"] .name')).to_have_text("d")
        assert page.locator("img").count() == 0


def test_what_happened_is_listed_marked_and_switched_off(running: World, browser: Browser) -> None:
    with opened(browser, running.preview + KITCHEN, viewport={"width": 1280, "height": 900}) as page:
        listed = page.locator(".happened-list")
        listed.locator("summary").press("Enter")
        expect(listed.locator("tbody")).to_contain_text("TargetDown")
        expect(listed.locator("tbody")).to_contain_text(HOSTILE)
        assert page.locator('[data-panel="6"] .event.critical').count() >= 1
        before = page.locator('[data-panel="17"] .event').count()
        odd = listed.locator("tbody tr").filter(has_text=HOSTILE).count()  # a scrape that was missed makes two of one
        listed.get_by_label("Odd").press("Space")
        expect(page.locator('[data-panel="17"] .event')).to_have_count(before - odd)
        zoomed(page)


def zoomed(page: Page) -> None:
    """A drag on a heatmap zooms as one on a chart does."""
    place = box(page, 17)
    page.mouse.move(place["x"] + 150, place["y"] + 60)
    page.mouse.down()
    page.mouse.move(place["x"] + 220, place["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url("**from=1**")
    ready(page)


def test_a_panel_alone_as_a_file_and_as_a_link(running: World, browser: Browser) -> None:
    with opened(browser, running.preview + KITCHEN, viewport={"width": 1280, "height": 900}) as page:
        page.locator('[data-panel="14"] .chart').press("v")
        page.wait_for_url("**viewPanel=14**")
        ready(page)
        expect(page.locator(".panel")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        rows = downloaded(page)
        assert rows[0] == ["time", HOSTILE]
        assert 4 < float(rows[-1][1]) < 6  # it grows by five a second
        page.locator(".share summary").press("Enter")
        expect(page.locator("#link")).to_have_value(re.compile("viewPanel=14"))
        shown = parse_qs(urlsplit(page.locator("#link").input_value()).query)
        assert (shown["viewPanel"], shown["var-job"], shown["var-handler"]) == (["14"], ["prometheus"], ["$__all"])
        assert 250_000 < int(shown["to"][0]) - int(shown["from"][0]) < 350_000
        page.get_by_role("button", name="Copy").click()
        expect(page.locator(".share [role=status]")).to_contain_text("opied")
        page.keyboard.press("Escape")
        expect(page.locator(".share .sheet")).to_be_hidden()
        page.keyboard.press("Escape")
        page.wait_for_url(lambda url: "viewPanel" not in url)
        ready(page)
        items = [{"name": "=cmd|x", "value": -1, "text": "-1"}, {"name": 'a,"b"', "value": None, "text": "\t@x"}]
        guarded = page.evaluate("items => WF.csv.text({kind: 'stat', items})", items)
        assert list(csv.reader(io.StringIO(guarded))) == [
            ["name", "value", "shown"], ["'=cmd|x", "-1", "'-1"], ['a,"b"', "", "'\t@x"],
        ]  # fmt: skip


def downloaded(page: Page) -> list[list[str]]:
    """The rows of the file that the panel's menu gives."""
    page.locator('[data-panel="14"] .about summary').click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    assert download.value.suggested_filename.startswith("Hostile-i-labels-i-")
    page.keyboard.press("Escape")
    return list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
