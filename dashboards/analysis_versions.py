"""The rows of AI Performance about single versions, and about what models read and state: drift, stuck outputs, age."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Panels, Query
from metrics import model_quality as m
from metrics.model import Gauge, Unit
from metrics.query import Binary, Function

_BY = ("model", "version", "window")
_WHICH = "{{model}} v{{version}} {{window}}"


def rows(panels: Panels) -> list[Row]:
    """Both rows."""
    return [_versions(panels), _stated(panels)]


def _beside(metric: Gauge) -> Function:
    """The version's figure over the baseline's of the same moments."""
    own, base = (metric.select(of=of).max(by=_BY) for of in ("model", "baseline"))
    return (own / base.compare(">", 0)).apply("clamp_max", "10").topk(MAX_SERIES)


def _versions(panels: Panels) -> Row:
    baseline = m.V_CALIBRATION.select(of="baseline").max(by=("model", "window"))
    found = [
        panels.timeseries(
            "Accuracy by version",
            "Share of outcomes inside the stated interval, of the three latest versions, over the last hour and the last day. "
            "Normal: near 0.9. A new version below the one before: roll back.",
            Query(m.V_ACCURACY.select(of="model").max(by=_BY).topk(MAX_SERIES), _WHICH), unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Confidence of versions",
            "The 95 % confidence interval of these accuracies (Wilson). Normal: narrower as outcomes are scored. Two "
            "versions whose intervals overlap are not told apart.",
            Query(m.V_BOUND.select().min(by=(*_BY, "bound")).topk(MAX_SERIES), f"{_WHICH} {{{{bound}}}}"),
            unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Calibration by version",
            "Mean distance between the stated probability and how often it came true. Normal: below the dashed line, and not "
            "above the baseline's. Above: `python -m stream.analysis rollback` goes back to the version before.",
            Query(m.CALIBRATION_ERROR.expr.topk(MAX_SERIES), _WHICH), Query(baseline, "baseline of {{model}} {{window}}"),
            unit=Unit.RATIO, signal=m.CALIBRATION_ERROR,
        ),
        panels.timeseries(
            "Hit rate by version",
            "Hit rate over the baseline's. Normal: about 1. 1: no better than it. Of a random walk nothing else is honest.",
            Query(_beside(m.V_HITS), _WHICH), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Brier score by version",
            "Brier score over the baseline's. Normal: about 1 or below. Below 1 the version is better, above it does harm.",
            Query(_beside(m.V_BRIER), _WHICH), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Width by version", "Width of intervals over the baseline's. Normal: about 1. Below 1 the version is sharper.",
            Query(_beside(m.V_WIDTH), _WHICH), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Outcomes by version",
            "Scored predictions that these figures stand on. Normal: rises until the window is full. Below 200 no share is "
            "told.",
            Query(m.V_SCORED.select().max(by=_BY).topk(MAX_SERIES), _WHICH), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "How far back",
            "How far back the measuring has read since its start. Normal: rising to 24 windows, then flat. Until then the "
            "panels of this row stand on little: wait before you judge a version.",
            Query(m.REACH.select().max(), "read"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Rows read",
            "Rows that the measuring reads a second, by part. Normal: a few, as many as are predicted and scored. 0: nothing "
            "is stored, or the data store does not answer: `make logs s=exporter-model_quality`.",
            Query(m.ROWS_READ.rate().sum(by=("part",)), "{{part}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Versions, over an hour and a day", [Cell(panel, width=6) for panel in found], folded=True)


def _stated(panels: Panels) -> Row:
    features = m.DRIFT.select(kind="feature").max(by=("model", "name")).topk(MAX_SERIES)
    now = Function("time", ())
    found = [
        panels.timeseries(
            "Drift of outputs",
            "Population stability index of what models state, the last hour against the day before. Normal: below 0.1; above the "
            "dashed line the distribution has changed: a new version, or another market.",
            Query(m.MODEL_DRIFT, "{{model}} {{name}}"),
        ),
        panels.timeseries(
            "Drift of features",
            "The same of what models read, the most moved ones. Normal: ratios and volatilities low. Levels of prices "
            "wander by nature; ratios and volatilities should not. With drifting outputs: the market has changed, not the "
            "model.",
            Query(features, "{{model}} {{name}}"), unit=Unit.NONE,
        ),
        panels.timeseries(
            "Constant and invalid forecasts",
            "Share of the hour's forecasts that repeat the one before in every figure, or hold what is no number. Normal: 0.",
            Query(m.CONSTANT.select().max(by=("model",)), "{{model}} constant"),
            Query(m.INVALID.select().max(by=("model",)), "{{model}} invalid"), unit=Unit.RATIO, signal=m.DEGENERATE,
        ),
        panels.timeseries(
            "Age of forecasts and outcomes",
            "Time since the newest forecast in the data store was made, and since the newest outcome. Normal: below a minute, "
            "and below a minute above the shortest horizon. A ramp: nothing is predicted, stored or scored.",
            Query(Binary("-", now, m.NEWEST.select().max(by=("model",))), "{{model}} forecast"),
            Query(m.OUTCOME_AGE, "{{model}} outcome"), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("What they read and state", [Cell(panel, width=6) for panel in found], folded=True)
