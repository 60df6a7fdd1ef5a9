"""How good the models are, measured from outside: from the predictions and outcomes in the data store, not by who predicts.

All are over the last hour (`exporters.model_quality.window`) of scheduled predictions that the models themselves made
(`of="model"`), beside the naive baseline's of the same moments (`of="baseline"`). Scheduled ones alone, so that what somebody
asks for often does not weigh more.
"""

from __future__ import annotations

from metrics.analysis import MODELS
from metrics.model import Gauge, Signal, Unit

OF = ("model", "baseline")
_BY_MODEL: dict[str, tuple[str, ...]] = {"model": MODELS}
_FEW = "fewer outcomes were scored within the window than `exporters.model_quality.outcomes` (200) wants"

ACCURACY = Gauge(
    "ai_model_accuracy",
    "Share of scored predictions whose outcome lay inside the model's stated 90 % prediction interval or set.",
    Unit.RATIO,
    labels=("model",),
    absent=_FEW,
)
ACCURACY_BOUND = Gauge(
    "ai_model_accuracy_bound",
    "Ends of the 95 % confidence interval of ai_model_accuracy (Wilson), were the outcomes independent; they overlap.",
    Unit.RATIO,
    labels=("model", "bound"),
    absent=_FEW,
)
SCORED = Gauge(
    "ai_model_scored_predictions", "Scored predictions within the window.", Unit.COUNT, labels=("model",), closed=_BY_MODEL
)  # fmt: skip
HITS = Gauge(
    "ai_model_hit_ratio",
    "Share of predictions that named the right side: rise or fall, or the right action.",
    Unit.RATIO,
    labels=("model", "of"),
    absent=_FEW,
)
BRIER = Gauge(
    "ai_model_brier_score",
    "Mean squared distance of the stated probability from what happened: 0 is perfect, 0.25 is a coin's.",
    labels=("model", "of"),
    absent=_FEW,
)
WIDTH = Gauge(
    "ai_model_interval_width",
    "Mean width of the 90 % intervals, in the unit of the model's outcome: a wider one is less worth.",
    labels=("model", "of"),
    absent=_FEW,
)
INTERVAL_SCORE = Gauge(
    "ai_model_interval_score",
    "Mean width, and 20 times how far outcomes lay outside (Gneiting & Raftery, 2007): the lower the better.",
    labels=("model", "of"),
    absent=_FEW,
)
BREACHES = Gauge(
    "ai_model_breach_ratio",
    "Share of losses above the stated value at risk; 0.05 is what it says.",
    Unit.RATIO,
    labels=("model",),
    absent=_FEW,
)
FALLBACK = Gauge(
    "ai_model_fallback_ratio",
    "Share of the window's scheduled predictions in which the baseline stood in for the model.",
    Unit.RATIO,
    labels=("model",),
    absent="no prediction was scored within the window",
)
WAITING = Gauge(
    "ai_model_waiting_predictions", "Predictions whose outcome is not known yet.", Unit.COUNT, labels=("model",), closed=_BY_MODEL
)  # fmt: skip
OVERDUE = Gauge(
    "ai_model_overdue_predictions",
    "Predictions that were due more than a minute ago and are not scored.",
    Unit.COUNT,
    labels=("model",),
    closed=_BY_MODEL,
)
METRICS = (
    ACCURACY, ACCURACY_BOUND, SCORED, HITS, BRIER, WIDTH, INTERVAL_SCORE, BREACHES, FALLBACK, WAITING, OVERDUE,
)  # fmt: skip

ACCURACY_DROP = Signal(
    "Model Accuracy",
    ACCURACY.select().min(by=("cluster", "job", "instance", "model")),
    Unit.RATIO,
    "Share of outcomes inside the stated 90 % interval or set, over the last hour.",
    warning=0.8, bad_below=True, minimum=0.01, maximum=0.89,
    why="90 % is what every model states; below 80 % its intervals are wrong, whatever the market does.",
    alerts={"warning": "AIModelAccuracyDrop"},
)  # fmt: skip
SIGNALS = {"model_quality.accuracy": ACCURACY_DROP}
