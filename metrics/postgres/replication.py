"""Replication: how far behind, senders, receiver, slots.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_RECEIVER = ("upstream_host", "slot_name", "status")
_SLOT = ("slot_name", "slot_type")
_STANDBY = ("application_name", "client_addr", "state", "slot_name", "pid")
_NO_STANDBY = "no standby is connected"
_IDLE_STANDBY = "no standby is connected, or it is idle"
_NO_SLOT = "there is no replication slot"
_NO_RECEIVER = "the server receives no WAL"

IS_REPLICA = Gauge("pg_replication_is_replica", "1 on a standby, else 0.", Unit.BOOL, compat=True)
LAG = Gauge(
    "pg_replication_lag_seconds",
    "How far the standby's replay is behind; 0 on a primary, and when everything received is replayed.",
    Unit.SECONDS,
)
LAST_REPLAY = Gauge(
    "pg_replication_last_replay_seconds",
    "Time since the last transaction that was replayed; 0 on a primary.",
    Unit.SECONDS,
    compat=True,
)
POSITION = Gauge(
    "pg_stat_replication_pg_current_wal_lsn_bytes",
    "Position in WAL of this server.",
    Unit.BYTES,
    labels=_STANDBY,
    absent=_NO_STANDBY,
    compat=True,
)
BEHIND = Gauge(
    "pg_stat_replication_pg_wal_lsn_diff",
    "Bytes of WAL that the standby has not replayed.",
    Unit.BYTES,
    labels=_STANDBY,
    absent=_NO_STANDBY,
)
WRITE_LAG = Gauge(
    "pg_stat_replication_write_lag_seconds",
    "Time until the standby had written WAL, lately.",
    Unit.SECONDS,
    labels=_STANDBY,
    absent=_IDLE_STANDBY,
    compat=True,
)
FLUSH_LAG = Gauge(
    "pg_stat_replication_flush_lag_seconds",
    "Time until the standby had flushed WAL, lately.",
    Unit.SECONDS,
    labels=_STANDBY,
    absent=_IDLE_STANDBY,
    compat=True,
)
REPLAY_LAG = Gauge(
    "pg_stat_replication_replay_lag_seconds",
    "Time until the standby had replayed WAL, lately.",
    Unit.SECONDS,
    labels=_STANDBY,
    absent=_IDLE_STANDBY,
    compat=True,
)
SLOT_ACTIVE = Gauge(
    "pg_replication_slots_active",
    "1 while somebody uses the slot, else 0.",
    Unit.BOOL,
    labels=("slot_name", "database"),
    absent=_NO_SLOT,
    compat=True,
)
SLOT_BEHIND = Gauge(
    "pg_replication_slots_pg_wal_lsn_diff",
    "Bytes of WAL that the server keeps for the slot.",
    Unit.BYTES,
    labels=("slot_name", "database"),
    absent=_NO_SLOT,
)
SLOT_POSITION = Gauge(
    "pg_replication_slots_slot_current_wal_lsn",
    "Position in WAL of this server.",
    Unit.BYTES,
    labels=_SLOT,
    absent=_NO_SLOT,
    compat=True,
)
SLOT_CONFIRMED = Gauge(
    "pg_replication_slots_slot_confirmed_flush_lsn",
    "Position in WAL that the active slot's reader has confirmed.",
    Unit.BYTES,
    labels=_SLOT,
    absent="there is no active replication slot",
    compat=True,
)
SLOT_IS_ACTIVE = Gauge(
    "pg_replication_slots_slot_is_active",
    "1 while somebody uses the slot, else 0.",
    Unit.BOOL,
    labels=_SLOT,
    absent=_NO_SLOT,
    compat=True,
)
SLOT_SAFE = Gauge(
    "pg_replication_slots_safe_wal_size_bytes",
    "Bytes of WAL that can be written before the slot is lost.",
    Unit.BYTES,
    labels=_SLOT,
    absent="there is no replication slot, or max_slot_wal_keep_size is not set",
    compat=True,
)
SLOT_STATUS = Gauge(
    "pg_replication_slots_wal_status",
    "Constant 1; the label tells whether the WAL that the slot needs is there.",
    Unit.INFO,
    labels=("slot_name", "slot_type", "wal_status"),
    absent=_NO_SLOT,
    compat=True,
)
RECEIVER_START = Counter(
    "pg_stat_wal_receiver_receive_start_lsn",
    "Position at which the receiver began.",
    Unit.BYTES,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)
RECEIVER_FLUSHED = Counter(
    "pg_stat_wal_receiver_flushed_lsn",
    "Position up to which the receiver has flushed.",
    Unit.BYTES,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)
RECEIVER_TIMELINE = Counter(
    "pg_stat_wal_receiver_received_tli",
    "Timeline of the last WAL received.",
    Unit.NONE,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)
RECEIVER_SENT = Counter(
    "pg_stat_wal_receiver_last_msg_send_time",
    "Unix time at which the sender sent the last message.",
    Unit.TIMESTAMP,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)
RECEIVER_RECEIVED = Counter(
    "pg_stat_wal_receiver_last_msg_receipt_time",
    "Unix time at which the last message came.",
    Unit.TIMESTAMP,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)
RECEIVER_END = Counter(
    "pg_stat_wal_receiver_latest_end_lsn",
    "Last position that was reported to the sender.",
    Unit.BYTES,
    labels=_RECEIVER,
    absent=_NO_RECEIVER,
    compat=True,
)

METRICS = (
    IS_REPLICA,
    LAG,
    LAST_REPLAY,
    POSITION,
    BEHIND,
    WRITE_LAG,
    FLUSH_LAG,
    REPLAY_LAG,
    SLOT_ACTIVE,
    SLOT_BEHIND,
    SLOT_POSITION,
    SLOT_CONFIRMED,
    SLOT_IS_ACTIVE,
    SLOT_SAFE,
    SLOT_STATUS,
    RECEIVER_START,
    RECEIVER_FLUSHED,
    RECEIVER_TIMELINE,
    RECEIVER_SENT,
    RECEIVER_RECEIVED,
    RECEIVER_END,
)
