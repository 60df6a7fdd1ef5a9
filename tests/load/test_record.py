"""Reports of record say what a run's file says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.load import record, usl
from tests.load.recorder import Figures, Outcome
from tests.load.report import Report, write
from tests.load.stress import Step, Stress, sentence
from tests.load.test_verdict import outcome

WHERE = {
    "processors": 2, "processor": "x", "memory_gib": 24.0, "system": "Debian", "kernel": "6", "python": "3.11",
    "watchfloor": "0.1.0", "commit": "abc", "load_before": 0.5,
}  # fmt: skip


def told(folder: Path, what: str, file: Path) -> str:
    assert record.main([what, str(file)]) == 0
    return (folder / record.PAGES[what][0]).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "FOLDER", tmp_path / "reports")
    return tmp_path / "reports"


def test_a_load_run_is_told_with_its_misses(tmp_path: Path, elsewhere: Path) -> None:
    one = outcome("edge", achieved=54_700.0)
    one.resources = {"busy": 50.0, "others": 0.7, "cores": {}}
    file, _ = write(Report("Load tests", "make load edge", one.began, [one], WHERE), tmp_path)
    page = told(elsewhere, "load", file)
    assert "| edge: answers a second | 54,700 | ≥ 100,000 | 0.547 | **missed** |" in page
    assert "0.70 |" in page
    assert "Edge: answers a second 54,700 missed" in page
    assert (elsewhere / "load.html").exists()


def test_what_another_run_found_stands_beside_it(tmp_path: Path, elsewhere: Path) -> None:
    files = []
    for minute, (name, achieved, busy) in enumerate(
        (("edge", 54_700.0, 50.0), ("edge", 101_000.0, 40.0), ("peak", 10_000.0, 60.0))
    ):
        one = outcome(name, achieved=achieved)
        one.resources = {"busy": busy, "others": 0.0, "cores": {}}
        one.began += 60 * minute
        files.append(write(Report("Load tests", "make load edge", one.began, [one], WHERE), tmp_path)[0])
    assert record.main(["load", *map(str, files)]) == 0
    page = (elsewhere / "load.md").read_text(encoding="utf-8")
    assert "| edge: answers a second | 54,700: **missed** | 101,000 |  |" in page
    assert "| edge: processors busy | 50 % | 40 % |  |" in page
    assert "| peak: answers a second |  |  | 10,000 |" in page
    assert "The same again" not in told(elsewhere, "load", files[0])


def asked() -> Outcome:
    """A step as the run has it, of 70 users."""
    return outcome(users=70, resources={"busy": 50.0, "others": 0.0, "cores": {}})


def step(rate: float, word: str, achieved: float, errors: float = 0.0) -> Step:
    return Step(rate, rate, achieved, errors, Figures(1, 5, 5, 5, 5, 5, 5), {}, word)


@pytest.mark.parametrize(
    ("beyond", "errors", "said"), [(900.0, 0.0, "it queues"), (900.0, 0.5, "it sheds"), (400.0, 0.5, "it collapses")]
)
def test_a_knee_is_the_highest_rate_that_held(
    tmp_path: Path, elsewhere: Path, beyond: float, errors: float, said: str
) -> None:  # fmt: skip
    found = Stress(
        [step(500, "held", 500), step(1000, "held", 1000), step(2000, "broken", 1100)], step(2000, "broken", beyond, errors), 3.0
    )
    assert found.knee
    assert found.knee.rate == 1000
    assert said in sentence(found)
    file, _ = write(Report("Stress test", "make stress", 0.0, [asked()], WHERE, extra=found.as_dict()), tmp_path)
    page = told(elsewhere, "stress", file)
    assert "**Knee: 1,000 requests a second.**" in page
    assert said in page
    assert "from 70 users" in page
    assert "(mean 100 ms, p95 500 ms, failures 1 %)" in page
    assert "after 3.0 s" in page


def test_no_knee_is_said(tmp_path: Path, elsewhere: Path) -> None:
    found = Stress([step(500, "generator-limited", 100)])
    assert "no rate held" in sentence(found)
    file, _ = write(Report("Stress test", "make stress", 0.0, [asked()], WHERE, extra=found.as_dict()), tmp_path)
    assert "**No rate held.**" in told(elsewhere, "stress", file)


def test_the_law_s_limit_is_told(tmp_path: Path, elsewhere: Path) -> None:
    law = usl.Law(1000, 0.05, 0.01)
    found = [(count, law.at(count)) for count in (1, 2, 4, 8)]
    fitted = dataclasses.asdict(usl.fit(found))
    file = tmp_path / "scale.json"
    file.write_text(json.dumps({"date": "2026-11-29", "found": found, "law": fitted, "environment": WHERE}), encoding="utf-8")
    page = told(elsewhere, "scale", file)
    assert "most would be done by 10 instances" in page
    assert "| 1 | 1,000 | 1.00 | +0.0 |" in page.replace("-0.0", "+0.0")
