"""Keys: of databases, by pattern; streams and their consumer groups by pattern."""

from metrics.model import Counter, Gauge, Metric, Unit

_DB = ("db",)
_KEY = ("db", "key")
_STREAM = ("db", "stream")
_GROUP = (*_STREAM, "group")
_CONSUMER = (*_GROUP, "consumer")
_NO_KEYS = "site.yaml names no keys"
_NO_PATTERN = "site.yaml names no pattern, or its first pass has not ended"
_NO_STREAM = "site.yaml names no streams, or there is none"
_NO_GROUP = "no stream has a consumer group"
_NO_CONSUMER = "no group has a consumer"

KEYS = Gauge("redis_db_keys", "Keys of a database.", Unit.COUNT, labels=_DB)
EXPIRING = Gauge("redis_db_keys_expiring", "Keys with a time to live.", Unit.COUNT, labels=_DB, compat=True)
TTL = Gauge(
    "redis_db_avg_ttl_seconds",
    "Mean time to live, as the server samples it.",
    Unit.SECONDS,
    labels=_DB,
    absent="no key",
    compat=True,
)
EXPIRING_ITEMS = Gauge(
    "redis_db_keys_with_expiring_items",
    "Keys whose fields have a time to live.",
    Unit.COUNT,
    labels=_DB,
    absent="from Redis 7.4 on",
    compat=True,
)

# -- by pattern ------------------------------------------------------------------------------------------------------
SIZE = Gauge(
    "redis_key_size",
    "Length of a key's value: elements, or bytes of a string; 0: no such key.",
    labels=_KEY,
    absent=_NO_KEYS,
    compat=True,
)
VALUE = Gauge("redis_key_value", "A key's value, where it is a number.", labels=_KEY, absent=_NO_KEYS, compat=True)
MEMORY = Gauge("redis_key_memory_usage_bytes", "Memory of a key.", Unit.BYTES, labels=_KEY, absent=_NO_KEYS)
COUNT = Gauge(
    "redis_keys_count",
    "Keys that match a pattern, when last all were looked at.",
    Unit.COUNT,
    labels=_KEY,
    absent=_NO_PATTERN,
)
AGE = Gauge(
    "redis_keys_scan_age_seconds", "How long ago all keys had been looked at for a pattern.", Unit.SECONDS, labels=_KEY,
    absent=_NO_PATTERN,
)  # fmt: skip
SCANNED = Counter(
    "redis_keys_scanned_total", "Keys that the exporter had the server look at for patterns.", Unit.COUNT, compat=True
)

# -- streams ---------------------------------------------------------------------------------------------------------
LENGTH = Gauge("redis_stream_length", "Entries of a stream.", Unit.COUNT, labels=_STREAM, absent=_NO_STREAM)
RADIX_KEYS = Gauge(
    "redis_stream_radix_tree_keys", "Keys of its radix tree.", Unit.COUNT, labels=_STREAM, absent=_NO_STREAM, compat=True
)
RADIX_NODES = Gauge(
    "redis_stream_radix_tree_nodes", "Nodes of its radix tree.", Unit.COUNT, labels=_STREAM, absent=_NO_STREAM, compat=True
)
LAST_ID = Gauge(
    "redis_stream_last_generated_id",
    "The newest id's first part, mostly Unix time in ms.",
    labels=_STREAM,
    absent=_NO_STREAM,
    compat=True,
)
GROUPS = Gauge("redis_stream_groups", "Its consumer groups.", Unit.COUNT, labels=_STREAM, absent=_NO_STREAM, compat=True)
DELETED_ID = Gauge(
    "redis_stream_max_deleted_entry_id", "Newest id that was deleted.", labels=_STREAM, absent=_NO_STREAM, compat=True
)
FIRST_ENTRY = Gauge("redis_stream_first_entry_id", "The oldest entry's id.", labels=_STREAM, absent=_NO_STREAM, compat=True)
LAST_ENTRY = Gauge("redis_stream_last_entry_id", "The newest entry's id.", labels=_STREAM, absent=_NO_STREAM, compat=True)
ADDED = Counter(
    "redis_stream_entries_added_total",
    "Entries that were ever added.",
    Unit.COUNT,
    labels=_STREAM,
    absent=_NO_STREAM,
)
CONSUMERS = Gauge(
    "redis_stream_group_consumers", "Consumers of a group.", Unit.COUNT, labels=_GROUP, absent=_NO_GROUP, compat=True
)
PENDING = Gauge(
    "redis_stream_group_messages_pending",
    "Delivered and not confirmed.",
    Unit.COUNT,
    labels=_GROUP,
    absent=_NO_GROUP,
)
DELIVERED_ID = Gauge(
    "redis_stream_group_last_delivered_id", "Newest id that was delivered.", labels=_GROUP, absent=_NO_GROUP, compat=True
)
READ = Gauge(
    "redis_stream_group_entries_read",
    "Entries that the group has read.",
    Unit.COUNT,
    labels=_GROUP,
    absent=_NO_GROUP,
    compat=True,
)
LAG = Gauge("redis_stream_group_lag", "Entries that wait to be delivered.", Unit.COUNT, labels=_GROUP, absent=_NO_GROUP)
CONSUMER_PENDING = Gauge(
    "redis_stream_group_consumer_messages_pending",
    "Delivered and not confirmed.",
    Unit.COUNT,
    labels=_CONSUMER,
    absent=_NO_CONSUMER,
    compat=True,
)
CONSUMER_IDLE = Gauge(
    "redis_stream_group_consumer_idle_seconds",
    "Since its last attempt to read.",
    Unit.SECONDS,
    labels=_CONSUMER,
    absent=_NO_CONSUMER,
    compat=True,
)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
