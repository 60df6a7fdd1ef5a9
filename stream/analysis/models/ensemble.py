"""`ensemble-decision`: the log return again, as a mixture of four experts weighted by their recent skill.

Experts: the predictive model, a regression on technical figures alone, one on sentiment alone, and the past's distribution,
which knows nothing. Weights are exponential in the experts' faded losses, `w ∝ exp(-η·Σ fade^age·loss)`, the loss being the
Brier score of the direction (exponentially weighted aggregation, Cesa-Bianchi & Lugosi, Prediction, Learning, and Games, 2006;
η = 2 is the rate for which the Brier loss of two outcomes mixes, Vovk & Zhdanov, 2009). An expert that cannot speak yet sleeps:
the others share.

The mixture's interval is the weighted mean of the experts' ends, widened or narrowed by the conformal quantile of how far past
outcomes lay outside (conformalized quantile regression, Romano, Patterson & Candès, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stream.analysis.market import MID, Symbol
from stream.analysis.messages import PREDICTIVE, Forecast
from stream.analysis.models.base import Features, Figures, NotReadyError, Outcome, View, forecast_of
from stream.analysis.models.predictive import random_walk, technical
from stream.analysis.online import StateError, finite, numbers
from stream.analysis.pool import Pool
from stream.analysis.regression import Quantiles, Regression
from stream.messages import SENTIMENT as ROOM

TECHNICAL = ("trend_fast", "trend_mid", "trend_slow", "rsi", "macd", "vwap")
MOODS = ("mood", "lead", "social", "news")
EXPERTS = ("predictive", "technical", "sentiment", "past")
_RATE, _FADE = 2.0, 0.995  # of a sample; half of a loss is forgotten after 138


class Ensemble:
    """The model for one horizon."""

    def __init__(self) -> None:
        self.technical, self.sentiment = Regression(TECHNICAL), Regression(MOODS)
        self.moves = Pool()
        self.outside = Quantiles()
        self.losses = dict.fromkeys(EXPERTS, 0.0)

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        return self.technical.samples

    def features(self, view: View) -> Features | None:
        """What the two regressions see, and what the predictive model states (in units of `scale`; absent while it cannot)."""
        symbol = view.symbol
        if symbol.steps < MID:
            return None
        mood = symbol.mood() or 0.0
        scale = symbol.sigma(view.seconds)
        figures = technical(symbol) | {
            "mood": mood,
            "lead": mood - (mood if symbol.mood_slow is None else symbol.mood_slow),
            "social": symbol.figure(ROOM, "social_sentiment") or 0.0,
            "news": symbol.figure(ROOM, "news_sentiment") or 0.0,
            "scale": scale,
        }
        stated = view.other(PREDICTIVE)
        if stated.fallback:
            return figures
        told = stated.forecast
        parts = {"lower": told.lower, "point": told.point, "upper": told.upper}
        return (
            figures
            | {f"predictive_{name}": value / scale for name, value in parts.items()}
            | {"predictive_rises": told.probability}
        )

    def expect(self, features: Features) -> Figures:
        """What each expert that speaks expects (lower, point, upper, chance of a rise), its weight, and the mixture."""
        opinions = self._opinions(features)
        found = {f"{name}_{part}": value for name, opinion in opinions.items() for part, value in opinion.items()}
        weights = self.weights(tuple(opinions))
        mixture = {part: math.fsum(weights[name] * opinions[name][part] for name in opinions) for part in _PARTS}
        points = {f"{name}_point": held.point(features) for name, held in self._regressions.items()}  # of sleepers too
        return points | found | {f"{name}_weight": weight for name, weight in weights.items()} | mixture

    def weights(self, speaking: tuple[str, ...] = EXPERTS) -> dict[str, float]:
        """The weights of those who speak; they sum to 1."""
        least = min(self.losses[name] for name in speaking)
        raw = {name: math.exp(-_RATE * (self.losses[name] - least)) for name in speaking}
        total = math.fsum(raw.values())
        return {name: value / total for name, value in raw.items()}

    def _opinions(self, features: Features) -> dict[str, dict[str, float]]:
        found = {"past": self._past()}
        if "predictive_point" in features:
            found["predictive"] = {part: features[f"predictive_{part}"] for part in _PARTS}
        found |= {name: _opinion(held, features) for name, held in self._regressions.items() if held.ready}
        return found

    @property
    def _regressions(self) -> dict[str, Regression]:
        return {"technical": self.technical, "sentiment": self.sentiment}

    def _past(self) -> dict[str, float]:
        walk = random_walk(self.moves, 1.0)
        return {"lower": walk.lower, "point": walk.point, "upper": walk.upper, "rises": walk.probability}

    def forecast(self, features: Features, expected: Figures) -> Forecast:
        """The log return; the probability is that of a rise."""
        if not self.outside.ready:
            raise NotReadyError
        wider = self.outside.pool.upper(self.outside.miss)
        lower, upper = expected["lower"] - wider, expected["upper"] + wider
        return forecast_of(0.0, features["scale"], (lower, expected["point"], upper), expected["rises"])

    def baseline(self, features: Features) -> Forecast:
        """A random walk."""
        return random_walk(self.moves, features["scale"])

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:  # noqa: ARG002  # the protocol's
        """The log return."""
        change = symbol.change(made_ms, due_ms)
        return None if change is None else Outcome(change, change)

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:  # noqa: ARG002  # the protocol's
        """Whether it rose."""
        return outcome > 0

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened: the experts' losses fade and grow, the regressions learn."""
        move = outcome.value / features["scale"]
        rose = 1.0 if move > 0 else 0.0
        for name in EXPERTS:
            rises = expected.get(f"{name}_rises", expected["rises"])  # a sleeping expert does as the mixture does
            self.losses[name] = _FADE * self.losses[name] + (rises - rose) ** 2
        self.outside.add_score(max(expected["lower"] - move, move - expected["upper"]))
        for name, regression in self._regressions.items():
            regression.learn(features, expected[f"{name}_point"], move)
        self.moves.add(move)

    def state(self) -> dict[str, Any]:
        """All it knows."""
        return {
            "technical": self.technical.state(),
            "sentiment": self.sentiment.state(),
            "moves": self.moves.values,
            "outside": self.outside.state(),
            "losses": self.losses,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        losses = {name: finite(state["losses"][name]) for name in EXPERTS}
        if min(losses.values()) < 0:
            raise StateError(f"losses are {losses}")
        self.technical = Regression.restored(TECHNICAL, state["technical"])
        self.sentiment = Regression.restored(MOODS, state["sentiment"])
        self.moves, self.outside, self.losses = Pool(numbers(state, "moves")), Quantiles.restored(state["outside"]), losses


_PARTS = ("lower", "point", "upper", "rises")


def _opinion(regression: Regression, features: Features) -> dict[str, float]:
    point = regression.point(features)
    lower, upper = regression.quantiles.interval()
    rises = regression.quantiles.pool.above(-point)
    return {"lower": point + lower, "point": point, "upper": point + upper, "rises": rises}
