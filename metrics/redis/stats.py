"""What the server has done: connections, commands, network, hits, errors, the event loop."""

from metrics.model import Counter, Gauge, Metric, Unit

_72 = "from Redis 7.2 on"
_88 = "from Redis 8.8 on"

CONNECTIONS = Counter("redis_connections_received_total", "Connections that were accepted.", Unit.COUNT)
REJECTED = Counter("redis_rejected_connections_total", "Connections refused because maxclients was reached.", Unit.COUNT)
COMMANDS = Counter("redis_commands_processed_total", "Commands that were processed.", Unit.COUNT)
NET_IN = Counter("redis_net_input_bytes_total", "Bytes received.", Unit.BYTES)
NET_OUT = Counter("redis_net_output_bytes_total", "Bytes sent.", Unit.BYTES)
REPL_IN = Counter("redis_net_repl_input_bytes_total", "Bytes received from the primary.", Unit.BYTES, compat=True)
REPL_OUT = Counter("redis_net_repl_output_bytes_total", "Bytes sent to replicas.", Unit.BYTES, compat=True)
HITS = Counter("redis_keyspace_hits_total", "Reads of keys that were there.", Unit.COUNT)
MISSES = Counter("redis_keyspace_misses_total", "Reads of keys that were not there.", Unit.COUNT)
CHANNELS = Gauge("redis_pubsub_channels", "Channels with subscribers.", Unit.COUNT, compat=True)
PATTERNS = Gauge("redis_pubsub_patterns", "Patterns with subscribers.", Unit.COUNT, compat=True)
SHARD_CHANNELS = Gauge("redis_pubsubshard_channels", "Channels of shards with subscribers.", Unit.COUNT, compat=True)
MIGRATE_SOCKETS = Gauge("redis_migrate_cached_sockets_total", "Sockets kept open for MIGRATE.", Unit.COUNT, compat=True)
TRACKED_KEYS = Gauge("redis_tracking_total_keys", "Keys that are tracked for clients.", Unit.COUNT, compat=True)
TRACKED_ITEMS = Gauge("redis_tracking_total_items", "Keys tracked, counted for each client.", Unit.COUNT, compat=True)
TRACKED_PREFIXES = Gauge("redis_tracking_total_prefixes", "Prefixes that are tracked.", Unit.COUNT, compat=True)
UNEXPECTED_ERRORS = Counter(
    "redis_unexpected_error_replies", "Errors of replication or of the append-only file.", Unit.COUNT, compat=True
)
ERROR_REPLIES = Counter("redis_total_error_replies", "Errors that were answered.", Unit.COUNT, compat=True)
SANITIZED = Counter("redis_dump_payload_sanitizations", "Payloads of RESTORE that were verified.", Unit.COUNT, compat=True)
READS = Counter("redis_total_reads_processed", "Reads from sockets.", Unit.COUNT, compat=True)
WRITES = Counter("redis_total_writes_processed", "Writes to sockets.", Unit.COUNT, compat=True)
THREADED_READS = Counter("redis_io_threaded_reads_processed", "Reads by I/O threads.", Unit.COUNT, compat=True)
THREADED_WRITES = Counter("redis_io_threaded_writes_processed", "Writes by I/O threads.", Unit.COUNT, compat=True)
QUERY_LIMIT = Counter(
    "redis_client_query_buffer_limit_disconnections_total",
    "Clients disconnected because they sent too much.",
    Unit.COUNT,
    absent=_72,
    compat=True,
)
OUTPUT_LIMIT = Counter(
    "redis_client_output_buffer_limit_disconnections_total",
    "Clients disconnected because they read too slowly.",
    Unit.COUNT,
    absent=_72,
    compat=True,
)
SHRINKS = Counter("redis_reply_buffer_shrinks_total", "Reply buffers made smaller.", Unit.COUNT, compat=True)
EXPANDS = Counter("redis_reply_buffer_expands_total", "Reply buffers made larger.", Unit.COUNT, compat=True)
DENIED_AUTH = Counter("redis_acl_access_denied_auth_total", "Failed logins.", Unit.COUNT, absent=_72, compat=True)
DENIED_COMMAND = Counter(
    "redis_acl_access_denied_cmd_total", "Commands that the user may not run.", Unit.COUNT, absent=_72, compat=True
)
DENIED_KEY = Counter(
    "redis_acl_access_denied_key_total", "Keys that the user may not touch.", Unit.COUNT, absent=_72, compat=True
)
DENIED_CHANNEL = Counter(
    "redis_acl_access_denied_channel_total", "Channels that the user may not use.", Unit.COUNT, absent=_72, compat=True
)
CYCLES = Counter("redis_eventloop_cycles_total", "Rounds of the event loop.", Unit.COUNT, absent=_72, compat=True)
CYCLE_TIME = Counter("redis_eventloop_duration_sum_usec_total", "Microseconds in the event loop.", absent=_72, compat=True)
CYCLE_COMMAND_TIME = Counter("redis_eventloop_duration_cmd_sum_usec_total", "Of them in commands.", absent=_72, compat=True)
CYCLES_NOW = Gauge("redis_instantaneous_eventloop_cycles_per_sec", "Rounds of the event loop a second.", absent=_72, compat=True)
CYCLE_TIME_NOW = Gauge(
    "redis_instantaneous_eventloop_duration_usec", "Microseconds a round of the event loop.", absent=_72, compat=True
)
PIPELINE_LENGTH = Gauge("redis_client_processing_pipeline_length", "Commands a batch of a client, mean.", absent=_88, compat=True)
SLOW_COMMANDS = Counter(
    "redis_slowlog_commands_total", "Commands that went to the slow log.", Unit.COUNT, absent=_88, compat=True
)
ERRORS = Counter("redis_errors_total", "Errors that were answered, by their first word.", Unit.COUNT, labels=("err",),
                 absent="there was no error yet")  # fmt: skip

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
