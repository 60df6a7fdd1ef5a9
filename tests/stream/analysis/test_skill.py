# ruff: noqa: S311  # chance of tests, no secrets
"""What the models are worth on the replayed market, walk-forward: where they beat their baseline, and where nobody can."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from msgspec import structs

from stream.analysis.engine import Served
from stream.analysis.messages import ENSEMBLE, PREDICTIVE, RECOMMENDATION, RISK, SENTIMENT, TYPES, AnalysisType
from stream.analysis.models.risk import kupiec
from stream.analysis.predictions import Prediction, brier, inside, scores
from tests.stream.analysis.world import START, World, shuffled

HOURS_MS = 3_600_000


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    made.run(3 * 3600)
    return made


def skill(predictions: list[Prediction]) -> float:
    """How much better the Brier score is than the baseline's, as a share of it; below 0: worse."""
    found = scores(predictions)
    assert found is not None
    return 1 - found.brier / found.baseline_brier


@pytest.mark.parametrize("kind", TYPES)
def test_the_accuracy_on_the_replay_is_far_above_the_alert(world: World, kind: AnalysisType) -> None:
    found = scores(world.of(kind))

    assert found is not None
    assert found.count > 500
    assert found.coverage > 0.83


def test_volatility_is_foretold_better_than_by_persistence(world: World) -> None:
    found = scores(world.of(RISK))

    assert found is not None
    assert found.width < 0.95 * found.baseline_width
    assert skill(world.of(RISK)) > 0.15


@pytest.mark.parametrize("kind", [PREDICTIVE, ENSEMBLE, RECOMMENDATION])
def test_of_a_random_walk_no_direction_is_foretold_and_little_is_lost_by_trying(world: World, kind: AnalysisType) -> None:
    assert -0.08 < skill(world.of(kind)) < 0.06


def test_a_market_that_can_be_foretold_is(world: World) -> None:
    """The same models on a price that swings: were they unable to learn, the random walk would prove nothing."""
    place = {"count": 0}

    def swinging(symbol: str, price: float) -> float:
        place["count"] += 1
        seconds = place["count"] / 3
        return price * math.exp(0.02 * math.sin(seconds / 40 * math.pi + len(symbol)))

    swings = World(seed=2, prices=swinging)
    swings.run(2 * 3600)

    for kind in (PREDICTIVE, ENSEMBLE):
        assert skill(swings.of(kind, after=START + HOURS_MS)) > 0.5, kind
    assert skill(world.of(PREDICTIVE)) < 0.1


def test_shuffled_outcomes_leave_no_skill(world: World) -> None:
    """Volatility has skill; given the outcome of another moment, the same probabilities have none."""
    found = shuffled([one for one in world.of(RISK) if one.outcome is not None])
    chance = [brier(one.forecast.probability, happened=bool(other.happened)) for one, other in found]
    base = [brier(one.baseline.probability, happened=bool(other.happened)) for one, other in found]

    assert sum(chance) / len(chance) > sum(base) / len(base)
    assert skill(world.of(RISK)) > 0.15


def test_a_score_can_be_recomputed_from_what_is_stored_alone(world: World) -> None:
    for one in world.of(PREDICTIVE)[:200]:
        assert one.outcome is not None
        assert one.happened == (one.outcome > 0)
        assert inside(one.forecast, one.outcome) == (one.forecast.lower <= one.outcome <= one.forecast.upper)
    for one in world.of(RISK)[:200]:
        assert one.change is not None
        assert one.breached == (one.change < -(one.value_at_risk or 0))


def test_the_value_at_risk_is_exceeded_about_as_often_as_it_says(world: World) -> None:
    breaches = [one.breached for one in world.of(RISK)]

    assert sum(map(bool, breaches)) / len(breaches) == pytest.approx(0.05, abs=0.03)


def test_kupiecs_test_knows_what_fits() -> None:
    assert kupiec(50, 1000) == pytest.approx(1.0)
    assert kupiec(70, 1000) == pytest.approx(0.0059, abs=0.001)  # likelihood ratio 7.57, χ² with one degree of freedom
    assert kupiec(0, 0) == 1.0
    assert kupiec(0, 1000) < 1e-6
    assert kupiec(10, 10) < 1e-6


def test_a_wider_interval_buys_accuracy_and_pays_with_width(world: World) -> None:
    narrow = world.of(PREDICTIVE)
    wide = [
        structs.replace(one, forecast=structs.replace(one.forecast, lower=one.forecast.lower * 3, upper=one.forecast.upper * 3))
        for one in narrow
    ]
    before, after = scores(narrow), scores(wide)

    assert before is not None
    assert after is not None
    assert after.coverage > before.coverage
    assert after.width > 2.5 * before.width


def corrupted(state: dict[str, Any]) -> dict[str, Any]:
    """A state that loads, and is wrong: the past errors count for a twentieth, so that intervals are far too narrow."""
    spoiled: dict[str, Any] = json.loads(json.dumps(state))
    for horizon in spoiled.values():
        quantiles = horizon["regression"]["quantiles"]
        quantiles["errors"] = [error / 20 for error in quantiles["errors"]]
    return spoiled


@pytest.mark.parametrize("kind", [PREDICTIVE, RISK, SENTIMENT])
def test_a_corrupted_model_loses_its_accuracy(world: World, kind: AnalysisType) -> None:
    began, held = world.now, world.engine.served[kind]
    world.engine.served[kind] = Served(held.version + 1, world.engine.restored(kind, corrupted(world.engine.state(kind))))
    try:
        world.run(900, publish=False)
    finally:
        world.engine.served[kind] = held
    found = scores(world.of(kind, after=began))

    assert found is not None
    assert found.coverage < 0.5


def test_chance_itself_is_no_skill() -> None:
    """The control of the control: scores of pure noise beside a half."""
    chance = random.Random(5)
    noise = [brier(chance.random(), happened=chance.random() < 0.5) for _ in range(5000)]

    assert sum(noise) / len(noise) > 0.25
