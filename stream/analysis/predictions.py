"""A prediction as it is stored: what was stated, when, by which version, beside what baseline; and its score. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs

from stream.analysis.messages import AnalysisType, Forecast

SCHEDULED, ASKED = "scheduled", "asked"
# Scored, or why it never will be: the market's past does not reach to its end (the process was away, or blind).
SCORED, MISSED = "scored", "missed"


class Prediction(Struct, frozen=True, kw_only=True):
    """One prediction. Times are ms UTC, `horizon` seconds; `features` and `expected` are what forecast and score are made from.

    `happened` and `baseline_happened` tell whether the event came whose probability was stated; `breached` whether the loss was
    above `value_at_risk` (risk-assessment alone). They are None until `scored_at`, and stay so in a prediction that was missed.
    """

    id: str
    model: AnalysisType
    version: int
    fallback: str
    origin: str
    crypto_id: str
    symbol: str
    horizon: int
    made_at: int
    due_at: int
    forecast: Forecast
    baseline: Forecast
    features: Mapping[str, float]
    expected: Mapping[str, float]
    outcome: float | None = None
    change: float | None = None
    happened: bool | None = None
    baseline_happened: bool | None = None
    breached: bool | None = None
    scored_at: int | None = None

    @property
    def value_at_risk(self) -> float | None:
        """The loss that was said to be exceeded with 5 %; None for models that state none."""
        return self.expected.get("value_at_risk")

    def missed(self, now_ms: int) -> Prediction:
        """The same, given up."""
        return structs.replace(self, scored_at=now_ms)


class Scores(Struct, frozen=True, kw_only=True):
    """How a set of scored predictions fared; shares from 0 to 1, widths in the unit of the outcome."""

    count: int
    coverage: float
    width: float
    brier: float
    baseline_coverage: float
    baseline_width: float
    baseline_brier: float


def inside(forecast: Forecast, outcome: float) -> bool:
    """Whether the outcome lay inside the stated interval or set; its ends belong to it."""
    return forecast.lower <= outcome <= forecast.upper


def brier(probability: float, *, happened: bool) -> float:
    """The squared distance of a probability from what happened (Brier, Verification of Forecasts, 1950): 0 best, 0.25 for ½."""
    return (probability - happened) ** 2


def scores(predictions: list[Prediction]) -> Scores | None:
    """The scores of those that were scored; None where none was."""
    known = [(one, one.outcome) for one in predictions if one.outcome is not None]
    if not known:
        return None
    count = len(known)
    return Scores(
        count=count,
        coverage=sum(inside(one.forecast, outcome) for one, outcome in known) / count,
        width=sum(one.forecast.upper - one.forecast.lower for one, _ in known) / count,
        brier=sum(brier(one.forecast.probability, happened=bool(one.happened)) for one, _ in known) / count,
        baseline_coverage=sum(inside(one.baseline, outcome) for one, outcome in known) / count,
        baseline_width=sum(one.baseline.upper - one.baseline.lower for one, _ in known) / count,
        baseline_brier=sum(brier(one.baseline.probability, happened=bool(one.baseline_happened)) for one, _ in known) / count,
    )
