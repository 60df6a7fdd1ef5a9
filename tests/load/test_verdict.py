"""What is said of figures: met, missed, not told; and what is advised."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import page as opened
from tests.load import report, run, shapes, verdict
from tests.load.api import read_wrk
from tests.load.recorder import Outcome, Recorder


def outcome(name: str = "api", milliseconds: float = 5, count: int = 1000, **changes: Any) -> Outcome:
    test = shapes.find(name)
    assert test
    recorder = Recorder()
    recorder.paced.offered = recorder.paced.sent = count
    recorder.paced.seconds = 1.0
    for number in range(count):
        recorder.sent()
        recorder.answered("one", milliseconds / 1000 * (1 + (number % 20 == 0)))
    found = recorder.outcome(
        name, test.title, test.unit, users=test.users, share=1, factor=0.1, open_loop=test.rate > 0
    )  # fmt: skip
    return dataclasses.replace(found, **changes)


def words(one: Outcome) -> dict[str, str]:
    return {check.what: check.word for check in verdict.judged([one])}


def test_what_is_better_than_wanted_is_met_by_its_factor() -> None:
    found = {check.what: check for check in verdict.judged([outcome(milliseconds=10)])}
    assert {check.word for check in found.values()} == {"met"}
    assert found["mean"].factor == pytest.approx(100 / 10.5, rel=0.02)
    assert verdict.code(list(found.values())) == 0


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (outcome(milliseconds=150), "mean"), (outcome("websocket", 40), "mean"), (outcome(failed=11), "errors"),
        (outcome(lost=11), "errors"), (outcome("cache", hit_ratio=0.94), "hit ratio of hot keys"),
        (outcome("edge", achieved=54_700.0), "answers a second"), (outcome("database", 300), "p95"), (outcome(count=0), "mean"),
    ],
)  # fmt: skip
def test_what_is_worse_is_missed(one: Outcome, what: str) -> None:
    assert words(one)[what] == "missed"
    assert verdict.code(verdict.judged([one])) == 1


def test_a_generator_that_was_too_slow_meets_nothing() -> None:
    one = outcome(sent=980.0, offered=1000.0)
    assert set(words(one).values()) == {"generator-limited"}
    assert verdict.code(verdict.judged([one])) == 3
    assert words(outcome(sent=990.0, offered=1000.0))["mean"] == "met"


def test_a_share_of_the_load_meets_nothing_either() -> None:
    assert set(words(outcome(share=0.05)).values()) == {"held at a share"}


def test_advice_names_what_was_saturated() -> None:
    one = outcome(milliseconds=150, generator=0.3)
    one.resources = {"busy": 40.0, "cores": {"stream": 0.87}}
    (told,) = verdict.recommendations([one], verdict.judged([one]))
    assert "stream: one process, 0.87 cores: see `stream.workers`" in told
    assert "caching and the database" in told
    one.resources = {"busy": 40.0, "cores": {"stream": 0.82}}
    assert "nothing was saturated" in verdict.recommendations([one], verdict.judged([one]))[0]


def test_a_step_that_was_missed_is_no_miss_of_the_others() -> None:
    steps = [outcome(step="at 1,000/s"), outcome(milliseconds=150, step="at 2,000/s", title="API at 2,000/s")]
    found = verdict.judged(steps)
    assert {check.test for check in found if check.word == "missed"} == {"api at 2,000/s"}
    (told,) = verdict.recommendations(steps, found)
    assert told.startswith("API at 2,000/s: mean 157 ms missed; ")


def test_a_baseline_is_compared_by_its_own_file(tmp_path: Path) -> None:
    told, _ = report.write(report.Report("Load", "make load", 0.0, [outcome(milliseconds=5)], {}), tmp_path)
    earlier = run.baseline(told)
    (mean, *_) = verdict.compared([outcome(milliseconds=10)], earlier)
    assert mean.ratio == pytest.approx(2, rel=0.02)
    assert verdict.compared([outcome("ai")], earlier) == []
    told.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="is no report of a load run"):
        run.baseline(told)


def test_wrk_is_read() -> None:
    recorder = Recorder()
    read_wrk("".join(f"P {number * 10}\n" for number in range(1, 101)) + "N 5000 50 1\n", recorder)
    told = recorder.outcome("edge", "Edge", "requests", users=2, share=1, factor=1, open_loop=False)
    assert told.latency.count == 4950
    assert told.latency.p95 == pytest.approx(0.95, rel=0.02)
    assert told.reasons == {"status": 50, "connection": 1}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_shows_itself_without_a_word_in_the_console(scheme: Any, browser: Browser, tmp_path: Path) -> None:
    one = outcome(notes=["<b>no markup</b>"], reasons={"status 503": 3})
    one.resources = {
        "busy": 95.0,
        "cores": {"stream": 0.5},
        "series": [{"title": "Busy", "unit": "%", "lines": {"": [[0, 1], [1, 90]]}}],
    }
    whole = report.Report("Load tests", "make load", 0.0, [one], {"processors": 2}, marks=[(one.began + 0.5, "fault")])
    told, shown = report.write(whole, tmp_path)
    assert json.loads(told.read_text(encoding="utf-8"))["overall"]["success"] is True
    with opened(browser, shown.as_uri(), color_scheme=scheme, viewport={"width": 360, "height": 800}) as page:
        assert page.locator("figure").count() == 5
        assert page.locator("td", has_text="met").count() == 3
        assert page.get_by_text("<b>no markup</b>").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.evaluate("getComputedStyle(document.querySelector('figure')).borderRadius") == "4px"
