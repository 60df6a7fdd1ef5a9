"""`recommendation-generation`: buy, hold or sell, how much, why, and at what risk.

The outcome is the action that hindsight would have taken: buy (1) where the price rose by more than `THRESHOLD` of the
horizon's usual move, sell (-1) where it fell by more, else hold (0): of a random walk, a third each. The model is a
softmax regression on what the ensemble and the risk model state. `lower` and `upper` bound the set of actions that holds the
right one with 90 %: grown from the likeliest towards the likelier neighbour until it has the probability that past outcomes
needed (adaptive prediction sets, Romano, Sesia & Candès, 2020). The baseline is the past's shares.

Size is the least of: a cap, what keeps the expected shortfall within a budget, and half of Kelly's fraction (Kelly, A New
Interpretation of Information Rate, 1956: drift over variance). It is 0 for hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stream.analysis.market import Symbol
from stream.analysis.messages import ENSEMBLE, LEVEL, RISK, Forecast
from stream.analysis.models.base import Features, Figures, NotReadyError, Outcome, View
from stream.analysis.online import Scaler, Softmax, StateError, finite, numbers
from stream.analysis.pool import Pool

ACTIONS = (-1, 0, 1)
WORDS = {-1: "sell", 0: "hold", 1: "buy"}
NAMES = ("rises", "point", "width", "risk", "risk_rises")
THRESHOLD = 0.43  # standard deviations: a normal distribution has a third between the thresholds
MOST_SIZE, BUDGET = 0.25, 0.01  # of the capital: the largest position, and the shortfall that it may have
_RATE, _L2 = 0.003, 0.01
_ONE, _MOST_SCALED = "one", 5.0  # the constant feature, the last one; standard deviations


class Recommendation:
    """The model for one horizon."""

    def __init__(self) -> None:
        self._samples = 0
        self.needed = Pool()  # the probability that a set had to have to hold what happened
        self.happened = Pool()
        self._scaler, self._model = Scaler(NAMES), Softmax(len(NAMES) + 1, _RATE, _L2)

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        return self._samples

    def features(self, view: View) -> Features | None:
        """What the ensemble and the risk model state; None while the risk model has no view."""
        ensemble, risk = view.other(ENSEMBLE), view.other(RISK)
        scale = ensemble.features["scale"]
        told, slow = ensemble.forecast, math.log(scale) - math.log(view.seconds) / 2
        return {
            "rises": told.probability - 0.5,
            "point": told.point / scale,
            "width": (told.upper - told.lower) / scale,
            "risk": math.log(risk.forecast.point) - slow,
            "risk_rises": risk.forecast.probability - 0.5,
            "scale": scale,
            "shortfall": risk.expected["expected_shortfall"],
            "variance": risk.forecast.point**2 * view.seconds,
        }

    def expect(self, features: Features) -> Figures:
        """The probability of each action's being right, and the size of the position."""
        shares = self._shares(features)
        action = _likeliest(shares)
        return {WORDS[one]: share for one, share in zip(ACTIONS, shares, strict=True)} | {"size": size(action, features)}

    def _shares(self, features: Features) -> list[float]:
        known = self._model.predict(self._scaled(features)) if self.samples else {}
        raw = [float(known.get(action, 0.0)) for action in ACTIONS]
        total = math.fsum(raw)
        return [value / total for value in raw] if total > 0 and math.isfinite(total) else [1 / 3] * 3

    def _scaled(self, features: Features) -> list[float]:
        return [*self._scaler.scaled(features, _MOST_SCALED), 1.0]

    def forecast(self, features: Features, expected: Figures) -> Forecast:  # noqa: ARG002  # the protocol's
        """The action; the probability is that of its being right in hindsight."""
        if not self.needed.ready:
            raise NotReadyError
        return _set([expected[WORDS[action]] for action in ACTIONS], self.needed.upper(1 - LEVEL))

    def baseline(self, features: Features) -> Forecast:  # noqa: ARG002  # the protocol's
        """The past's shares."""
        if not self.happened.ready:
            return _set([1 / 3] * 3, LEVEL)
        sells, rises = 1 - self.happened.above(-0.5), self.happened.above(0.5)
        return _set([sells, max(1 - sells - rises, 0.0), rises], LEVEL)

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:
        """The action that hindsight would have taken."""
        change = symbol.change(made_ms, due_ms)
        if change is None:
            return None
        move = change / features["scale"]
        return Outcome(float((move > THRESHOLD) - (move < -THRESHOLD)), change)

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:  # noqa: ARG002  # the protocol's
        """Whether the action was right."""
        return outcome == forecast.point

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened."""
        right = int(outcome.value)
        self.needed.add(_mass([expected[WORDS[action]] for action in ACTIONS], right))
        self.happened.add(float(right))
        self._samples += 1
        self._scaler.learn(features)
        self._model.learn(self._scaled(features), right)

    def state(self) -> dict[str, Any]:
        """All it knows."""
        return {
            "samples": self.samples,
            "needed": self.needed.values,
            "happened": self.happened.values,
            "scaler": self._scaler.state(),
            "weights": {
                str(action): dict(zip((*NAMES, _ONE), weights, strict=True))
                for action, weights in sorted(self._model.weights.items())
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self._scaler, self._model = Scaler(NAMES), Softmax(len(NAMES) + 1, _RATE, _L2)
        self._samples = int(state["samples"])
        self.needed, self.happened = Pool(numbers(state, "needed")), Pool(numbers(state, "happened"))
        self._scaler.restore(state["scaler"])
        for action, weights in state["weights"].items():
            if int(action) not in ACTIONS or not set(weights) <= {*NAMES, _ONE}:
                raise StateError(f"weights of something else: {action}: {sorted(weights)}")
            self._model.weights[int(action)] = [finite(weights.get(name, 0.0)) for name in (*NAMES, _ONE)]


def _likeliest(shares: Sequence[float]) -> int:
    """The likeliest action; hold where it is as likely as another."""
    best = max(shares)
    return 0 if shares[1] >= best else ACTIONS[shares.index(best)]


def _grown(shares: Sequence[float]) -> list[tuple[int, int, float]]:
    """The nested sets of neighbouring actions, from the likeliest on: first and last place, and their probability together."""
    first = last = ACTIONS.index(_likeliest(shares))
    total = shares[first]
    found = [(first, last, total)]
    while last - first < len(ACTIONS) - 1:
        below = shares[first - 1] if first else -1.0
        above = shares[last + 1] if last < len(ACTIONS) - 1 else -1.0
        first, last = (first - 1, last) if below > above else (first, last + 1)
        total += max(below, above)
        found.append((first, last, total))
    return found


def _set(shares: Sequence[float], needed: float) -> Forecast:
    """The likeliest action, and the smallest of the nested sets that has the probability `needed`."""
    action, sets = _likeliest(shares), _grown(shares)
    first, last, _ = next((held for held in sets if held[2] >= needed - 1e-9), sets[-1])
    chance = min(shares[ACTIONS.index(action)], 1.0)
    return Forecast(point=float(action), lower=float(ACTIONS[first]), upper=float(ACTIONS[last]), probability=chance)


def _mass(shares: Sequence[float], right: int) -> float:
    """The probability of the smallest of the nested sets that holds the right action."""
    place = ACTIONS.index(right)
    return next(total for first, last, total in _grown(shares) if first <= place <= last)


def size(action: int, features: Features) -> float:
    """The share of the capital to hold, 0 to `MOST_SIZE`; 0 for hold, or against the expected direction."""
    drift = features["point"] * features["scale"] * action
    if not action or drift <= 0:
        return 0.0
    safe = BUDGET / features["shortfall"] if features["shortfall"] > 0 else MOST_SIZE
    return min(MOST_SIZE, safe, drift / features["variance"] / 2)
