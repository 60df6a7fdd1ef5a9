"""What is asked of the models and what they answer: frozen types, JSON over `POST /analyze`.

Times are integer milliseconds UTC, horizons seconds. A forecast's figures are in the unit of its model's outcome
(docs/topics/models.md): log return, volatility, sentiment from -1 to 1, or the action that hindsight would have taken.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field

LEVEL = 0.9  # of every stated interval and set
MOST_TEXT = 4_000  # characters

AnalysisType: TypeAlias = Literal[
    "predictive-analysis", "risk-assessment", "sentiment-analysis", "ensemble-decision", "recommendation-generation"
]
PREDICTIVE: Final = "predictive-analysis"
RISK: Final = "risk-assessment"
SENTIMENT: Final = "sentiment-analysis"
ENSEMBLE: Final = "ensemble-decision"
RECOMMENDATION: Final = "recommendation-generation"
TYPES: tuple[AnalysisType, ...] = (PREDICTIVE, RISK, SENTIMENT, ENSEMBLE, RECOMMENDATION)
RiskLevel: TypeAlias = Literal["low", "medium", "high"]
SignalWord: TypeAlias = Literal["buy", "hold", "sell"]


class AnalysisRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question. `crypto_id` is an id of `cryptocurrencies`, or a symbol; `horizon` one of the site's, 0: the shortest.

    `text` is read by the sentiment model alone.
    """

    type: AnalysisType
    crypto_id: Annotated[str, Meta(min_length=1, max_length=64)]
    horizon: Annotated[int, Meta(ge=0, le=86_400)] = 0
    text: Annotated[str, Meta(max_length=MOST_TEXT)] = ""


class Forecast(Struct, frozen=True, kw_only=True):
    """What is stated about the outcome: a point, an interval that holds it with `LEVEL`, and the chance of the model's event."""

    point: float
    lower: float
    upper: float
    probability: float


class Analysis(Struct, frozen=True, kw_only=True):
    """The answer. `fallback` says why the naive baseline stands in for the model; empty when the model itself answers."""

    id: str
    type: AnalysisType
    crypto_id: str
    symbol: str
    horizon: int
    made_at: int
    due_at: int
    data_age_ms: int
    version: int
    fallback: str
    signal: SignalWord
    confidence: float
    risk_level: RiskLevel
    reasoning: str
    forecast: Forecast
    baseline: Forecast
    level: float = LEVEL
    data: dict[str, Any] = field(default_factory=dict)


class Problem(Struct, frozen=True, kw_only=True):
    """Why there is no answer: `code` of `PROBLEMS`, and a sentence with the fix."""

    code: str
    message: str


# Code -> HTTP status.
PROBLEMS = {
    "bad-request": 400,
    "unknown-crypto": 404,
    "unknown-horizon": 400,
    "overloaded": 503,
    "no-data": 503,
    "standby": 503,
    "model": 500,
    "timeout": 504,
}
