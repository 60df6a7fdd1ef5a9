"""What the analysis process tells of its models: predictions, learning, versions, and what it could not do.

How good they are is not told here: `metrics/model_quality.py` is measured from outside, by what was stored.
"""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Recording, Signal, Unit

MODELS = (
    "predictive-analysis", "risk-assessment", "sentiment-analysis", "ensemble-decision", "recommendation-generation",
)  # fmt: skip
ORIGINS = ("scheduled", "asked")
# Why there was no answer; the first six are the answer's own `code`.
CAUSES = ("bad-request", "unknown-crypto", "unknown-horizon", "overloaded", "no-data", "standby", "timeout", "model")
YOUNG, FAILED = "young", "failed"  # why the baseline stands in: too few outcomes yet, or no usable figures
ROOMS = ("market-data", "onchain-data", "sentiment-data")
EXPERTS = ("predictive", "technical", "sentiment", "past")
_BY_MODEL: dict[str, tuple[str, ...]] = {"model": MODELS}
_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# -- predictions -----------------------------------------------------------------------------------------------------
PREDICTIONS = Counter(
    "ai_predictions_total",
    "Predictions made, by model and whether somebody asked or it was their time.",
    Unit.COUNT,
    labels=("model", "origin"),
    closed=_BY_MODEL | {"origin": ORIGINS},
)
DURATION = Histogram(
    "ai_prediction_duration_seconds",
    "From a question's arrival to its answer, the wait in the queue included; of scheduled ones, the computation.",
    Unit.SECONDS,
    labels=("model",),
    closed=_BY_MODEL,
    buckets=_BUCKETS,
)
ERRORS = Counter(
    "ai_prediction_errors_total",
    "Questions that got no answer, by cause.",
    Unit.COUNT,
    labels=("cause",),
    closed={"cause": CAUSES},
)
FALLBACKS = Counter(
    "ai_fallbacks_total",
    "Predictions in which the naive baseline stood in for the model: it is young, or it failed.",
    Unit.COUNT,
    labels=("model", "cause"),
    closed=_BY_MODEL | {"cause": (YOUNG, FAILED)},
)
QUEUE = Gauge("ai_queue_requests", "Questions that wait.", Unit.COUNT)
QUEUE_LIMIT = Gauge("ai_queue_limit_requests", "Questions that may wait.", Unit.COUNT)

# -- learning and versions -------------------------------------------------------------------------------------------
TRAINING = Histogram(
    "ai_training_duration_seconds",
    "How long a model took to learn from the outcomes that had come since the last time.",
    Unit.SECONDS,
    labels=("model",),
    closed=_BY_MODEL,
    buckets=_BUCKETS,
)
SAMPLES = Counter(
    "ai_training_samples_total",
    "Outcomes that the model learned from since the process started.",
    Unit.COUNT,
    labels=("model",),
    closed=_BY_MODEL,
)
VERSION = Gauge(
    "ai_model_version", "The version that answers; 0: none was made yet.", Unit.COUNT, labels=("model",), closed=_BY_MODEL
)  # fmt: skip
AGE = Gauge(
    "ai_model_age_seconds",
    "Time since the version that answers was made.",
    Unit.SECONDS,
    labels=("model",),
    closed=_BY_MODEL,
    absent="no version was made yet",
)
PINNED = Gauge(
    "ai_model_pinned",
    "1 while a version was chosen by hand and newer ones do not answer, else 0.",
    Unit.BOOL,
    labels=("model",),
    closed=_BY_MODEL,
)
UNREADABLE = Counter(
    "ai_model_unreadable_total",
    "Files of versions that could not be loaded; the version before answered instead.",
    Unit.COUNT,
    labels=("model",),
    closed=_BY_MODEL,
)
UNWRITTEN = Counter(
    "ai_model_unwritten_total", "Versions that could not be written to disk.", Unit.COUNT, labels=("model",), closed=_BY_MODEL
)  # fmt: skip
WEIGHTS = Gauge(
    "ai_ensemble_weight",
    "Weight of each expert in the ensemble's learner, by horizon.",
    Unit.RATIO,
    labels=("horizon", "expert"),
)

# -- the market, and what is stored ----------------------------------------------------------------------------------
DATA_AGE = Gauge(
    "ai_data_age_seconds",
    "Time since the newest message of each room, by the source's own time.",
    Unit.SECONDS,
    labels=("room",),
    absent="nothing came of the room since the start",
)
RECONNECTS = Counter("ai_stream_reconnects_total", "Connections to the stream that were lost, or could not be made.", Unit.COUNT)
BAD_MESSAGES = Counter(
    "ai_bad_messages_total",
    "Messages of the stream whose figures are none.",
    Unit.COUNT,
    labels=("room",),
    closed={"room": ROOMS},
)
SCORED = Counter(
    "ai_outcomes_total",
    "Predictions whose time came: scored, or missed because the market of then is not known.",
    Unit.COUNT,
    labels=("result",),
    closed={"result": ("scored", "missed")},
)
UNSAVED = Gauge("ai_unsaved_predictions", "Predictions and outcomes that wait for the data store.", Unit.COUNT)
LOST = Counter(
    "ai_unsaved_lost_total", "Predictions and outcomes that were lost because too many waited for the data store.", Unit.COUNT
)  # fmt: skip
LEASE = Gauge(
    "ai_lease_held",
    "1 for the process that learns, stores and publishes; 0 for one that stands by, or has no data store.",
    Unit.BOOL,
)

COUNTED = (
    PREDICTIONS, DURATION, ERRORS, FALLBACKS, TRAINING, SAMPLES, UNREADABLE, UNWRITTEN, RECONNECTS, BAD_MESSAGES, SCORED, LOST,
)  # fmt: skip
METRICS = (*COUNTED, QUEUE, QUEUE_LIMIT, VERSION, AGE, PINNED, WEIGHTS, DATA_AGE, UNSAVED, LEASE)

RECORDINGS = (
    Recording(
        "ai_prediction_count", "Predictions made (the original vocabulary's name).", Unit.COUNT, ((PREDICTIONS.select(), ()),)
    ),
    Recording(
        "ai_prediction_duration", "How long predictions took (the original vocabulary's name).", Unit.SECONDS,
        ((DURATION.select(), ()),),
    ),
    Recording(
        "ai_training_duration", "How long learning took (the original vocabulary's name).", Unit.SECONDS,
        ((TRAINING.select(), ()),),
    ),
)  # fmt: skip

PREDICTION_P99 = Signal(
    "Predictions, p99",
    DURATION.quantile(0.99, by=("cluster", "job", "instance")),
    Unit.SECONDS,
    "From a question's arrival to its answer, for 99 % of them.",
    warning=0.05, minimum=0.001, maximum=60, why="50 ms is the target at 500 questions a second.",
)  # fmt: skip
_TOLD = ("cluster", "job", "instance", "model")
FALLBACK_SHARE = Signal(
    "Predictions by the baseline",
    FALLBACKS.increase("10m").sum(by=_TOLD) / PREDICTIONS.increase("10m").sum(by=_TOLD).compare(">", 0),
    Unit.RATIO,
    "Share of the last ten minutes' predictions in which the naive baseline stood in for the model.",
)  # fmt: skip
FAILED_SHARE = Signal(
    "Predictions by the baseline for a failed model",
    FALLBACKS.increase("10m", cause=FAILED).sum(by=_TOLD) / PREDICTIONS.increase("10m").sum(by=_TOLD).compare(">", 0),
    Unit.RATIO,
    "Share of the last ten minutes' predictions in which the naive baseline stood in for a model that has learned enough.",
    warning=0.25, minimum=0.01, maximum=0.99,
    why="With two horizons, a half is one that does not answer; a quarter is that one with half of the symbols.",
    alerts={"warning": "AIModelFallback"},
)  # fmt: skip
SIGNALS = {
    "analysis.prediction_p99": PREDICTION_P99,
    "analysis.fallback_share": FALLBACK_SHARE,
    "analysis.failed_share": FAILED_SHARE,
}
