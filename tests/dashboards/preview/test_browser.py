"""The page in a real browser: it draws, says no error, and is used by mouse, keys and address."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Page, Route, expect

from metrics import units
from tests.browser import heard
from tests.dashboards.preview.conftest import World, calm
from tests.dashboards.preview.world import HOSTILE
from tests.metrics.test_units import CASES, NOW
from tests.waiting import until

KITCHEN = "/d/kitchen?from=now-5m&to=now&var-job=prometheus&refresh=off"
# The tab's visibility cannot be changed from outside, so the page is told what a browser tells.
HIDDEN = """hidden => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@contextmanager
def opened(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """A page that is complete; leaving it fails on any word in the console, error or violation of the policy."""
    context = browser.new_context(**options)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.extend(heard(message)))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.goto(address)
    ready(page)
    yield page
    context.close()
    assert said == []


def ready(page: Page) -> None:
    page.locator("html[data-ready=true]").wait_for(state="attached", timeout=20_000)


@pytest.fixture
def kitchen(running: World, browser: Browser) -> Iterator[Page]:
    until("no other target is down", lambda: calm(running))
    with opened(browser, running.preview + KITCHEN, viewport={"width": 1280, "height": 900}) as page:
        yield page


def loads(page: Page) -> int:
    return int(page.evaluate("Number(document.documentElement.dataset.loads)"))


def reloaded(page: Page, before: int) -> None:
    page.locator(f'html[data-ready=true]:not([data-loads="{before}"])').wait_for(state="attached", timeout=20_000)


def drawn(page: Page, panel: int) -> int:
    """How many points of a chart's canvas have a colour."""
    script = """canvas => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
      copy.drawImage(canvas, 0, 0);
      const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
      let count = 0;
      for (let at = 3; at < data.length; at += 4) if (data[at]) count += 1;
      return count;
    }"""
    return int(page.locator(f'[data-panel="{panel}"] canvas').first.evaluate(script))


def box(page: Page, panel: int) -> FloatRect:
    page.locator(f'[data-panel="{panel}"]').scroll_into_view_if_needed()
    found = page.locator(f'[data-panel="{panel}"] .plot').bounding_box()
    assert found
    return found


def test_every_visible_panel_shows_data_or_says_why(kitchen: Page) -> None:
    visible = kitchen.locator(".grid:not([hidden]) .panel")
    states = dict(visible.evaluate_all("all => all.map(one => [one.dataset.panel, one.dataset.state])"))
    done = {panel for panel, state in states.items() if state == "done"}
    assert done == {*"12345679", *map(str, range(14, 20)), *(f"19-{copy}" for copy in range(1, 5))}
    assert (states["10"], states["11"]) == ("silent", "error")
    assert min(drawn(kitchen, panel) for panel in (6, 7, 14, 17, 18)) > 500
    expect(kitchen.locator('[data-panel="5"]')).to_contain_text("open in Grafana")
    expect(kitchen.locator("#strip")).to_contain_text("1 alert is firing")
    expect(kitchen.locator(".controls")).to_contain_text("times in ")
    assert kitchen.evaluate("performance.getEntriesByName('watchfloor-ready').length") == 1


def test_labels_with_html_are_text(kitchen: Page) -> None:
    assert kitchen.locator("img, b > img, #strip b > b, h3 i").count() == 0
    expect(kitchen.locator('[data-panel="14"] .series')).to_have_text(HOSTILE)
    expect(kitchen.locator('[data-panel="14"] h3')).to_have_text("Hostile <i>labels</i>")
    expect(kitchen.locator('[data-panel="15"] tbody')).to_contain_text(HOSTILE)
    expect(kitchen.locator('[data-panel="14"] .dygraph-axis-label-y').first).to_contain_text("<img src=x")
    expect(kitchen.locator("#strip")).to_contain_text("Target down <b>now</b>")
    expect(kitchen.locator(".problems")).to_contain_text("broken.json")


def test_a_drag_zooms_all_panels_and_the_address_follows(kitchen: Page) -> None:
    place, before = box(kitchen, 6), loads(kitchen)
    y = place["y"] + 60
    kitchen.mouse.move(place["x"] + 150, y)
    kitchen.mouse.down()
    kitchen.mouse.move(place["x"] + 350, y, steps=5)
    kitchen.mouse.up()
    reloaded(kitchen, before)
    found = re.search(r"from=(\d+)&to=(\d+)", kitchen.url)
    assert found
    assert 30_000 < int(found[2]) - int(found[1]) < 250_000
    before = loads(kitchen)
    kitchen.go_back()
    reloaded(kitchen, before)
    assert "from=now-5m" in kitchen.url
    expect(kitchen.locator(".time summary")).to_have_text("Last 5 minutes")


def test_the_crosshair_is_shared(kitchen: Page) -> None:
    place = box(kitchen, 6)
    kitchen.mouse.move(place["x"] + place["width"] - 20, place["y"] + 60)
    expect(kitchen.locator('[data-panel="6"] .tip')).to_be_visible()
    expect(kitchen.locator('[data-panel="7"] .cross')).to_be_visible()
    expect(kitchen.locator('[data-panel="7"] .tip')).to_be_hidden()


def test_a_variable_is_chosen_and_shared_by_address(kitchen: Page) -> None:
    kitchen.get_by_label("Job").select_option("hostile")
    kitchen.wait_for_url("**var-job=hostile**")
    ready(kitchen)
    expect(kitchen.locator("h1")).to_have_text("Kitchen sink of hostile")
    kitchen.reload()
    ready(kitchen)
    expect(kitchen.get_by_label("Job")).to_have_value("hostile")


def test_several_values_are_chosen_by_keys(kitchen: Page) -> None:
    kitchen.locator("#var-handler summary").focus()
    kitchen.keyboard.press("Enter")
    box_of = kitchen.locator('#var-handler input[value="/metrics"]')
    box_of.focus()
    kitchen.keyboard.press("Space")
    expect(kitchen.locator('#var-handler input[value="$__all"]')).not_to_be_checked()
    kitchen.locator("#var-handler button").focus()
    kitchen.keyboard.press("Enter")
    kitchen.wait_for_url("**var-handler=%2Fmetrics**")
    ready(kitchen)
    expect(kitchen.locator('[data-panel="6"] .series')).to_have_text(["/metrics"])


def test_a_chart_is_read_and_zoomed_by_keys(kitchen: Page) -> None:
    chart = kitchen.locator('[data-panel="6"] .chart')
    chart.focus()
    kitchen.keyboard.press("ArrowLeft")
    expect(kitchen.locator('[data-panel="6"] .tip')).to_contain_text("req/s")
    before = loads(kitchen)
    for _ in range(3):
        kitchen.keyboard.press("Shift+PageUp")
    kitchen.keyboard.press("Enter")
    reloaded(kitchen, before)
    assert re.search(r"from=\d{13}&to=\d{13}", kitchen.url)


def test_everything_is_reached_by_tab(kitchen: Page) -> None:
    reached = set()
    kitchen.keyboard.press("Tab")
    expect(kitchen.locator(".skip")).to_be_focused()
    for _ in range(80):
        kitchen.keyboard.press("Tab")
        reached.add(kitchen.evaluate("(({id, className}) => id || className)(document.activeElement)"))
    assert {"brand", "var-job", "var-top", "refresh", "chart", "series", "scroll", "step"} <= reached


def test_time_is_set_by_keys_and_by_hand(kitchen: Page) -> None:
    kitchen.locator(".time summary").focus()
    kitchen.keyboard.press("Enter")
    before = loads(kitchen)
    kitchen.get_by_role("button", name="Last 15 minutes").press("Enter")
    reloaded(kitchen, before)
    assert "from=now-15m&to=now" in kitchen.url
    kitchen.locator(".time summary").click()
    kitchen.get_by_label("From").fill("yesterday")
    kitchen.get_by_label("From").press("Enter")
    kitchen.wait_for_url("**from=yesterday**")
    ready(kitchen)
    expect(kitchen.locator(".problems")).to_contain_text("'yesterday' is no time")


def test_refresh_runs_and_pauses_while_hidden(running: World, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(running.preview + KITCHEN)
    ready(page)
    page.locator("#refresh").select_option("30s")
    assert "refresh=30s" in page.url
    before = loads(page)
    page.clock.fast_forward(31_000)
    reloaded(page, before)
    page.evaluate(HIDDEN, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(600_000)
    assert page.evaluate("document.documentElement.dataset.ready") == "true"
    assert asked == []
    before = loads(page)
    page.evaluate(HIDDEN, False)
    page.clock.fast_forward(10)
    reloaded(page, before)
    assert asked
    context.close()


def test_a_collapsed_row_asks_when_it_opens(kitchen: Page) -> None:
    row = kitchen.get_by_role("button", name="More of prometheus")
    assert kitchen.locator('[data-panel="13"]').get_attribute("data-state") == "loading"
    row.press("Enter")
    expect(kitchen.locator('[data-panel="13"]')).to_have_attribute("data-state", "done")
    expect(row).to_have_attribute("aria-expanded", "true")


def test_one_series_is_shown_alone_or_hidden(kitchen: Page) -> None:
    first = kitchen.locator('[data-panel="7"] .series').first
    visible = "[...WF.charts].find(one => one.title === 'Memory and CPU').graph.visibility()"
    assert first.count(), kitchen.locator('[data-panel="7"]').inner_text()
    first.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    assert kitchen.evaluate(visible) == [True, False]
    before = loads(kitchen)
    kitchen.get_by_role("button", name="Refresh").click()
    reloaded(kitchen, before)
    assert kitchen.evaluate(visible) == [True, False]
    first.press("Enter")
    assert kitchen.evaluate(visible) == [True, True]
    first.click(modifiers=["Control"])
    expect(first).to_have_attribute("aria-pressed", "false")
    assert kitchen.evaluate(visible) == [False, True]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_fits_a_telephone(running: World, browser: Browser, scheme: str) -> None:
    with opened(browser, running.preview + KITCHEN, viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert drawn(page, 6) > 300


def test_a_server_that_goes_away_is_told(running: World, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(running.preview + KITCHEN)
    ready(page)
    context.set_offline(True)
    before = loads(page)
    page.get_by_role("button", name="Refresh").click()
    reloaded(page, before)
    expect(page.locator('[data-panel="6"]')).to_contain_text("this server does not answer")
    expect(page.locator("#strip")).to_contain_text("Not known")
    context.close()


def test_units_are_written_as_the_server_writes_them(kitchen: Page) -> None:
    chance = random.Random(7)  # noqa: S311  # test values, no secrets
    known = [unit for _, unit, _, _ in CASES]
    rows: list[tuple[float | None, str, int | None]] = [(value, unit, decimals) for value, unit, decimals, _ in CASES]
    for _ in range(5_000):
        value = chance.choice((1, -1)) * chance.uniform(1, 10) * 10 ** chance.uniform(-13, 21)
        if chance.random() < 0.4:
            value = round(value, chance.randrange(4))
        rows.append((value, chance.choice(known), chance.choice((None, None, None, 0, 1, 2, 3))))
    script = "([rows, now]) => rows.map(([value, unit, decimals]) => WF.units.write(value, unit, decimals, now))"
    written = kitchen.evaluate(script, [rows, NOW])
    differing = [(row, text) for row, text in zip(rows, written, strict=True) if units.write(*row, NOW) != text]
    assert differing == []


def test_marks_of_an_axis_are_round_and_told_apart(kitchen: Page) -> None:
    made = "WF.axis.options({ unit, decimals: null }, [low, high], 0).ticker(low, high, 120)"
    script = f"([unit, low, high]) => {made}.map((one) => one.label)"
    cases = {
        ("ops", 0, 0.021): ["0 ops/s", "0.005 ops/s", "0.01 ops/s", "0.015 ops/s", "0.02 ops/s"],
        ("s", 0, 170): ["0 s", "1 min", "2 min"],
        ("bytes", 0, 5000): ["0 B", "1 KiB", "2 KiB", "3 KiB", "4 KiB"],
        ("short", 0, 1): ["0", "1"],
        ("percentunit", 0.9982, 1): ["99.85%", "99.9%", "99.95%", "100%"],
    }
    assert {case: kitchen.evaluate(script, list(case)) for case in cases} == cases


def test_a_question_that_breaks_off_is_asked_again(running: World, browser: Browser) -> None:
    broken: set[str] = set()

    def once(route: Route) -> None:
        if route.request.url in broken:
            route.continue_()
        else:
            broken.add(route.request.url)
            route.abort("connectionreset")

    page = browser.new_page()
    page.route("**/api/panel/**", once)
    page.goto(running.preview + KITCHEN)
    ready(page)

    expect(page.locator('[data-panel="7"]')).to_have_attribute("data-state", "done")
    assert broken
    page.close()
