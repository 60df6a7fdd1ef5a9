"""Figures by version, drift, stuck and invalid outputs: the formulas, and what is told of rows in a real PostgreSQL."""

from __future__ import annotations

import math
import random
import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.model_quality import tally
from exporters.model_quality.drift import Reservoir, psi
from exporters.model_quality.quality import wilson
from metrics import model_quality as m
from tests.exporters.model_quality.test_quality import NOW, RISK, row, rows, scraped, write
from tests.stream.store.postgres import database_url, postgres  # noqa: F401  # fixtures

HOUR, DAY = "1h", "1d"


# -- formulas --------------------------------------------------------------------------------------------------------
def test_the_index_of_known_shares() -> None:
    reference = [float(place) for place in range(100)]
    # Of ten deciles the lower five double and the upper five are empty, where half a value is counted.
    current = [float(place) for place in range(50)]
    expected = 5 * (0.2 - 0.1) * math.log(2) + 5 * (0.01 - 0.1) * math.log(0.01 / 0.1)
    assert psi(reference, current) == pytest.approx(expected, rel=0.25)  # deciles themselves are bins of their own
    assert psi(reference, reference) == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_the_index_is_never_below_zero(reference: list[float], current: list[float]) -> None:
    assert psi(reference, current) >= 0


def test_a_moved_distribution_is_told_from_chance() -> None:
    chance = random.Random(3)  # noqa: S311  # no secret
    before, same = ([chance.gauss(0, 1) for _ in range(size)] for size in (5000, 400))
    assert psi(before, same) < 0.1
    assert psi(before, [value + 1 for value in same]) > 0.25
    assert psi(before, [0.0] * 400) > 0.25
    assert psi([0.0] * 1000, [-1.0] * 400) > 0.25
    actions = [chance.choice((-1.0, 0.0, 1.0)) for _ in range(3000)]
    assert psi(actions[:2000], actions[2000:]) < 0.1 < psi(actions[:2000], [1.0] * 300)


def test_a_reservoir_is_bounded_in_values_names_and_time() -> None:
    held = Reservoir(60.0, 10)
    for at in range(12_000):
        held.add(at / 10, RISK, "feature", "x", at / 10)
    for name in range(100):
        held.add(1200.0, RISK, "feature", f"name-{name}", 1.0)
    held.add(1200.0, RISK, "feature", "x", math.nan)
    held.forget(1200.0)
    found = {key[2]: (before, now) for key, before, now in held.split(1140.0)}
    assert len(found) == 40
    before, now = found["x"]
    assert len(before) == 9 * 60
    assert min(before) >= 600
    assert len(now) == 60


def test_the_calibration_error_is_the_one_of_its_source() -> None:
    told = tally.Tally(60.0, 10)
    honest = [row(outcome=1.0 if place < 7 else -1.0, probability=0.7) for place in range(10)]
    boastful = [row(outcome=1.0 if place < 5 else -1.0, probability=0.95) for place in range(10)]
    for one in honest:
        told.add(one)
    since = honest[0]["scored_at"].timestamp()
    found = told.window(RISK, 1, since)
    assert found
    assert found[1].calibration == pytest.approx(0)
    for one in boastful:
        told.add(one)
    found = told.window(RISK, 1, since)
    assert found
    assert found[0] == 20
    assert found[1].calibration == pytest.approx(10 / 20 * abs(0.95 - 0.5))
    told.forget(since + 3600)
    assert told.versions(RISK) == []


# -- from the data store ---------------------------------------------------------------------------------------------
def test_versions_and_windows_are_told_apart(database_url: str) -> None:  # noqa: F811  # the fixture
    outcomes = [math.sin(place * 7) * 1.4 for place in range(250)]
    new = [row(outcome=outcome, version=5) for outcome in outcomes]
    early = NOW - timedelta(hours=5)
    old = [row(outcome=outcome / 2, version=4, scored_at=early, stored_at=early) for outcome in outcomes]
    older = [row(outcome=outcome, version=5, scored_at=early, stored_at=early) for outcome in outcomes[:50]]
    write(database_url, [one | {"stored_at": NOW - timedelta(minutes=2)} for one in new] + older + old)
    with scraped(database_url) as scrape:
        found = scrape()
        again = scrape()

    accuracy = statistics.fmean(-1 <= outcome <= 1 for outcome in outcomes)
    assert found[m.V_SCORED] == {(RISK, "5", HOUR): 250, (RISK, "5", DAY): 300, (RISK, "4", DAY): 250}
    assert found[m.V_ACCURACY][RISK, "5", HOUR, "model"] == pytest.approx(accuracy)
    assert found[m.V_ACCURACY][RISK, "5", HOUR, "baseline"] == pytest.approx(
        statistics.fmean(abs(one) <= 0.5 for one in outcomes)
    )
    assert found[m.V_ACCURACY][RISK, "4", DAY, "model"] == 1
    assert found[m.V_BOUND][RISK, "5", HOUR, "lower"] == pytest.approx(wilson(accuracy, 250)[0])
    assert found[m.V_HITS][RISK, "5", HOUR, "model"] == found[m.HITS][RISK, "model"]
    assert found[m.V_BRIER][RISK, "5", HOUR, "model"] == pytest.approx(found[m.BRIER][RISK, "model"])
    assert (found[m.V_WIDTH][RISK, "5", HOUR, "model"], found[m.V_WIDTH][RISK, "5", HOUR, "baseline"]) == (2.0, 1.0)
    rises = statistics.fmean(outcome > 0 for outcome in outcomes)
    assert found[m.V_CALIBRATION][RISK, "5", HOUR, "model"] == pytest.approx(abs(0.7 - rises))
    assert (rows(found, "history"), rows(again, "history")) == (300, 300)
    assert found[m.REACH][()] == 24 * 3600


def test_history_is_read_piece_by_piece_and_each_row_once(database_url: str) -> None:  # noqa: F811  # the fixture
    hours = [NOW - timedelta(hours=2 + place % 20) for place in range(1200)]
    write(database_url, [row(scored_at=at, stored_at=at) for at in hours])
    with scraped(database_url) as scrape:
        pieces = [scrape() for _ in range(4)]

    assert [rows(one, "history") for one in pieces] == [500, 1000, 1200, 1200]
    assert pieces[-1][m.V_SCORED][RISK, "1", DAY] == 1200
    assert pieces[0][m.REACH][()] < pieces[1][m.REACH][()] < pieces[-1][m.REACH][()]


def test_drift_of_features_and_outputs(database_url: str) -> None:  # noqa: F811  # the fixture
    chance = random.Random(5)  # noqa: S311  # no secret
    before = [NOW - timedelta(hours=2, seconds=20 * place) for place in range(1200)]
    calm = [
        row(scored_at=at, stored_at=at, features=f'{{"level": {chance.gauss(0, 1)}, "word": "x"}}', point=chance.gauss(0, 1))
        for at in before
    ]
    late = [NOW - timedelta(seconds=8 * place) for place in range(400)]
    wild = [
        row(scored_at=at, stored_at=at, features=f'{{"level": {chance.gauss(3, 1)}}}', point=chance.gauss(0, 1)) for at in late
    ]
    write(database_url, calm + wild)
    with scraped(database_url) as scrape:
        told = [scrape() for _ in range(3)]
    found = told[-1][m.DRIFT]
    assert m.DRIFT not in told[0], "the day before was not read far enough"

    assert set(found) == {
        (RISK, "feature", "level"), (RISK, "output", "point"), (RISK, "output", "width"), (RISK, "output", "probability"),
    }  # fmt: skip
    assert found[RISK, "feature", "level"] > 1
    assert found[RISK, "output", "point"] < 0.25
    assert found[RISK, "output", "width"] == 0


def test_stuck_and_invalid_outputs_and_their_age(database_url: str) -> None:  # noqa: F811  # the fixture
    times = [NOW - timedelta(minutes=3, seconds=-place) for place in range(100)]
    moving = [row(point=float(place), scored_at=at, stored_at=at) for place, at in enumerate(times)]
    stuck = [row("predictive-analysis", scored_at=at, stored_at=at) for at in times]
    broken = [
        row("sentiment-analysis", point=math.nan if place % 4 == 0 else place / 7, scored_at=at, stored_at=at)
        for place, at in enumerate(times)
    ]
    stand_in = [row("ensemble-decision", fallback="young", scored_at=at, stored_at=at) for at in times]
    made = NOW - timedelta(seconds=20)
    waiting = [row(outcome=None, made_at=made, due_at=NOW, stored_at=NOW)]
    write(database_url, moving + stuck + broken + stand_in + waiting)
    with scraped(database_url) as scrape:
        found = scrape()

    assert found[m.CONSTANT] == {(RISK,): 0, ("predictive-analysis",): 0.99, ("sentiment-analysis",): 0}
    assert found[m.INVALID] == {(RISK,): 0, ("predictive-analysis",): 0, ("sentiment-analysis",): 0.25}
    assert found[m.LAST_OUTCOME]["ensemble-decision",] == pytest.approx(times[-1].timestamp())
    assert found[m.NEWEST] == {(RISK,): pytest.approx(made.timestamp())}
