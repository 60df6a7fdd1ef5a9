"""The five models. Adding one is one line in `KINDS`; the order is that in which they need one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stream.analysis.messages import ENSEMBLE, PREDICTIVE, RECOMMENDATION, RISK, SENTIMENT, AnalysisType
from stream.analysis.models import ensemble, predictive, recommendation, risk, sentiment
from stream.analysis.models.base import Model
from stream.analysis.models.ensemble import Ensemble
from stream.analysis.models.predictive import Predictive
from stream.analysis.models.recommendation import Recommendation
from stream.analysis.models.risk import Risk
from stream.analysis.models.sentiment import Sentiment

KINDS: Mapping[AnalysisType, Callable[[], Model]] = {
    PREDICTIVE: Predictive,
    RISK: Risk,
    SENTIMENT: Sentiment,
    ENSEMBLE: Ensemble,
    RECOMMENDATION: Recommendation,
}
# What each reads, as its versions name it.
READS: Mapping[AnalysisType, tuple[str, ...]] = {
    PREDICTIVE: predictive.NAMES,
    RISK: risk.NAMES,
    SENTIMENT: sentiment.NAMES,
    ENSEMBLE: (*ensemble.TECHNICAL, *ensemble.MOODS),
    RECOMMENDATION: recommendation.NAMES,
}
