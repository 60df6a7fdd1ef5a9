"""The exporter of the models' quality: its formulas, and what it tells of rows in a real PostgreSQL, recomputed here."""

from __future__ import annotations

import math
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.model_quality import collectors, of_feed
from exporters.model_quality.feed import Feed
from exporters.model_quality.outputs import Outputs
from exporters.model_quality.quality import Side, scored, summary, wilson
from exporters.model_quality.reading import Reader
from exporters.model_quality.scores import Scores
from exporters.model_quality.versions import Versions
from exporters.target import TargetError
from metrics import model_quality as m
from metrics.model import Metric
from tests.stream.store.postgres import Postgres, database_url, postgres  # noqa: F401  # fixtures

NOW = datetime.now(UTC)
RISK, ACTION = "risk-assessment", "recommendation-generation"


def row(model: str = RISK, outcome: float | None = 0.0, **more: Any) -> dict[str, Any]:
    """A row as the models write it: an interval from -1 to 1, twice as wide as the baseline's."""
    made = NOW - timedelta(minutes=5)
    scored_at = None if outcome is None else NOW - timedelta(minutes=3)
    return {
        "id": str(uuid.uuid4()), "model": model, "version": 1, "fallback": "", "origin": "scheduled", "crypto_id": "btc",
        "symbol": "BTC", "horizon": 60, "made_at": made, "due_at": made + timedelta(minutes=1), "point": 0.0, "lower": -1.0,
        "upper": 1.0, "probability": 0.7, "baseline_point": 0.0, "baseline_lower": -0.5, "baseline_upper": 0.5,
        "baseline_probability": 0.5, "features": "{}", "expected": "{}", "outcome": outcome, "change": outcome,
        "happened": None if outcome is None else outcome > 0, "baseline_happened": None if outcome is None else outcome > 0,
        "breached": None, "scored_at": scored_at,
    } | more  # fmt: skip


def write(url: str, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    places = ", ".join(f"%({name})s" for name in names)
    query = f"INSERT INTO ai_predictions ({', '.join(names)}) VALUES ({places})"  # our own column names
    with psycopg.connect(url) as connection:
        connection.cursor().executemany(query.encode(), rows)


@contextmanager
def exporter(url: str) -> Iterator[dict[Metric, dict[tuple[str, ...], float]]]:
    """What is told, by metric and labels."""
    reader = Reader(url)
    try:
        yield told(collectors(reader, 3600, 200))
    finally:
        reader.close()


def told(asked: Any) -> dict[Metric, dict[tuple[str, ...], float]]:
    found: dict[Metric, dict[tuple[str, ...], float]] = {}
    for collector in asked:
        for metric, labels, value in collector.collect():
            assert metric in collector.emits
            found.setdefault(metric, {})[labels] = value
    return found


@contextmanager
def scraped(url: str) -> Iterator[Callable[[], dict[Metric, dict[tuple[str, ...], float]]]]:
    """What scrape after scrape tells, which is read once for all collectors."""
    reader = Reader(url)
    feed = Feed(reader, 3600)
    made = of_feed(feed, reader, 200)

    def scrape() -> dict[Metric, dict[tuple[str, ...], float]]:
        feed.prepare(frozenset(), 0)
        return told(made)

    try:
        yield scrape
    finally:
        reader.close()


def rows(found: dict[Metric, dict[tuple[str, ...], float]], part: str = "new") -> float:
    return found[m.ROWS_READ][part,]


def test_what_nobody_asks_for_is_forgotten_too(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Rows are read once for all collectors: one that is left out of every scrape must not keep them for ever."""
    write(database_url, [row() for _ in range(30)])
    reader = Reader(database_url)
    feed = Feed(reader, 3600)
    scores, versions, outputs, *_ = of_feed(feed, reader, 200)
    assert isinstance(scores, Scores)
    assert isinstance(versions, Versions)
    assert isinstance(outputs, Outputs)
    try:
        feed.prepare(frozenset(), 0)
        assert (len(scores._known), len(outputs._held[RISK]), versions._tally.versions(RISK)) == (30, 30, [1])
        now = time.time()
        monkeypatch.setattr("exporters.model_quality.feed.time.time", lambda: now + 3600 * 25)
        feed.prepare(frozenset(), 0)
        assert (len(scores._known), len(outputs._held[RISK]), versions._tally.versions(RISK)) == (0, 0, [])
    finally:
        reader.close()


def test_the_interval_score_is_the_one_of_its_source() -> None:
    inside, outside = scored(row(outcome=0.3)), scored(row(outcome=1.5))

    assert inside.own == Side(inside=True, hit=True, brier=(0.7 - 1) ** 2, width=2.0, interval_score=2.0)
    assert outside.own.interval_score == pytest.approx(2 + 20 * 0.5)
    assert not outside.own.inside
    assert not outside.baseline.inside


def test_a_wider_interval_worsens_the_width_score() -> None:
    outcomes = [math.sin(place) * 1.05 for place in range(300)]
    narrow = summary(scored(row(outcome=outcome)).own for outcome in outcomes)
    wide = summary(scored(row(outcome=outcome, lower=-9.0, upper=9.0)).own for outcome in outcomes)

    assert wide.accuracy == 1 > narrow.accuracy
    assert wide.width > narrow.width
    assert wide.interval_score > narrow.interval_score


def test_of_an_action_only_the_right_one_is_a_hit() -> None:
    right = scored(row(ACTION, outcome=1.0, point=1.0, probability=0.4, happened=True))
    wrong = scored(row(ACTION, outcome=0.0, point=1.0, probability=0.4, happened=False))

    assert (right.own.hit, wrong.own.hit) == (True, False)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1000), st.floats(0, 1))
def test_the_confidence_interval_holds_the_share_and_narrows(count: int, share: float) -> None:
    lower, upper = wilson(share, count)

    assert 0 <= lower <= share + 1e-9
    assert share - 1e-9 <= upper <= 1
    assert upper - lower > wilson(share, 4 * count)[1] - wilson(share, 4 * count)[0]


def test_wilsons_interval_is_the_known_one() -> None:
    assert wilson(0.9, 200) == pytest.approx((0.8506, 0.9342), abs=0.0005)


def test_what_is_told_is_what_the_rows_say(database_url: str) -> None:  # noqa: F811  # the fixture
    outcomes = [math.sin(place * 7) * 1.4 for place in range(250)]
    write(database_url, [row(outcome=outcome, breached=outcome < -1) for outcome in outcomes])
    with exporter(database_url) as found:
        assert found[m.ACCURACY][RISK,] == pytest.approx(statistics.fmean(-1 <= outcome <= 1 for outcome in outcomes))
        assert found[m.HITS][RISK, "model"] == pytest.approx(statistics.fmean(outcome > 0 for outcome in outcomes))
        brier = statistics.fmean((0.7 - (outcome > 0)) ** 2 for outcome in outcomes)
        assert found[m.BRIER][RISK, "model"] == pytest.approx(brier)
        assert found[m.BRIER][RISK, "baseline"] == pytest.approx(0.25)
        assert (found[m.WIDTH][RISK, "model"], found[m.WIDTH][RISK, "baseline"]) == (2.0, 1.0)
        assert found[m.BREACHES][RISK,] == pytest.approx(statistics.fmean(outcome < -1 for outcome in outcomes))
        assert found[m.SCORED][RISK,] == 250
        assert found[m.ACCURACY_BOUND][RISK, "lower"] < found[m.ACCURACY][RISK,] < found[m.ACCURACY_BOUND][RISK, "upper"]


def test_below_two_hundred_outcomes_no_share_is_told(database_url: str) -> None:  # noqa: F811  # the fixture
    write(database_url, [row() for _ in range(199)])
    with exporter(database_url) as found:
        assert m.ACCURACY not in found
        assert found[m.SCORED][RISK,] == 199


def test_what_is_no_judgement_of_the_model_is_left_out(database_url: str) -> None:  # noqa: F811  # the fixture
    good = [row() for _ in range(200)]
    old = [row(outcome=5.0, scored_at=NOW - timedelta(hours=2)) for _ in range(50)]
    asked = [row(outcome=5.0, origin="asked") for _ in range(50)]
    stand_in = [row(outcome=5.0, fallback="has learned nothing yet") for _ in range(50)]
    missed = [row(outcome=None, scored_at=NOW) for _ in range(50)]
    waiting = [row(outcome=None) for _ in range(7)] + [row(outcome=None, due_at=NOW + timedelta(hours=1)) for _ in range(3)]
    write(database_url, good + old + asked + stand_in + missed + waiting)
    with exporter(database_url) as found:
        assert found[m.ACCURACY][RISK,] == 1
        assert found[m.FALLBACK][RISK,] == pytest.approx(50 / 250)
        assert (found[m.WAITING][RISK,], found[m.OVERDUE][RISK,]) == (10, 7)
        assert found[m.WAITING][ACTION,] == 0


def test_a_second_scrape_reads_what_is_new_alone(database_url: str) -> None:  # noqa: F811  # the fixture
    write(database_url, [row(stored_at=NOW - timedelta(minutes=3)) for _ in range(200)])
    with scraped(database_url) as scrape:
        first = scrape()
        assert (first[m.SCORED][RISK,], rows(first)) == (200, 200)
        write(database_url, [row(outcome=9.0, stored_at=NOW - timedelta(minutes=1)) for _ in range(100)])
        second = scrape()
        assert second[m.ACCURACY][RISK,] == pytest.approx(200 / 300)
        assert 100 <= rows(second) - rows(first) <= 300
        third = scrape()

    assert rows(third) - rows(second) == 100  # the youngest again: a transaction that was open then would bear the same time


def test_a_server_that_went_away_is_asked_anew(postgres: Postgres, database_url: str) -> None:  # noqa: F811  # fixtures
    reader = Reader(database_url)
    asked = collectors(reader, 3600, 200)
    told(asked)
    postgres.stop()
    with pytest.raises(TargetError):
        told(asked)
    postgres.start()

    assert told(asked)[m.SCORED][RISK,] == 0
    reader.close()
