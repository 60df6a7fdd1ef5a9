"""How good the models are, measured from outside: from the predictions and outcomes in the data store, not by who predicts.

All are over the last hour (`exporters.model_quality.window`) of scheduled predictions that the models themselves made
(`of="model"`), beside the naive baseline's of the same moments (`of="baseline"`). Scheduled ones alone, so that what somebody
asks for often does not weigh more.
"""

from __future__ import annotations

from metrics.analysis import MODELS
from metrics.model import Counter, Gauge, Signal, Unit
from metrics.query import Binary, Function

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
NEWEST = Gauge(
    "ai_model_newest_prediction_timestamp_seconds",
    "When the newest prediction that waits for its outcome was made.",
    Unit.TIMESTAMP,
    labels=("model",),
    absent="no prediction waits",
)
LAST_OUTCOME = Gauge(
    "ai_model_last_outcome_timestamp_seconds",
    "When the newest outcome was scored.",
    Unit.TIMESTAMP,
    labels=("model",),
    absent="none was scored within the window",
)

# -- what they state, whatever becomes of it ---------------------------------------------------------------------------
CONSTANT = Gauge(
    "ai_model_constant_output_ratio",
    "Share of the window's forecasts that are, in every figure, the same as the one before of their symbol and horizon.",
    Unit.RATIO,
    labels=("model",),
    absent="the model itself answered nothing that was scored within the window",
)
INVALID = Gauge(
    "ai_model_invalid_output_ratio",
    "Share of the window's forecasts in which a figure is no finite number.",
    Unit.RATIO,
    labels=("model",),
    absent="the model itself answered nothing that was scored within the window",
)
DRIFT = Gauge(
    "ai_model_drift_psi",
    "Population stability index of a figure, the window against the 23 before: below 0.1 all is as it was.",
    labels=("model", "kind", "name"),
    absent="fewer than 1,000 values before the window, or 200 within it",
)

# -- by version, over the window and over 24 of them: the three latest versions of each model ---------------------------
_VERSION = ("model", "version", "window")
V_SCORED = Gauge(
    "ai_version_scored_predictions",
    "Scored predictions of the version within the window.",
    Unit.COUNT,
    labels=_VERSION,
    absent="the version was not scored yet",
)
V_ACCURACY = Gauge(
    "ai_version_accuracy",
    "Share of outcomes inside the stated 90 % interval or set.",
    Unit.RATIO,
    labels=(*_VERSION, "of"),
    absent=_FEW,
)
V_BOUND = Gauge(
    "ai_version_accuracy_bound",
    "Ends of the 95 % confidence interval of ai_version_accuracy (Wilson), were the outcomes independent; they overlap.",
    Unit.RATIO,
    labels=(*_VERSION, "bound"),
    absent=_FEW,
)
V_HITS = Gauge(
    "ai_version_hit_ratio",
    "Share of predictions that named the right side.",
    Unit.RATIO,
    labels=(*_VERSION, "of"),
    absent=_FEW,
)
V_WIDTH = Gauge(
    "ai_version_interval_width", "Mean width of the 90 % intervals.", labels=(*_VERSION, "of"), absent=_FEW
)  # fmt: skip
V_BRIER = Gauge(
    "ai_version_brier_score",
    "Mean squared distance of the stated probability from what happened.",
    labels=(*_VERSION, "of"),
    absent=_FEW,
)
V_CALIBRATION = Gauge(
    "ai_version_calibration_error",
    "Mean distance between the stated probability and how often it came true, over ten bins: 0 is honest.",
    Unit.RATIO,
    labels=(*_VERSION, "of"),
    absent=_FEW,
)

# -- the measuring itself ----------------------------------------------------------------------------------------------
ROWS_READ = Counter(
    "ai_quality_rows_read_total",
    "Rows of predictions that the exporter has read: new ones at each scrape, older ones piece by piece after its start.",
    Unit.COUNT,
    labels=("part",),
    closed={"part": ("new", "history")},
)
REACH = Gauge("ai_quality_reach_seconds", "How far back the rows reach that the exporter has read.", Unit.SECONDS)

METRICS = (
    ACCURACY, ACCURACY_BOUND, SCORED, HITS, BRIER, WIDTH, INTERVAL_SCORE, BREACHES, FALLBACK, WAITING, OVERDUE, NEWEST,
    LAST_OUTCOME, CONSTANT, INVALID, DRIFT, V_SCORED, V_ACCURACY, V_BOUND, V_HITS, V_WIDTH, V_BRIER, V_CALIBRATION, ROWS_READ,
    REACH,
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
MODEL_DRIFT = Signal(
    "Drift of outputs",
    DRIFT.select(kind="output").max(by=("cluster", "job", "instance", "model", "name")),
    Unit.NONE,
    "Population stability index of what a model states, the last hour against the day before.",
    warning=0.25, minimum=0.05, maximum=100,
    why="Siddiqi's rule (2006): above 0.25 so much has changed that what was learned of the old distribution is in doubt.",
    alerts={"warning": "AIModelDrift"},
)  # fmt: skip
CALIBRATION_ERROR = Signal(
    "Calibration error",
    V_CALIBRATION.select(of="model").max(by=("cluster", "job", "instance", "model", "version", "window")),
    Unit.RATIO,
    "Mean distance between the probability that a version states and how often it comes true.",
    warning=0.1, minimum=0.01, maximum=1,
    why="A tenth is what chance alone hardly makes of 200 outcomes in ten bins.",
)  # fmt: skip
DEGENERATE = Signal(
    "Forecasts without sense",
    (INVALID.select() + CONSTANT.select()).max(by=("cluster", "job", "instance", "model")),
    Unit.RATIO,
    "Share of the last hour's forecasts that are no number, or the same as the one before in every figure.",
    warning=0.5, minimum=0.01, maximum=1,
    why="Inputs move at every step: a model that works hardly repeats itself; half of all is a stuck model or a dead feed.",
    alerts={"warning": "AIModelOutputStuck"},
)  # fmt: skip
OUTCOME_AGE = Signal(
    "Age of the newest outcome",
    Binary("-", Function("time", ()), LAST_OUTCOME.select()).min(by=("cluster", "job", "instance", "model")),
    Unit.SECONDS,
    "Time since an outcome of the model was last scored.",
    warning=600, minimum=10, maximum=604_800,
    why="Outcomes come as often as scheduled predictions (`analysis.every`, 30 s, of each symbol): twenty in a row are missing.",
    alerts={"warning": "AIModelStale"},
)  # fmt: skip
SIGNALS = {
    "model_quality.accuracy": ACCURACY_DROP,
    "model_quality.drift": MODEL_DRIFT,
    "model_quality.calibration": CALIBRATION_ERROR,
    "model_quality.degenerate": DEGENERATE,
    "model_quality.outcome_age": OUTCOME_AGE,
}
