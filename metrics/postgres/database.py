"""Databases: traffic, conflicts, size, connections, and how far transaction ids are from their end.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_DATABASE = ("datid", "datname")
_FROM_14 = "the server is older than 14"

SIZE = Gauge("pg_database_size_bytes", "Disk space that the database takes.", Unit.BYTES, labels=("datname",))
LIMIT = Gauge(
    "pg_database_connection_limit",
    "Connections that the database may have; -1: no limit.",
    Unit.COUNT,
    labels=("datname",),
    compat=True,
)
BACKENDS = Gauge("pg_stat_database_numbackends", "Connections to the database.", Unit.COUNT, labels=_DATABASE)
COMMITS = Counter("pg_stat_database_xact_commit", "Transactions committed.", Unit.COUNT, labels=_DATABASE)
ROLLBACKS = Counter("pg_stat_database_xact_rollback", "Transactions rolled back.", Unit.COUNT, labels=_DATABASE)
BLOCKS_READ = Counter(
    "pg_stat_database_blks_read", "Blocks read from disk, or from the operating system's cache.", Unit.COUNT, labels=_DATABASE
)
BLOCKS_HIT = Counter("pg_stat_database_blks_hit", "Blocks found in the server's own cache.", Unit.COUNT, labels=_DATABASE)
RETURNED = Counter("pg_stat_database_tup_returned", "Rows that scans returned.", Unit.COUNT, labels=_DATABASE)
FETCHED = Counter("pg_stat_database_tup_fetched", "Rows fetched by index scans.", Unit.COUNT, labels=_DATABASE)
INSERTED = Counter("pg_stat_database_tup_inserted", "Rows inserted.", Unit.COUNT, labels=_DATABASE)
UPDATED = Counter("pg_stat_database_tup_updated", "Rows updated.", Unit.COUNT, labels=_DATABASE)
DELETED = Counter("pg_stat_database_tup_deleted", "Rows deleted.", Unit.COUNT, labels=_DATABASE)
CONFLICTS = Counter(
    "pg_stat_database_conflicts",
    "Queries canceled on a standby because they were in the way of recovery.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
TEMP_FILES = Counter(
    "pg_stat_database_temp_files", "Temporary files that queries wrote.", Unit.COUNT, labels=_DATABASE, compat=True
)
TEMP_BYTES = Counter("pg_stat_database_temp_bytes", "Bytes of temporary files that queries wrote.", Unit.BYTES, labels=_DATABASE)
DEADLOCKS = Counter("pg_stat_database_deadlocks", "Deadlocks.", Unit.COUNT, labels=_DATABASE)
READ_TIME = Counter(
    "pg_stat_database_blk_read_time",
    "Milliseconds spent on reading blocks; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_DATABASE,
    compat=True,
)
WRITE_TIME = Counter(
    "pg_stat_database_blk_write_time",
    "Milliseconds that backends spent on writing blocks; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_DATABASE,
    compat=True,
)
STATS_RESET = Counter(
    "pg_stat_database_stats_reset",
    "Unix time at which these statistics began; 0: never reset.",
    Unit.TIMESTAMP,
    labels=_DATABASE,
    compat=True,
)
ACTIVE_TIME = Counter(
    "pg_stat_database_active_time_seconds_total",
    "Time that statements ran.",
    Unit.SECONDS,
    labels=_DATABASE,
    absent=_FROM_14,
    compat=True,
)
SESSIONS = Counter(
    "pg_stat_database_sessions", "Connections that were made.", Unit.COUNT, labels=_DATABASE, absent=_FROM_14, compat=True
)
ABANDONED = Counter(
    "pg_stat_database_sessions_abandoned",
    "Connections that were lost.",
    Unit.COUNT,
    labels=_DATABASE,
    absent=_FROM_14,
    compat=True,
)
FATAL = Counter(
    "pg_stat_database_sessions_fatal",
    "Connections that ended by a fatal error.",
    Unit.COUNT,
    labels=_DATABASE,
    absent=_FROM_14,
    compat=True,
)
KILLED = Counter(
    "pg_stat_database_sessions_killed",
    "Connections that somebody ended.",
    Unit.COUNT,
    labels=_DATABASE,
    absent=_FROM_14,
    compat=True,
)
CHECKSUM_FAILURES = Counter(
    "pg_stat_database_checksum_failures",
    "Pages whose checksum was wrong.",
    Unit.COUNT,
    labels=_DATABASE,
    absent="data checksums are off",
    compat=True,
)
CONFLICT_TABLESPACE = Counter(
    "pg_stat_database_conflicts_confl_tablespace",
    "Queries canceled on a standby by a dropped tablespace.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
CONFLICT_LOCK = Counter(
    "pg_stat_database_conflicts_confl_lock",
    "Queries canceled on a standby by a lock timeout.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
CONFLICT_SNAPSHOT = Counter(
    "pg_stat_database_conflicts_confl_snapshot",
    "Queries canceled on a standby because they needed rows that are gone.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
CONFLICT_BUFFERPIN = Counter(
    "pg_stat_database_conflicts_confl_bufferpin",
    "Queries canceled on a standby by pinned buffers.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
CONFLICT_SLOT = Counter(
    "pg_stat_database_conflicts_confl_active_logicalslot",
    "Uses of logical replication slots canceled on a standby.",
    Unit.COUNT,
    labels=_DATABASE,
    absent="PostgreSQL 15 and earlier do not count it",
    compat=True,
)
CONFLICT_DEADLOCK = Counter(
    "pg_stat_database_conflicts_confl_deadlock",
    "Queries canceled on a standby by a deadlock.",
    Unit.COUNT,
    labels=_DATABASE,
    compat=True,
)
XID_AGE = Gauge(
    "pg_database_wraparound_age_datfrozenxid_seconds",
    "Age of the oldest transaction id that is not frozen, in transactions (the name says seconds, as upstream's does).",
    Unit.COUNT,
    labels=("datname",),
)
MXID_AGE = Gauge(
    "pg_database_wraparound_age_datminmxid_seconds",
    "Age of the oldest multixact id, in multixacts (the name says seconds, as upstream's does).",
    Unit.COUNT,
    labels=("datname",),
    compat=True,
)
PREPARED = Gauge("pg_prepared_xacts_count", "Prepared transactions.", Unit.COUNT, labels=("datname",), compat=True)
PREPARED_AGE = Gauge(
    "pg_prepared_xacts_max_age_seconds",
    "Age of the oldest prepared transaction; 0 without one.",
    Unit.SECONDS,
    labels=("datname",),
)

METRICS = (
    SIZE,
    LIMIT,
    BACKENDS,
    COMMITS,
    ROLLBACKS,
    BLOCKS_READ,
    BLOCKS_HIT,
    RETURNED,
    FETCHED,
    INSERTED,
    UPDATED,
    DELETED,
    CONFLICTS,
    TEMP_FILES,
    TEMP_BYTES,
    DEADLOCKS,
    READ_TIME,
    WRITE_TIME,
    STATS_RESET,
    ACTIVE_TIME,
    SESSIONS,
    ABANDONED,
    FATAL,
    KILLED,
    CHECKSUM_FAILURES,
    CONFLICT_TABLESPACE,
    CONFLICT_LOCK,
    CONFLICT_SNAPSHOT,
    CONFLICT_BUFFERPIN,
    CONFLICT_DEADLOCK,
    CONFLICT_SLOT,
    XID_AGE,
    MXID_AGE,
    PREPARED,
    PREPARED_AGE,
)
