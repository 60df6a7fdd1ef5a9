"""What an operator asks of the stream server: whether clients are served, fast and without loss, and the feed lives.

Keys are the values of the label `signal` on alerts.
"""

from __future__ import annotations

from metrics import app, bus, cache, feed, websocket
from metrics.model import Signal, Unit
from metrics.query import Aggregate, Rate, Selector, raw

TARGET = ("cluster", "job", "instance")
SOURCE = (*TARGET, "source")


def _original(name: str) -> Aggregate:
    """The rate over 5 min of a recorded counter of the original vocabulary, all of its series together."""
    return Rate("rate", Selector(None, name), "5m").sum()


# -- clients ---------------------------------------------------------------------------------------------------------
WS_ERROR_RATE = Signal(
    "WebSocket Connection Issues",
    _original("ws_error_count"),
    Unit.PER_SECOND,
    "Messages of clients a second that the stream server refused, over 5 min.",
    warning=5, minimum=0.01, maximum=1_000_000,
    why="Clients that work send none; five a second are a broken release of a client, or somebody who tries things.",
    alerts={"warning": "WebSocketConnectionIssues"},
)  # fmt: skip
DELIVERY_P99 = Signal(
    "Delivery, p99",
    websocket.PUBLISH_TO_SOCKET.quantile(0.99, by=TARGET),
    Unit.SECONDS,
    "From publishing a message to the write to its last connection, for 99 % of the deliveries.",
    warning=0.05, minimum=0.001, maximum=60, why="50 ms is the target for 95 % of the messages.",
)  # fmt: skip
DELIVERY_MEAN = Signal(
    "Delivery, mean",
    websocket.PUBLISH_TO_SOCKET.mean(by=TARGET),
    Unit.SECONDS,
    "From publishing a message to the write to its last connection, mean of the deliveries.",
    warning=0.01, minimum=0.001, maximum=60, why="10 ms is the target for the mean.",
)  # fmt: skip
SLOW_DROPPED = Signal(
    "Slow clients dropped",
    websocket.CLOSES.increase("5m", code="4408").sum(by=TARGET),
    Unit.COUNT,
    "Connections that were closed (4408) within 5 min because the client read slower than the server sent.",
    warning=5, minimum=0, maximum=1_000_000,
    why="One slow client is its own problem; several at once share a cause: a network path, large messages, a release.",
    alerts={"warning": "SlowClientsDropped"},
)  # fmt: skip

_OPEN = Selector(None, "ws_connection_count")
_MOST_OPEN = _OPEN.over("max_over_time", "5m").max(by=TARGET)
CONNECTIONS_LOST = Signal(
    "Connections lost",
    websocket.CLOSES.increase("5m", code="=~1006|1011").sum(by=TARGET) / _MOST_OPEN.compare(">", 0),
    Unit.RATIO,
    "Connections of 5 min that ended without a close frame, or by an error of the server, as a share of the most that were open.",
    warning=0.5, minimum=0.01, maximum=100,
    why="Clients that leave say so; half of them gone at once without a word is a network, a balancer or the server.",
    alerts={"warning": "WebSocketConnectionsLost"},
)  # fmt: skip
CONNECTIONS_MANY = Signal(
    "Servers with clients",
    _MOST_OPEN.compare(">=", 20),
    Unit.COUNT,
    "Servers with at least 20 connections within 5 min: of fewer a share says nothing.",
)
_HANDSHAKES = websocket.HANDSHAKES.rate("5m").sum(by=TARGET)
HANDSHAKES_REFUSED = Signal(
    "Handshakes refused",
    websocket.HANDSHAKES.rate("5m", result="!=accepted").sum(by=TARGET) / _HANDSHAKES.compare(">", 0),
    Unit.RATIO,
    "Share of WebSocket handshakes that the server refused.",
    warning=0.2, minimum=0.01, maximum=1,
    why="A few clients with old tokens are normal; one in five is a rule, a limit or a release that keeps clients out.",
    alerts={"warning": "WebSocketHandshakesRefused"},
)  # fmt: skip
HANDSHAKES_MANY = Signal(
    "Servers that are asked",
    _HANDSHAKES.compare(">", 0.5),
    Unit.PER_SECOND,
    "Servers with more than one handshake in two seconds: of fewer a share says nothing.",
)

# -- feed ------------------------------------------------------------------------------------------------------------
FEED_STALE = Signal(
    "Stale sources",
    feed.STALE.select().max(by=SOURCE),
    Unit.BOOL,
    "1 for a source whose last good message is older than its stale_after (site.yaml), else 0.",
    warning=0.5, minimum=0.5, maximum=0.5,
    alerts={"warning": "FeedStale"},
)  # fmt: skip
FEED_FAILED = Signal(
    "Failed sources",
    feed.SOURCE_STATE.select(state="failed").max(by=SOURCE),
    Unit.BOOL,
    "1 for a source that has used up all attempts of its reconnect rules, else 0; it is tried again, slowly.",
    warning=0.5, minimum=0.5, maximum=0.5,
    alerts={"warning": "FeedSourceFailed"},
)  # fmt: skip
MESSAGE_AGE = Signal(
    "Age of the last message",
    feed.MESSAGE_AGE.select().max(by=SOURCE),
    Unit.SECONDS,
    "Time since each source's last good message, or since it was started.",
)  # fmt: skip

# -- cache -----------------------------------------------------------------------------------------------------------
HIT_RATIO = Signal(
    "Hit ratio",
    cache.REQUESTS.rate(source="=~memory|redis|cdn").sum(by=TARGET) / cache.REQUESTS.rate().sum(by=TARGET),
    Unit.RATIO,
    "The share of questions to the cache that one of its layers answered.",
    warning=0.7, bad_below=True, minimum=0, maximum=1,
    why="Hot data is found 95 times of 100 and more; below 70 the database answers what the cache should.",
    alerts={"warning": "CacheHitRatioLow"},
)  # fmt: skip
CACHE_ASKED = Signal(
    "Cache in use",
    cache.REQUESTS.rate().sum(by=TARGET).compare(">", 1),
    Unit.PER_SECOND,
    "More than one question to the cache a second: a ratio of fewer says nothing.",
)
CACHE_REDIS_AWAY = Signal(
    "Cache without Redis",
    cache.BREAKER_OPEN.select(layer=cache.REDIS).max(by=TARGET),
    Unit.BOOL,
    "1 while the cache leaves its Redis alone because it does not answer.",
    warning=0.5, minimum=0.5, maximum=0.5,
    alerts={"warning": "CacheRedisAway"},
)  # fmt: skip
SINCE_WARMED = Signal(
    "Time since the last good round",
    raw(
        "max by (cluster, kind) (time() - cache_warming_last_success_timestamp_seconds)",
        cache.WARM_LAST,
        panel="max by (kind) (time() - cache_warming_last_success_timestamp_seconds"
        '{cluster=~"$cluster", job=~"$job", instance=~"$instance"})',
    ),
    Unit.SECONDS,
    "How long ago a scheduled round of warming last ended without a failed key.",
)
CACHE_EDGE_AWAY = Signal(
    "Cache without its edge",
    cache.BREAKER_OPEN.select(layer=cache.CDN).max(by=TARGET),
    Unit.BOOL,
    "1 while the cache leaves the edge alone because it does not answer.",
    warning=0.5, minimum=0.5, maximum=0.5,
    alerts={"warning": "CacheEdgeAway"},
)  # fmt: skip

# -- the process -----------------------------------------------------------------------------------------------------
HTTP_ERROR_RATE = Signal(
    "Error Rate",
    _original("app_error_count"),
    Unit.PER_SECOND,
    "HTTP requests a second that were answered with 5xx, over 5 min.",
    warning=10, minimum=0.01, maximum=1_000_000,
    why="Only answers 5xx count: own mistakes, and parts behind the API that do not answer. What clients do wrong does not.",
    alerts={"warning": "HighErrorRate"},
)  # fmt: skip
HTTP_P95 = Signal(
    "Request duration, p95",
    app.DURATION.quantile(0.95),
    Unit.SECONDS,
    "From a request's headers to its answer's end, for 95 % of the requests.",
    warning=0.5, minimum=0.001, maximum=60, why="500 ms is the target for 95 % of the answers.",
)  # fmt: skip
LOOP_LAG = Signal(
    "Event loop lag, p99",
    app.LOOP_LAG.quantile(0.99, by=TARGET),
    Unit.SECONDS,
    "How much later than asked the event loop came to a timer: what every client waits in addition.",
    warning=0.05, minimum=0.001, maximum=60, why="A lag of 50 ms uses up the target of a delivery by itself.",
)  # fmt: skip

DEGRADED = Signal(
    "Degraded",
    app.DEGRADED.select().max(by=TARGET),
    Unit.COUNT,
    "How many things do not work as they should though clients are served: sources, the bus.",
)  # fmt: skip

# -- the bus ---------------------------------------------------------------------------------------------------------
BUS_UP = Signal(
    "Bus reached",
    bus.UP.select().min(by=TARGET),
    Unit.BOOL,
    "1 while every stream server of the machine reaches the bus, or needs none, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "BusDown"},
)  # fmt: skip
BUS_DELAY = Signal(
    "Delay of the bus, p99",
    bus.DELAY.quantile(0.99, by=TARGET),
    Unit.SECONDS,
    "From the publisher's stamp of an entry to its arrival at a stream server, for 99 % of the entries.",
    warning=0.05, minimum=0.001, maximum=60, why="50 ms is the target of a delivery as a whole.",
)  # fmt: skip

WEBSOCKET: dict[str, Signal] = {
    "websocket.connections": websocket.CONNECTION_COUNT,
    "websocket.error_rate": WS_ERROR_RATE,
    "websocket.delivery_p99": DELIVERY_P99,
    "websocket.delivery_mean": DELIVERY_MEAN,
    "websocket.slow_dropped": SLOW_DROPPED,
    "websocket.connections_lost": CONNECTIONS_LOST,
    "websocket.connections_many": CONNECTIONS_MANY,
    "websocket.handshakes_refused": HANDSHAKES_REFUSED,
    "websocket.handshakes_many": HANDSHAKES_MANY,
}
FEED: dict[str, Signal] = {
    "feed.stale": FEED_STALE,
    "feed.source_failed": FEED_FAILED,
    "feed.message_age": MESSAGE_AGE,
}

CACHE: dict[str, Signal] = {
    "cache.size": cache.SIZE,
    "cache.hit_ratio": HIT_RATIO,
    "cache.since_warmed": SINCE_WARMED,
    "cache.asked": CACHE_ASKED,
    "cache.redis_away": CACHE_REDIS_AWAY,
    "cache.edge_away": CACHE_EDGE_AWAY,
}
APP: dict[str, Signal] = {
    "app.error_rate": HTTP_ERROR_RATE,
    "app.request_p95": HTTP_P95,
    "app.loop_lag": LOOP_LAG,
    "app.degraded": DEGRADED,
}
BUS: dict[str, Signal] = {
    "bus.up": BUS_UP,
    "bus.delay_p99": BUS_DELAY,
}
