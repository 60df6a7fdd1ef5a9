"""Commands: how many, how long, refused and failed; latency; the slow log."""

from metrics.model import Counter, Gauge, Histogram, Metric, Unit

_CMD = ("cmd",)
_VALKEY = "Valkey from 8.1 on"
# Microseconds: the levels of LATENCY HISTOGRAM (latencyCommandFillCDF in the server's latency.c: powers of two of 1,024 ns).
LEVELS = (
    1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065, 1082130,
)  # fmt: skip

CALLS = Counter("redis_commands_total", "Calls of a command.", Unit.COUNT, labels=_CMD)
SECONDS = Counter("redis_commands_duration_seconds_total", "Time that a command took.", Unit.SECONDS, labels=_CMD)
REJECTED = Counter("redis_commands_rejected_calls_total", "Calls refused before they ran.", Unit.COUNT, labels=_CMD)
FAILED = Counter("redis_commands_failed_calls_total", "Calls that ended with an error.", Unit.COUNT, labels=_CMD)
PERCENTILE = Gauge(
    "redis_latency_percentiles_usec",
    "Microseconds within which a share of a command's calls since the start ended; `quantile` is in percent, as upstream has it.",
    labels=("cmd", "quantile"),
    compat=True,
)
PERCENTILE_SUM = Counter("redis_latency_percentiles_usec_sum", "Microseconds that a command took.", labels=_CMD, compat=True)
PERCENTILE_COUNT = Counter("redis_latency_percentiles_usec_count", "Calls of a command.", Unit.COUNT, labels=_CMD, compat=True)
LATENCY = Histogram(
    "redis_commands_latencies_usec",
    "How long calls of a command took, in microseconds.",
    labels=_CMD,
    buckets=tuple(map(float, LEVELS)),
)

SPIKE_AT = Gauge(
    "redis_latency_spike_last",
    "Unix time of an event's last spike.",
    Unit.TIMESTAMP,
    labels=("event_name",),
    absent="no spike, or latency-monitor-threshold is 0",
    compat=True,
)
SPIKE = Gauge(
    "redis_latency_spike_duration_seconds",
    "How long that spike was.",
    Unit.SECONDS,
    labels=("event_name",),
    absent="no spike, or latency-monitor-threshold is 0",
)
SLOW_LENGTH = Gauge("redis_slowlog_length", "Entries in the slow log.", Unit.COUNT, compat=True)
SLOW_ID = Gauge("redis_slowlog_last_id", "The number of the last entry of the slow log: it grows by one a slow command.")
SLOW_LAST = Gauge("redis_last_slow_execution_duration_seconds", "How long the last slow command took.", Unit.SECONDS, compat=True)
LOG_SLOW = Gauge("redis_commandlog_slow_length", "Entries in the log of slow commands.", Unit.COUNT, absent=_VALKEY, compat=True)
LOG_REQUEST = Gauge(
    "redis_commandlog_large_request_length", "Entries in the log of large requests.", Unit.COUNT, absent=_VALKEY, compat=True
)
LOG_REPLY = Gauge(
    "redis_commandlog_large_reply_length", "Entries in the log of large replies.", Unit.COUNT, absent=_VALKEY, compat=True
)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge | Histogram))
