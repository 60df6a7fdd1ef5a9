# ruff: noqa: S311  # chance of tests, no secrets
"""The regression learns what is there, its interval holds what it says, and it survives JSON bit by bit."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from stream.analysis.online import StateError
from stream.analysis.regression import Regression

NAMES = ("a", "b")


def learned(samples: int, noise: float = 0.5, seed: int = 1) -> tuple[Regression, random.Random]:
    """A regression that has seen y = a - 2b + noise."""
    chance, found = random.Random(seed), Regression(NAMES)
    for _ in range(samples):
        teach(found, chance, noise)
    return found, chance


def teach(model: Regression, chance: random.Random, noise: float) -> tuple[float, float]:
    """One sample; what had been expected, and what came."""
    features = {"a": chance.gauss(5, 2), "b": chance.gauss(0, 0.1)}
    outcome = 0.4 * (features["a"] - 5) - 8 * features["b"] + chance.gauss(0, noise)
    point = model.point(features)
    model.learn(features, point, outcome)
    return point, outcome


def test_it_learns_a_linear_relation() -> None:
    model, _ = learned(3000, noise=0.1)

    assert model.point({"a": 7.0, "b": 0.0}) == pytest.approx(0.8, abs=0.15)
    assert model.point({"a": 5.0, "b": 0.1}) == pytest.approx(-0.8, abs=0.15)


def test_its_interval_holds_nine_in_ten_also_when_the_noise_doubles() -> None:
    model, chance = learned(1500)
    for noise in (0.5, 1.0):
        inside = 0
        for _ in range(1500):
            lower, upper = model.quantiles.interval()
            point, outcome = teach(model, chance, noise)
            inside += point + lower <= outcome <= point + upper
        assert inside / 1500 == pytest.approx(0.9, abs=0.04)


def test_it_is_not_ready_before_it_has_seen_enough() -> None:
    assert not learned(199)[0].ready
    assert learned(200)[0].ready


def test_what_was_stored_and_taken_back_expects_and_learns_exactly_the_same() -> None:
    model, chance = learned(400)
    stored = json.loads(json.dumps(model.state()))
    again, other = Regression.restored(NAMES, stored), random.Random()
    other.setstate(chance.getstate())

    for _ in range(50):
        assert teach(model, chance, 0.5) == teach(again, other, 0.5)
    assert json.dumps(model.state()) == json.dumps(again.state())


def test_an_empty_one_can_be_stored_too() -> None:
    assert Regression.restored(NAMES, json.loads(json.dumps(Regression(NAMES).state()))).point({"a": 1, "b": 2}) == 0


def _without(name: str) -> Any:
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        _without("natural"),
        _without("quantiles"),
        lambda state: state.update(names=["a", "c"]),
        lambda state: state.update(natural=[float("nan")] * 8),
        lambda state: state.update(covariance=[[1.0]]),
        lambda state: state.update(covariance=[["x"] * 3] * 3),
        lambda state: state["scaler"].update(c=[1, 0.0, 1.0]),
        lambda state: state.update(samples="many"),
        lambda state: state.update(order=["a", "b", "z"]),
        lambda state: state["quantiles"].update(miss=7),
        lambda state: state["quantiles"].update(errors=["x"]),
        lambda state: state["scaler"].update(a=[1]),
    ],
)
def test_a_state_that_is_none_is_refused(spoil: Any) -> None:
    state = json.loads(json.dumps(learned(10)[0].state()))
    spoil(state)

    with pytest.raises(StateError):
        Regression.restored(NAMES, state)
