"""The stream server as a program that answers HTTP: rate, errors, duration by route; its loop and its garbage collector.

`RECORDINGS` are what stands in Prometheus under names of the original vocabulary; `app_active_connections` has its own already.
"""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Recording, Unit

# Route templates: what a client asks for never becomes a label. "other" is every path that answers 404.
ROUTES = (
    "/", "/ws", "/client.js", "/assets/{name}", "/api/rooms", "/api/openapi.json", "/api/cryptocurrencies", "/api/dashboard",
    "/api/ai-analysis", "/api/trading-signals-fast", "/api/alerts-fast", "/cache/{key}", "other",
)  # fmt: skip
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
REFUSALS = ("request-too-slow", "headers-too-large", "too-many-connections", "bad-request")
VIOLATIONS = ("1002", "1003", "1007", "1008", "1009")
_LAG_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

ACTIVE_CONNECTIONS = Gauge(
    "app_active_connections", "Open connections to the public port: HTTP and WebSocket together.", Unit.COUNT
)
REQUESTS = Counter(
    "app_http_requests_total",
    "Requests answered, by route template and class of status; 1xx are WebSockets, counted when they end.",
    Unit.COUNT,
    labels=("route", "code"),
    closed={"route": ROUTES, "code": CLASSES},
)
DURATION = Histogram(
    "app_http_request_duration_seconds",
    "From a request's headers to its answer's end, by route template; upgrades to WebSocket are not counted.",
    Unit.SECONDS,
    labels=("route",),
    closed={"route": ROUTES},
    buckets=_REQUEST_BUCKETS,
)
ERRORS = Counter(
    "app_errors_total",
    "Requests answered with 5xx: the server's own faults, and parts behind the API that did not answer; by route template.",
    Unit.COUNT,
    labels=("route",),
    closed={"route": ROUTES},
)
REFUSED = Counter(
    "app_connections_refused_total",
    "Connections refused before a request was complete, by reason.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": REFUSALS},
)
FRAME_VIOLATIONS = Counter(
    "app_frame_violations_total",
    "WebSocket connections ended for frames that break RFC 6455, by close code.",
    Unit.COUNT,
    labels=("code",),
    closed={"code": VIOLATIONS},
)
LOOP_LAG = Histogram(
    "app_event_loop_lag_seconds",
    "How much later than asked the event loop came to a timer.",
    Unit.SECONDS,
    buckets=_LAG_BUCKETS,
)
GC_PAUSE = Histogram(
    "app_gc_pause_seconds",
    "How long the garbage collector held the process, by generation.",
    Unit.SECONDS,
    labels=("generation",),
    closed={"generation": ("0", "1", "2")},
    buckets=_LAG_BUCKETS,
)

DEGRADED = Gauge(
    "app_degraded",
    "How many things do not work as they should though clients are served: sources, the bus. /readyz names them.",
    Unit.COUNT,
)

METRICS = (ACTIVE_CONNECTIONS, REQUESTS, DURATION, ERRORS, REFUSED, FRAME_VIOLATIONS, LOOP_LAG, GC_PAUSE, DEGRADED)

RECORDINGS = (
    Recording(
        "app_request_count",
        "Requests answered (the original vocabulary's name).",
        Unit.COUNT,
        ((REQUESTS.select(), ()),),
    ),
    Recording(
        "app_error_count",
        "Requests answered with 5xx (the original vocabulary's name).",
        Unit.COUNT,
        ((ERRORS.select(), ()),),
    ),
    Recording(
        "app_request_duration",
        "From a request's headers to its answer's end (the original vocabulary's name).",
        Unit.SECONDS,
        ((DURATION.select(), ()),),
    ),
)
