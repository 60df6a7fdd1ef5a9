"""`sentiment-analysis`: where sentiment, from -1 to 1, will stand after the horizon; and what a text says of it now.

A regression of the index's change on its level, its own past and the market's. The baseline is persistence. The text is read by
`text.py`; it is part of the answer, not of what is forecast and scored: nobody knows afterwards what a text should have said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stream.analysis.market import MID, Symbol
from stream.analysis.messages import Forecast
from stream.analysis.models.base import Features, Figures, NotReadyError, Outcome, View
from stream.analysis.models.predictive import technical
from stream.analysis.online import numbers
from stream.analysis.pool import Pool
from stream.analysis.regression import MISS, Regression
from stream.messages import SENTIMENT as ROOM

NAMES = ("anchor", "lead", "fear", "social", "news", "trend_fast", "trend_mid")
_USUAL_CHANGE = 0.3  # what 90 % of changes stay within, while too few are known


class Sentiment:
    """The model for one horizon."""

    def __init__(self) -> None:
        self.regression = Regression(NAMES)
        self.changes = Pool()

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        return self.regression.samples

    def features(self, view: View) -> Features | None:
        """The index now (`anchor`), its lead over its own mean, its parts, and the market's trend."""
        symbol = view.symbol
        mood = symbol.mood()
        if mood is None or symbol.steps < MID:
            return None
        trends = technical(symbol)
        fear = symbol.figure(ROOM, "fear_greed_index")
        return {
            "anchor": mood,
            "lead": mood - (mood if symbol.mood_slow is None else symbol.mood_slow),
            "fear": 0.0 if fear is None else fear / 50 - 1,
            "social": symbol.figure(ROOM, "social_sentiment") or 0.0,
            "news": symbol.figure(ROOM, "news_sentiment") or 0.0,
            "trend_fast": trends["trend_fast"],
            "trend_mid": trends["trend_mid"],
        }

    def expect(self, features: Features) -> Figures:
        """The index's change."""
        return {"point": self.regression.point(features)}

    def forecast(self, features: Features, expected: Figures) -> Forecast:
        """The index; the probability is that of a rise."""
        if not self.regression.ready:
            raise NotReadyError
        point = expected["point"]
        lower, upper = self.regression.quantiles.interval()
        rises = self.regression.quantiles.pool.above(-point)
        return _forecast(features["anchor"], (point + lower, point, point + upper), rises)

    def baseline(self, features: Features) -> Forecast:
        """Persistence: the index of now, give or take what it used to change."""
        if not self.changes.ready:
            return _forecast(features["anchor"], (-_USUAL_CHANGE, 0.0, _USUAL_CHANGE), 0.5)
        span = (self.changes.lower(MISS / 2), 0.0, self.changes.upper(MISS / 2))
        return _forecast(features["anchor"], span, self.changes.above(0.0))

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:  # noqa: ARG002  # the protocol's
        """The index that stood at the end."""
        value, change = symbol.mood_at(due_ms), symbol.change(made_ms, due_ms)
        return None if value is None or change is None else Outcome(value, change)

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:  # noqa: ARG002  # the protocol's
        """Whether it rose."""
        return outcome > features["anchor"]

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened."""
        change = outcome.value - features["anchor"]
        self.regression.learn(features, expected["point"], change)
        self.changes.add(change)

    def state(self) -> dict[str, Any]:
        """All it knows."""
        return {"regression": self.regression.state(), "changes": self.changes.values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.regression = Regression.restored(NAMES, state["regression"])
        self.changes = Pool(numbers(state, "changes"))


def _forecast(anchor: float, span: tuple[float, float, float], probability: float) -> Forecast:
    lower, point, upper = (min(max(anchor + part, -1.0), 1.0) for part in span)
    return Forecast(point=point, lower=min(lower, point), upper=max(upper, point), probability=probability)


def word(score: float) -> str:
    """A score from -1 to 1 in a word."""
    if math.isnan(score) or abs(score) < 0.1:
        return "neutral"
    return ("positive" if score > 0 else "negative") if abs(score) < 0.5 else ("very positive" if score > 0 else "very negative")
