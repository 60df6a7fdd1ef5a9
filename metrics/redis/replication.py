"""Replication: as a primary, as a replica; the cluster; Sentinel."""

from metrics.model import Counter, Gauge, Metric, Unit

_REPLICA = ("slave_ip", "slave_port", "slave_state")
_PRIMARY = ("master_host", "master_port")
_NO_REPLICA = "there is no replica"
_NOT_REPLICA = "the server is no replica"
_NO_CLUSTER = "the server is no node of a cluster"
_NO_SENTINEL = "the server is no Sentinel"
_NO_MASTER = "the server is no Sentinel, or watches nothing"
_MASTER = ("master_name", "master_address")

# -- as a primary ----------------------------------------------------------------------------------------------------
REPLICAS = Gauge("redis_connected_slaves", "Replicas that are connected.", Unit.COUNT)
REPLICA_OFFSET = Gauge(
    "redis_connected_slave_offset_bytes",
    "What a replica has confirmed.",
    Unit.BYTES,
    labels=_REPLICA,
    absent=_NO_REPLICA,
    compat=True,
)
REPLICA_LAG = Gauge(
    "redis_connected_slave_lag_seconds",
    "When a replica last confirmed.",
    Unit.SECONDS,
    labels=_REPLICA,
    absent=_NO_REPLICA,
)
OFFSET = Gauge("redis_master_repl_offset", "How far the data is written, for replicas.", Unit.BYTES, compat=True)
SECOND_OFFSET = Gauge(
    "redis_second_repl_offset", "Up to where the former primary's numbering holds; -1: none.", Unit.BYTES, compat=True
)
BACKLOG = Gauge("redis_replication_backlog_bytes", "Size of the backlog.", Unit.BYTES, compat=True)
BACKLOG_ACTIVE = Gauge("redis_repl_backlog_is_active", "1 when there is a backlog, else 0.", Unit.BOOL, compat=True)
BACKLOG_FIRST = Gauge("redis_repl_backlog_first_byte_offset", "The oldest place in the backlog.", Unit.BYTES, compat=True)
BACKLOG_HISTORY = Gauge("redis_repl_backlog_history_bytes", "How much is in the backlog.", Unit.BYTES, compat=True)
FULL_SYNCS = Gauge("redis_replica_resyncs_full", "Replicas that were sent everything.", Unit.COUNT)
PARTIAL_SYNCS = Gauge("redis_replica_partial_resync_accepted", "Replicas that could go on.", Unit.COUNT)
PARTIAL_DENIED = Gauge("redis_replica_partial_resync_denied", "Replicas that could not go on.", Unit.COUNT, compat=True)
EXPIRES_TRACKED = Gauge("redis_slave_expires_tracked_keys", "Keys whose end a writable replica tracks.", Unit.COUNT, compat=True)
WAITING_PSYNC = Gauge(
    "redis_replicas_waiting_psync", "Replicas that wait to go on.", Unit.COUNT, absent="Valkey from 8 on", compat=True
)

# -- as a replica ----------------------------------------------------------------------------------------------------
LINK_UP = Gauge(
    "redis_master_link_up",
    "1 while the primary is connected, else 0.",
    Unit.BOOL,
    labels=_PRIMARY,
    absent=_NOT_REPLICA,
)
LAST_IO = Gauge(
    "redis_master_last_io_seconds_ago", "When the primary last said something; -1: it is away.", Unit.SECONDS, labels=_PRIMARY,
    absent=_NOT_REPLICA, compat=True,
)  # fmt: skip
SYNCING = Gauge(
    "redis_master_sync_in_progress",
    "1 while everything is fetched, else 0.",
    Unit.BOOL,
    labels=_PRIMARY,
    absent=_NOT_REPLICA,
    compat=True,
)
REPLICA_AT = Gauge(
    "redis_slave_repl_offset", "How far the replica has read.", Unit.BYTES, labels=_PRIMARY, absent=_NOT_REPLICA, compat=True
)
PRIORITY = Gauge("redis_slave_priority", "The replica's priority in a failover.", absent=_NOT_REPLICA, compat=True)
REPLICA = Gauge(
    "redis_slave_info",
    "Constant 1; the labels tell the primary.",
    Unit.INFO,
    labels=(*_PRIMARY, "read_only"),
    absent=_NOT_REPLICA,
    compat=True,
)

# -- cluster ---------------------------------------------------------------------------------------------------------
CLUSTER = Gauge("redis_cluster_enabled", "1 when the server is a node of a cluster, else 0.", Unit.BOOL, compat=True)
CLUSTER_CONNECTIONS = Gauge("redis_cluster_connections", "Sockets of the cluster's bus.", Unit.COUNT, compat=True)
STATE = Gauge("redis_cluster_state", "1 when the cluster answers, else 0.", Unit.BOOL, absent=_NO_CLUSTER)
ASSIGNED = Gauge("redis_cluster_slots_assigned", "Slots that some node has.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
SLOTS_OK = Gauge("redis_cluster_slots_ok", "Slots whose node is there.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
SLOTS_PFAIL = Gauge(
    "redis_cluster_slots_pfail", "Slots whose node this one cannot reach.", Unit.COUNT, absent=_NO_CLUSTER, compat=True
)
SLOTS_FAIL = Gauge("redis_cluster_slots_fail", "Slots whose node has failed.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
NODES = Gauge("redis_cluster_known_nodes", "Nodes that are known.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
SIZE = Gauge("redis_cluster_size", "Primaries that have slots.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
EPOCH = Gauge("redis_cluster_current_epoch", "The cluster's epoch.", absent=_NO_CLUSTER, compat=True)
MY_EPOCH = Gauge("redis_cluster_my_epoch", "The node's epoch.", absent=_NO_CLUSTER, compat=True)
SENT = Gauge("redis_cluster_messages_sent_total", "Messages sent to other nodes.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)
RECEIVED = Gauge("redis_cluster_messages_received_total", "Messages of other nodes.", Unit.COUNT, absent=_NO_CLUSTER, compat=True)

# -- Sentinel --------------------------------------------------------------------------------------------------------
MASTERS = Gauge("redis_sentinel_masters", "Primaries that this Sentinel watches.", Unit.COUNT, absent=_NO_SENTINEL, compat=True)
TILT = Gauge(
    "redis_sentinel_tilt",
    "1 while the Sentinel trusts no clock and does nothing, else 0.",
    Unit.BOOL,
    absent=_NO_SENTINEL,
    compat=True,
)
RUNNING_SCRIPTS = Gauge("redis_sentinel_running_scripts", "Scripts that run.", Unit.COUNT, absent=_NO_SENTINEL, compat=True)
QUEUED_SCRIPTS = Gauge("redis_sentinel_scripts_queue_length", "Scripts that wait.", Unit.COUNT, absent=_NO_SENTINEL, compat=True)
SIMULATED = Gauge("redis_sentinel_simulate_failure_flags", "Failures that are simulated.", absent=_NO_SENTINEL, compat=True)
MASTER_STATUS = Gauge(
    "redis_sentinel_master_status", "1 when the primary is fine, else 0.", Unit.BOOL, labels=(*_MASTER, "master_status"),
    absent=_NO_MASTER, compat=True,
)  # fmt: skip
MASTER_REPLICAS = Gauge(
    "redis_sentinel_master_slaves", "Its replicas.", Unit.COUNT, labels=_MASTER, absent=_NO_MASTER, compat=True
)
MASTER_SENTINELS = Gauge(
    "redis_sentinel_master_sentinels", "Sentinels that watch it.", Unit.COUNT, labels=_MASTER, absent=_NO_MASTER, compat=True
)
OK_REPLICAS = Gauge(
    "redis_sentinel_master_ok_slaves", "Its replicas that are fine.", Unit.COUNT, labels=_MASTER, absent=_NO_MASTER, compat=True
)
OK_SENTINELS = Gauge(
    "redis_sentinel_master_ok_sentinels", "Sentinels that are fine.", Unit.COUNT, labels=_MASTER, absent=_NO_MASTER, compat=True
)
QUORUM_OK = Gauge(
    "redis_sentinel_master_ckquorum_status", "1 when enough Sentinels are there for a failover, else 0.", Unit.BOOL,
    labels=("master_name", "message"), absent=_NO_MASTER,
)  # fmt: skip
QUORUM = Gauge(
    "redis_sentinel_master_setting_ckquorum",
    "Sentinels that must agree.",
    Unit.COUNT,
    labels=_MASTER,
    absent=_NO_MASTER,
    compat=True,
)
FAILOVER_TIMEOUT = Gauge(
    "redis_sentinel_master_setting_failover_timeout",
    "The setting, in milliseconds.",
    labels=_MASTER,
    absent=_NO_MASTER,
    compat=True,
)
PARALLEL_SYNCS = Gauge(
    "redis_sentinel_master_setting_parallel_syncs", "The setting.", Unit.COUNT, labels=_MASTER, absent=_NO_MASTER, compat=True
)
DOWN_AFTER = Gauge(
    "redis_sentinel_master_setting_down_after_milliseconds", "The setting.", labels=_MASTER, absent=_NO_MASTER, compat=True
)
CONFIG_EPOCH = Gauge(
    "redis_sentinel_master_config_epoch", "Grows with each failover.", labels=_MASTER, absent=_NO_MASTER, compat=True
)
LAST_PING = Gauge(
    "redis_sentinel_master_last_ok_ping_reply_seconds",
    "When it last answered.",
    Unit.SECONDS,
    labels=_MASTER,
    absent=_NO_MASTER,
    compat=True,
)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
