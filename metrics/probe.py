"""What a client sees from outside: whether it is let in, how long each step takes, what reaches it, and what gets lost.

Names are blackbox_exporter's where it has one for the same quantity (https://github.com/prometheus/blackbox_exporter).
`endpoint` is what was tried: "websocket" (handshake and subscription, each time anew), "stream" (a subscription that is kept),
"auth" (a wrong token, which must be refused), the API's five operations by their last word, "edge" and "entrance".
"""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Signal, Unit
from metrics.query import Function, raw
from metrics.websocket import GAP_REASONS, ROOMS

WEBSOCKET, STREAM, AUTH, EDGE, ENTRANCE = "websocket", "stream", "auth", "edge", "entrance"
API = ("cryptocurrencies", "dashboard", "ai-analysis", "trading-signals-fast", "alerts-fast")
ENDPOINTS = (WEBSOCKET, STREAM, AUTH, *API, EDGE, ENTRANCE)
PHASES = ("resolve", "connect", "tls", "processing", "transfer")
# Why a try failed. denied: an error message of the stream; lost: the connection ended; stale: nothing comes any more.
CAUSES = (
    "auth", "certificate", "denied", "dns", "expired", "lost", "other", "protocol", "refused", "settings", "stale", "status",
    "timeout", "tls", "unreachable",
)  # fmt: skip
HOLE = "hole"  # the gap that nobody told of: `prev` names a message that did not come
CODES = ("1000", "1001", "1006", "1011", "1013", "4400", "4401", "4408", "4409", "4410", "4429", "other")
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BY_ROOM: dict[str, tuple[str, ...]] = {"room": ROOMS}

# -- each try --------------------------------------------------------------------------------------------------------
SUCCESS = Gauge(
    "probe_success",
    "1 when the last try ended as it should, else 0; of `stream`: messages come now.",
    Unit.BOOL,
    labels=("endpoint",),
)
DURATION = Gauge(
    "probe_duration_seconds", "How long the last try took, whatever came of it.", Unit.SECONDS, labels=("endpoint",)
)  # fmt: skip
FAILURES = Counter(
    "probe_failures_total",
    "Tries that failed, by cause.",
    Unit.COUNT,
    labels=("endpoint", "cause"),
)
STATUS = Gauge(
    "probe_http_status_code",
    "Status of the last answer; 0 when there was none.",
    labels=("endpoint",),
)
PHASE = Gauge(
    "probe_http_duration_seconds",
    "How long the last try's phases took: name, connection, TLS, up to the first byte, up to the last.",
    Unit.SECONDS,
    labels=("endpoint", "phase"),
)
EXPIRY = Gauge(
    "probe_ssl_earliest_cert_expiry",
    "When the server's certificate expires, read also when it is not trusted.",
    Unit.TIMESTAMP,
    labels=("endpoint",),
    absent="the target is reached without TLS",
)
HANDSHAKE = Gauge(
    "probe_websocket_handshake_seconds",
    "From looking up the name to the server's agreement to speak WebSocket.",
    Unit.SECONDS,
    absent="no handshake has succeeded yet",
)
SUBSCRIPTION = Gauge(
    "probe_websocket_subscription_seconds",
    "From sending `subscribe` to its acknowledgement.",
    Unit.SECONDS,
    absent="no subscription has succeeded yet",
)

# -- the subscription that is kept -----------------------------------------------------------------------------------
CONNECTED = Gauge("probe_stream_connected", "1 while the kept connection stands, else 0.", Unit.BOOL)
CLOSES = Counter(
    "probe_stream_closes_total",
    "Ends of the kept connection, by close code; 1006: it was lost without one.",
    Unit.COUNT,
    labels=("code",),
    closed={"code": CODES},
)
MESSAGES = Counter(
    "probe_messages_total", "Data messages that reached the client, each counted once.", Unit.COUNT, labels=("room",),
    closed=_BY_ROOM,
)  # fmt: skip
GAPS = Counter(
    "probe_gaps_total",
    "Losses that the client noticed, by what the server told of them; hole: it told nothing.",
    Unit.COUNT,
    labels=("room", "reason"),
    closed=_BY_ROOM | {"reason": (HOLE, *GAP_REASONS)},
)
MISSED = Counter(
    "probe_missed_messages_total",
    "Numbers of messages within those gaps; of a new numbering (epoch) it is not known how many.",
    Unit.COUNT,
    labels=("room",),
    closed=_BY_ROOM,
)
REPEATED = Counter(
    "probe_repeated_messages_total", "Messages that the client had already.", Unit.COUNT, labels=("room",), closed=_BY_ROOM
)  # fmt: skip
LAST_MESSAGE = Gauge(
    "probe_last_message_timestamp_seconds",
    "When the last data message of the room reached the client.",
    Unit.TIMESTAMP,
    labels=("room",),
    absent="none has come yet",
)
CANARY = Histogram(
    "probe_canary_latency_seconds",
    "From the stamp of a message in the room `canary` to the client, by both machines' clocks: queue, bus, fan-out, network.",
    Unit.SECONDS,
    buckets=_BUCKETS,
)

TRIED = (SUCCESS, DURATION, FAILURES, STATUS, PHASE, EXPIRY, HANDSHAKE, SUBSCRIPTION)
FOLLOWED = (CONNECTED, CLOSES, MESSAGES, GAPS, MISSED, REPEATED, LAST_MESSAGE, CANARY)
METRICS = (*TRIED, *FOLLOWED)

# -- what operators ask ----------------------------------------------------------------------------------------------
TARGET = ("cluster", "job", "instance")
_STREAM = f"=~{WEBSOCKET}|{STREAM}|{AUTH}"
STREAM_UP = Signal(
    "Stream from outside",
    SUCCESS.select(endpoint=_STREAM).min(by=(*TARGET, "endpoint")),
    Unit.BOOL,
    "1 when a client gets in and gets messages, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "ProbeStreamFailing"},
)  # fmt: skip
_HTTP = f"!~{WEBSOCKET}|{STREAM}|{AUTH}"
HTTP_UP = Signal(
    "HTTP from outside",
    SUCCESS.select(endpoint=_HTTP).min(by=(*TARGET, "endpoint")),
    Unit.BOOL,
    "1 when the operation answers 200 in time, asked from outside, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "ProbeEndpointDown"},
)  # fmt: skip
# A model that has just started knows too little of the market for its first minute, and says so by a 503.
HTTP_TRIED = Signal(
    "Tried for a while",
    raw(
        f"max by ({', '.join((*TARGET, 'endpoint'))}) "
        f"(max_over_time({SUCCESS.select(endpoint=_HTTP).for_rule()}[10m] offset 90s))",
        SUCCESS,
    ),
    Unit.BOOL,
    "Where the probe has asked the operation for a minute and a half: before, a stack that starts has no answer for all of them.",
)  # fmt: skip
CANARY_P95 = Signal(
    "Canary latency, p95",
    CANARY.quantile(0.95, by=TARGET, window="5m"),
    Unit.SECONDS,
    "From publishing to a client outside, for 95 % of the canary's messages of 5 min.",
    warning=0.1, minimum=0.001, maximum=60,
    why="95 % of the messages should reach clients within 50 ms; twice that is felt by people who trade.",
    alerts={"warning": "ProbeCanaryLate"},
)  # fmt: skip
GAPS_SEEN = Signal(
    "Gaps seen by a client",
    GAPS.increase("10m").sum(by=(*TARGET, "room")),
    Unit.COUNT,
    "Losses of messages that a client noticed within 10 min, told by the server or not.",
    warning=0, minimum=0, maximum=1_000_000,
    why="A client that resumes loses nothing, not even when a server is started anew; any gap is a loss.",
    alerts={"warning": "ProbeGaps"},
)  # fmt: skip
CERTIFICATE = Signal(
    "Certificate's time left",
    EXPIRY.select().min(by=TARGET) - Function("time", ()),
    Unit.SECONDS,
    "Seconds until the certificate that clients are shown expires.",
    warning=14 * 86_400, bad_below=True, minimum=3_600, maximum=365 * 86_400,
    why="Certificates that renew themselves do so 30 days ahead: below 14 renewal fails, and there is time to mend it by day.",
    alerts={"warning": "CertificateExpiresSoon"},
)  # fmt: skip
SIGNALS = {
    "probe.stream": STREAM_UP,
    "probe.http": HTTP_UP,
    "probe.http_tried": HTTP_TRIED,
    "probe.canary": CANARY_P95,
    "probe.gaps": GAPS_SEEN,
    "probe.certificate": CERTIFICATE,
}
