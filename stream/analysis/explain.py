"""From a forecast to what a person reads: signal, confidence, risk level, and the reasons in a sentence. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from stream.analysis.messages import ENSEMBLE, PREDICTIVE, RECOMMENDATION, RISK, RiskLevel, SignalWord
from stream.analysis.models.base import Figures, Stated
from stream.analysis.models.ensemble import EXPERTS
from stream.analysis.models.recommendation import WORDS
from stream.analysis.models.sentiment import word

_SURE = 0.55  # the chance of a rise from which a signal is more than "hold"
_HIGH, _LOW = 1.5, 0.75  # forecast volatility over the usual one


class Words(NamedTuple):
    """What is said beside the figures."""

    signal: SignalWord
    confidence: float
    reasoning: str


def risk_level(ratio: float) -> RiskLevel:
    """How the forecast volatility stands to the usual one of this symbol."""
    return "high" if ratio > _HIGH else "low" if ratio < _LOW else "medium"


def direction(rises: float) -> SignalWord:
    """A signal from the chance of a rise."""
    return "buy" if rises > _SURE else "sell" if rises < 1 - _SURE else "hold"


def words(model: str, stated: Stated, ratio: float, text: float | None) -> Words:
    """Signal, confidence and reasons; `ratio` as in `risk_level`, `text` what a text was found to say, -1 to 1."""
    told = {PREDICTIVE: _move, RISK: _risk, ENSEMBLE: _ensemble, RECOMMENDATION: _recommendation}.get(model)
    found = _sentiment(stated, text) if told is None else told(stated, ratio)
    return found._replace(reasoning=f"{found.reasoning} {_beside(stated)}") if stated.fallback else found


def _beside(stated: Stated) -> str:
    return f"This is the naive baseline: the model cannot answer ({stated.fallback})."


def _sure(probability: float) -> float:
    return max(probability, 1 - probability)


def _move(stated: Stated, ratio: float) -> Words:
    told = stated.forecast
    text = (
        f"A move of {told.point:+.3%} is expected, with 90 % between {told.lower:+.3%} and {told.upper:+.3%}; the chance of a "
        f"rise is {told.probability:.0%}. Volatility is expected at {ratio:.2f} times the usual."
    )
    return Words(direction(told.probability), _sure(told.probability), text)


def _risk(stated: Stated, ratio: float) -> Words:
    told, more = stated.forecast, stated.expected
    text = (
        f"Volatility is expected at {ratio:.2f} times the usual, and to rise with {told.probability:.0%}. With 95 % the loss "
        f"stays below {more['value_at_risk']:.3%}; if not, {more['expected_shortfall']:.3%} are lost on average."
    )
    return Words("sell" if risk_level(ratio) == "high" else "hold", _sure(told.probability), text)


def _sentiment(stated: Stated, text: float | None) -> Words:
    told, now = stated.forecast, stated.features["anchor"]
    said = "" if text is None else f" The text reads {word(text)} ({text:+.2f})."
    reasons = (
        f"Sentiment is {word(now)} ({now:+.2f}) and expected at {told.point:+.2f}, with 90 % between {told.lower:+.2f} and "
        f"{told.upper:+.2f}.{said}"
    )
    score = now if text is None else text
    return Words("buy" if score > 0.3 else "sell" if score < -0.3 else "hold", _sure(told.probability), reasons)


def _ensemble(stated: Stated, ratio: float) -> Words:
    found = _move(stated, ratio)
    weights = sorted(((_weight(stated.expected, name), name) for name in EXPERTS), reverse=True)
    shares = ", ".join(f"{name} {weight:.0%}" for weight, name in weights if weight > 0)
    return found._replace(reasoning=f"{found.reasoning} Weights by recent skill: {shares}.")


def _weight(expected: Figures, name: str) -> float:
    return expected.get(f"{name}_weight", 0.0)


def _recommendation(stated: Stated, ratio: float) -> Words:
    told, size = stated.forecast, stated.expected["size"]
    held = ", ".join(WORDS[action] for action in sorted(WORDS) if told.lower <= action <= told.upper)
    action = WORDS[round(told.point)]
    amount = f" {size:.1%} of the capital" if size > 0 and not stated.fallback else ""
    text = (
        f"{action.capitalize()}{amount}: right in hindsight with {told.probability:.0%}; the right action is among {held} with "
        f"90 %. The ensemble sees a rise with {stated.features['rises'] + 0.5:.0%}, volatility at {ratio:.2f} times the usual."
    )
    signal: SignalWord = "buy" if told.point > 0 else "sell" if told.point < 0 else "hold"
    return Words(signal, told.probability, text)


def volatility_ratio(risk: Stated | None, usual: float) -> float:
    """Forecast volatility over the usual one, both per √s; 1 where the risk model has no view."""
    if risk is None or usual <= 0 or not math.isfinite(risk.forecast.point):
        return 1.0
    return risk.forecast.point / usual
