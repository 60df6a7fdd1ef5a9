"""What the stream server tells of its feed: sources, what they send, and the processors behind them."""

from metrics.model import Counter, Gauge, Histogram, Metric, Unit

SOURCES = ("market", "onchain", "sentiment")
STATES = ("standby", "connecting", "connected", "reconnecting", "failed", "stopped")
KINDS = ("replay", "websocket", "http", "ccxt")
# Why a connection ended or an attempt failed.
FAILURES = ("refused", "closed", "stale", "timeout", "status", "protocol", "setup", "crash")
# Why a message, or an item of it, was not taken.
BAD = ("json", "shape", "missing", "type", "range", "future", "size")
DROPS = ("overflow", "too_late", "symbols")

_BY_SOURCE: dict[str, tuple[str, ...]] = {"source": SOURCES}
_BY_PROCESSOR: dict[str, tuple[str, ...]] = {"processor": SOURCES}

# -- sources ---------------------------------------------------------------------------------------------------------
SOURCE_STATE = Gauge(
    "feed_source_state",
    "1 for the state the source is in, 0 for the others; failed: all attempts of its reconnect rules were used up.",
    Unit.BOOL,
    labels=("source", "state"),
    closed=_BY_SOURCE | {"state": STATES},
)
SOURCE_INFO = Gauge(
    "feed_source_info",
    "Constant 1; the label tells by what the source is fed: a replay is no live data.",
    Unit.INFO,
    labels=("source", "kind"),
)
MESSAGE_AGE = Gauge(
    "feed_source_message_age_seconds",
    "Time since the source's last good message, or since it was started.",
    Unit.SECONDS,
    labels=("source",),
    closed=_BY_SOURCE,
)
STALE = Gauge(
    "feed_source_stale",
    "1 when the source's last good message is older than its stale_after, else 0.",
    Unit.BOOL,
    labels=("source",),
    closed=_BY_SOURCE,
)
ATTEMPTS = Counter(
    "feed_source_attempts_total",
    "Attempts to connect; for a source that is polled, requests.",
    Unit.COUNT,
    labels=("source",),
    closed=_BY_SOURCE,
)
RECONNECTS = Counter(
    "feed_source_reconnects_total",
    "Connections made again after one was lost or an attempt failed.",
    Unit.COUNT,
    labels=("source",),
    closed=_BY_SOURCE,
)
SOURCE_FAILURES = Counter(
    "feed_source_failures_total",
    "Connections lost and attempts failed, by reason.",
    Unit.COUNT,
    labels=("source", "reason"),
    closed=_BY_SOURCE | {"reason": FAILURES},
)
MESSAGES = Counter(
    "feed_messages_total",
    "Good items received; a message of a source may hold several.",
    Unit.COUNT,
    labels=("source",),
    closed=_BY_SOURCE,
)
BAD_MESSAGES = Counter(
    "feed_bad_messages_total",
    "Messages and items that were dropped, by what was wrong with them.",
    Unit.COUNT,
    labels=("source", "reason"),
    closed=_BY_SOURCE | {"reason": BAD},
)
IGNORED = Counter(
    "feed_ignored_messages_total",
    "Messages and items that are no data of ours: answers, heartbeats, symbols that are not listed.",
    Unit.COUNT,
    labels=("source",),
    closed=_BY_SOURCE,
)
RECEIVED_BYTES = Counter(
    "feed_received_bytes_total",
    "Bytes of the messages received.",
    Unit.BYTES,
    labels=("source",),
    closed=_BY_SOURCE,
)
DELAY = Histogram(
    "feed_source_delay_seconds",
    "From the source's time of an item to its arrival.",
    Unit.SECONDS,
    labels=("source",),
    closed=_BY_SOURCE,
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0),
)

# -- processors ------------------------------------------------------------------------------------------------------
BUFFER = Gauge(
    "feed_processor_buffer",
    "Items that wait for the processor's next run.",
    Unit.COUNT,
    labels=("processor",),
    closed=_BY_PROCESSOR,
)
BUFFER_LIMIT = Gauge(
    "feed_processor_buffer_limit",
    "Items that may wait; above it the oldest are dropped.",
    Unit.COUNT,
    labels=("processor",),
    closed=_BY_PROCESSOR,
)
DROPPED = Counter(
    "feed_processor_dropped_total",
    "Items dropped: by overflow of the buffer, as too late for the window, or as of one symbol too many.",
    Unit.COUNT,
    labels=("processor", "reason"),
    closed=_BY_PROCESSOR | {"reason": DROPS},
)
LATE = Counter(
    "feed_processor_late_total",
    "Items that came after a newer one of their symbol and were still taken.",
    Unit.COUNT,
    labels=("processor",),
    closed=_BY_PROCESSOR,
)
DURATION = Histogram(
    "feed_processor_duration_seconds",
    "How long one run of the processor took.",
    Unit.SECONDS,
    labels=("processor",),
    closed=_BY_PROCESSOR,
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
PROCESSOR_ERRORS = Counter(
    "feed_processor_errors_total",
    "Runs of the processor that ended with an error.",
    Unit.COUNT,
    labels=("processor",),
    closed=_BY_PROCESSOR,
)
SYMBOLS = Gauge(
    "feed_processor_symbols",
    "Symbols that the processor knows.",
    Unit.COUNT,
    labels=("processor",),
    closed=_BY_PROCESSOR,
)
UPDATES = Counter(
    "feed_updates_total",
    "Updates made by the processor, by whether the publisher took them.",
    Unit.COUNT,
    labels=("processor", "result"),
    closed=_BY_PROCESSOR | {"result": ("published", "refused")},
)
SINK_ERRORS = Counter(
    "feed_sink_errors_total",
    "Updates that a sink could not take.",
    Unit.COUNT,
    labels=("sink",),
    closed={"sink": ("last_values",)},
)
LISTENER_ERRORS = Counter(
    "feed_listener_errors_total",
    "Errors of listeners on the event bus, all events together.",
    Unit.COUNT,
)

# Counted as it happens; the others are read when a scrape asks.
COUNTED: tuple[Metric, ...] = (
    ATTEMPTS,
    RECONNECTS,
    SOURCE_FAILURES,
    MESSAGES,
    BAD_MESSAGES,
    IGNORED,
    RECEIVED_BYTES,
    DELAY,
    DROPPED,
    LATE,
    DURATION,
    PROCESSOR_ERRORS,
    UPDATES,
    SINK_ERRORS,
)
METRICS: tuple[Metric, ...] = (
    SOURCE_STATE,
    SOURCE_INFO,
    MESSAGE_AGE,
    STALE,
    BUFFER,
    BUFFER_LIMIT,
    SYMBOLS,
    LISTENER_ERRORS,
    *COUNTED,
)
