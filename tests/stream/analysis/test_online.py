# ruff: noqa: S311  # chance of tests, no secrets; river stores no model but by its private names
"""What the models learn by, sample by sample beside river's, which does the same in arrays."""

from __future__ import annotations

import json
import math
import random

import pytest
from river.linear_model import BayesianLinearRegression, SoftmaxRegression
from river.optim import SGD
from river.preprocessing import StandardScaler

from stream.analysis.online import Linear, Scaler, Softmax
from stream.analysis.regression import PRIOR, Regression

NAMES = tuple("abcdefghij")
SAMPLES = 3000


def samples(seed: int) -> list[dict[str, float]]:
    """Features of unlike sizes, two of them nearly the same, one constant, one that jumps."""
    chance = random.Random(seed)
    made = []
    for number in range(SAMPLES):
        one = {name: chance.gauss(place, 10.0 ** (place - 5)) for place, name in enumerate(NAMES)}
        one |= {"b": one["a"] * (1 + 1e-6 * chance.random()), "c": 4.0, "d": 1e6 * (number > SAMPLES / 2)}
        made.append(one)
    return made


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_features_are_scaled_as_river_scales_them(seed: int) -> None:
    ours, theirs = Scaler(NAMES), StandardScaler()
    for one in samples(seed):
        ours.learn(one)
        theirs.learn_one(one)
        expected = theirs.transform_one(one)
        assert all(same(got, expected[name]) for name, got in zip(NAMES, ours.scaled(one, 1e9), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_regression_expects_what_river_s_expects(seed: int) -> None:
    chance, scaler = random.Random(seed), Scaler(NAMES)
    ours, theirs = Linear(len(NAMES) + 1, 1 / PRIOR), BayesianLinearRegression(alpha=1, beta=1 / PRIOR)
    for one in samples(seed):
        scaler.learn(one)
        x = [*scaler.scaled(one, 5), 1.0]
        named = dict(zip((*NAMES, "one"), x, strict=True))
        assert same(ours.predict(x), theirs.predict_one(named))
        y = 0.3 * x[0] - x[4] + chance.gauss(0, 1)
        ours.learn(x, y)
        theirs.learn_one(named, y)


@pytest.mark.parametrize("seed", range(3))
def test_a_softmax_regression_gives_the_probabilities_that_river_s_gives(seed: int) -> None:
    chance, scaler = random.Random(seed), Scaler(NAMES)
    ours, theirs = Softmax(len(NAMES) + 1, 0.003, 0.01), SoftmaxRegression(optimizer=SGD(0.003), l2=0.01)
    for one in samples(seed):
        scaler.learn(one)
        x = [*scaler.scaled(one, 5), 1.0]
        named = dict(zip((*NAMES, "one"), x, strict=True))
        expected = theirs.predict_proba_one(named)
        got = ours.predict(x)
        assert set(got) == set(expected)
        assert all(same(share, expected[kind]) for kind, share in got.items())
        right = max((-1, 0, 1), key=lambda kind: kind * x[4] + chance.gauss(0, 1))
        ours.learn(x, right)
        theirs.learn_one(named, right)


def test_scores_beyond_what_exp_knows_are_probabilities_too() -> None:
    model = Softmax(1, 1000.0, 0.0)
    for right in (0, 1, 0, 1):
        model.learn([5.0], right)
    assert math.isclose(sum(model.predict([1000.0]).values()), 1)


def test_a_state_that_river_left_expects_what_it_expected() -> None:
    """Versions that are on disk since an earlier Watchfloor: river kept places for more features than there are."""
    names, chance = NAMES[:5], random.Random(7)
    scaler, model = StandardScaler(), BayesianLinearRegression(alpha=1, beta=1 / PRIOR)

    def scaled(one: dict[str, float]) -> dict[str, float]:
        found = scaler.transform_one({name: one[name] for name in names})
        return {name: min(max(value, -5.0), 5.0) for name, value in found.items()} | {"one": 1.0}

    for one in samples(7):
        scaler.learn_one({name: one[name] for name in names})
        model.learn_one(scaled(one), chance.gauss(0, 1) + scaled(one)["e"])
    stored = {
        "names": list(names), "samples": SAMPLES, "quantiles": {"errors": [], "miss": 0.1},
        "scaler": {name: [scaler.counts[name], scaler.means[name], scaler.vars[name]] for name in names},
        "order": list(model._idx), "precision": model._ss_arr.tolist(), "covariance": model._ss_inv_arr.tolist(),
        "natural": model._eta_arr.tolist(),
    }  # fmt: skip
    assert len(model._eta_arr) > len(model._idx)
    again = Regression.restored(names, json.loads(json.dumps(stored)))
    for one in samples(8)[:200]:
        assert same(again.point(one), min(max(model.predict_one(scaled(one)), -3.0), 3.0))
