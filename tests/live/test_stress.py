"""The stress test of `make stress`, a second and a half for each of a few rates: everything but the size."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.appliance import Appliance
from tests.load import machine, report, run
from tests.load.recovery import stopped
from tests.load.stress import COLLAPSES, QUEUES, SHEDS, sentence, stress

START, FACTOR, SECONDS, USERS = 300.0, 8.0, 1.5, 500


@pytest.mark.alone
def test_a_rate_that_holds_one_that_does_not_what_comes_after_and_after_a_stop_are_told(tmp_path: Path) -> None:
    with Appliance(factor=0.2, settings=run.SETTINGS) as appliance:
        run.ready(appliance)
        found, outcomes = stress(appliance, start=START, factor=FACTOR, seconds=SECONDS, users=USERS)
        well, seen = stopped(appliance, rate=START, users=20, seconds=3, patience=60)
    assert well is not None
    assert well < 30
    assert seen.good[6] < seen.asked[6], "the process stood still then"
    last = found.steps[-1]
    assert found.steps[0].rate == START
    assert [one.word for one in found.steps if one.rate == START][-1] == "held", "at once, or when it was tried again"
    assert last.word in ("broken", "generator-limited")
    assert found.steps[-2].rate == last.rate, "another program's moment is no limit: it is tried twice"
    assert found.knee
    assert math.isclose(last.rate, FACTOR * found.knee.rate)
    assert found.beyond
    assert math.isclose(found.beyond.rate, 2 * found.knee.rate)
    assert found.manner in (COLLAPSES, SHEDS, QUEUES)
    assert found.recovery is not None
    assert found.recovery < 30
    assert len(outcomes) == len(found.steps) + 1
    assert f"knee {found.knee.rate:,.0f}/s" in sentence(found)
    told = report.Report("Stress test", "make stress", 0.0, outcomes, machine.environment(), extra=found.as_dict())
    file, page = report.write(told, tmp_path)
    assert "Stress test" in page.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["stress"]["knee"]["rate"] == found.knee.rate
