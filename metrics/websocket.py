"""What the stream server's sockets tell: connections, messages, fan-out, slow clients, queue. Counted inside the workload."""

from metrics.model import Counter, Gauge, Histogram, Recording, Signal, Unit

ROOMS = ("market-data", "onchain-data", "sentiment-data", "canary")
NO_ROOM = "none"  # of messages that are about no room
DIRECTION_IN, DIRECTION_OUT = "in", "out"
KINDS_IN = ("subscribe", "unsubscribe", "ping", "auth", "list", "unusable")
KINDS_OUT = (
    "connection", "subscription", "unsubscription", "initial-data", "data", "gap", "pong", "auth", "rooms", "error",
)  # fmt: skip
FORMATS = ("json", "msgpack")
GAP_REASONS = ("history", "epoch", "conflated", "dropped")
# Local deliveries take a millisecond, those of a loaded server tens; SPEC's limits are 10 ms (mean) and 50 ms (p95).
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# -- connections -----------------------------------------------------------------------------------------------------
CONNECTIONS = Gauge(
    "ws_connections",
    "WebSocket connections that are open, by format and whether frames are compressed.",
    Unit.COUNT,
    labels=("format", "compressed"),
    closed={"format": FORMATS, "compressed": ("no", "yes")},
)
HANDSHAKES = Counter(
    "ws_handshakes_total",
    "WebSocket handshakes, by result: accepted, or the error code of the refusal.",
    Unit.COUNT,
    labels=("result",),
)
CLOSES = Counter(
    "ws_closes_total",
    "Connections that ended, by close code (1006: without a close frame) and by who closed first.",
    Unit.COUNT,
    labels=("code", "by"),
)
PING_DURATION = Histogram(
    "ws_ping_duration_seconds", "From a protocol ping to its pong.", Unit.SECONDS, buckets=_BUCKETS
)  # fmt: skip

# -- messages --------------------------------------------------------------------------------------------------------
MESSAGES = Counter(
    "ws_messages_total",
    "Messages by direction, room (none: about no room) and kind; a broadcast counts once per connection that got it.",
    Unit.COUNT,
    labels=("direction", "room", "kind"),
)
BYTES = Counter(
    "ws_bytes_total",
    "Bytes of WebSocket messages received and of frames sent.",
    Unit.BYTES,
    labels=("direction",),
    closed={"direction": (DIRECTION_IN, DIRECTION_OUT)},
)
ERRORS = Counter("ws_errors_total", "Messages of clients that were refused, by error code.", Unit.COUNT, labels=("code",))

# -- rooms and fan-out -----------------------------------------------------------------------------------------------
SUBSCRIPTIONS = Gauge("ws_subscriptions", "Subscriptions that stand.", Unit.COUNT, labels=("room",), closed={"room": ROOMS})
GROUPS = Gauge(
    "ws_filter_groups", "Distinct filters in use; each is encoded once.", Unit.COUNT, labels=("room",), closed={"room": ROOMS}
)  # fmt: skip
BROADCASTS = Counter(
    "ws_broadcasts_total", "Messages published to a room.", Unit.COUNT, labels=("room",), closed={"room": ROOMS}
)  # fmt: skip
DELIVERIES = Counter(
    "ws_deliveries_total", "Messages written to connections.", Unit.COUNT, labels=("room",), closed={"room": ROOMS}
)  # fmt: skip
PUBLISH_TO_SOCKET = Histogram(
    "ws_publish_to_socket_seconds",
    "From publishing a message to its last connection's write, observed once per delivery.",
    Unit.SECONDS,
    labels=("room",),
    closed={"room": ROOMS},
    buckets=_BUCKETS,
)
SOURCE_TO_SOCKET = Histogram(
    "ws_source_to_socket_seconds",
    "From the source's own time of a message to its last connection's write, observed once per delivery.",
    Unit.SECONDS,
    labels=("room",),
    closed={"room": ROOMS},
    buckets=_BUCKETS,
)
LAST_PUBLISHED = Gauge(
    "ws_last_published_timestamp_seconds",
    "When the room last got a message.",
    Unit.TIMESTAMP,
    labels=("room",),
    absent="nothing was published to the room since the start",
)
HISTORY_MESSAGES = Gauge(
    "ws_history_messages", "Messages kept for clients that resume.", Unit.COUNT, labels=("room",), closed={"room": ROOMS}
)  # fmt: skip
HISTORY_BYTES = Gauge(
    "ws_history_bytes", "Bytes kept for clients that resume.", Unit.BYTES, labels=("room",), closed={"room": ROOMS}
)  # fmt: skip
RESUMES = Counter(
    "ws_resumes_total",
    "Subscriptions that asked for missed messages: resumed, or why they could not be.",
    Unit.COUNT,
    labels=("result",),
    closed={"result": ("resumed", "history", "epoch")},
)
GAPS = Counter(
    "ws_gaps_total",
    "Gaps told to clients, by reason.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": GAP_REASONS},
)

# -- slow clients ----------------------------------------------------------------------------------------------------
SLOW = Gauge("ws_slow_connections", "Connections whose backlog is above its limit: they get the latest only.", Unit.COUNT)
SLOWED = Counter("ws_slowed_total", "How often a connection became slow.", Unit.COUNT)
BACKLOG = Gauge("ws_backlog_bytes", "Bytes that wait for slow connections, in buffers and conflated.", Unit.BYTES)
CONFLATED = Counter(
    "ws_conflated_total",
    "Messages replaced by a newer one of their symbol before a slow client had them.",
    Unit.COUNT,
    labels=("room",),
    closed={"room": ROOMS},
)

# -- queue before the fan-out ----------------------------------------------------------------------------------------
QUEUE_DEPTH = Gauge("ws_queue_messages", "Messages that wait for the fan-out.", Unit.COUNT)
QUEUE_LIMIT = Gauge("ws_queue_limit_messages", "Messages that may wait for the fan-out.", Unit.COUNT)
QUEUE_WAIT = Histogram(
    "ws_queue_wait_seconds", "How long a message waited for the fan-out.", Unit.SECONDS, buckets=_BUCKETS
)  # fmt: skip
QUEUED = Counter(
    "ws_queued_total",
    "Messages offered to the fan-out, by kind and result (full: the publisher was told).",
    Unit.COUNT,
    labels=("kind", "result"),
    closed={"kind": ("broadcast", "targeted", "filtered"), "result": ("accepted", "full")},
)
RETRIES = Counter("ws_retries_total", "Deliveries tried again after a write failed.", Unit.COUNT)
DROPPED = Counter(
    "ws_dropped_total",
    "Messages, once accepted, that were not delivered: too old, not encodable, no such client, or its writes failed.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": ("timeout", "unusable", "absent", "failed")},
)

METRICS = (
    CONNECTIONS, HANDSHAKES, CLOSES, PING_DURATION, MESSAGES, BYTES, ERRORS, SUBSCRIPTIONS, GROUPS, BROADCASTS, DELIVERIES,
    PUBLISH_TO_SOCKET, SOURCE_TO_SOCKET, LAST_PUBLISHED, HISTORY_MESSAGES, HISTORY_BYTES, RESUMES, GAPS,
    SLOW, SLOWED, BACKLOG, CONFLATED, QUEUE_DEPTH, QUEUE_LIMIT, QUEUE_WAIT, QUEUED, RETRIES, DROPPED,
)  # fmt: skip

# -- what operators ask, and the original vocabulary -----------------------------------------------------------------
CONNECTION_COUNT = Signal(
    "Active Connections",
    CONNECTIONS.select().sum(by=("cluster", "job", "instance")),
    Unit.COUNT,
    "Open WebSocket connections.",
    recorded_as="ws_connection_count",
)
RECORDINGS: tuple[Recording, ...] = (
    Recording("ws_message_count", "WebSocket messages, both ways.", Unit.COUNT, ((MESSAGES.select(), ()),)),
    Recording("ws_error_count", "Messages of clients that were refused.", Unit.COUNT, ((ERRORS.select(), ()),)),
    Recording("ws_broadcast_count", "Messages published to a room.", Unit.COUNT, ((BROADCASTS.select(), ()),)),
)
