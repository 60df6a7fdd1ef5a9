"""Traffic of each database, from pg_stat_database; conflicts with recovery beside it."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import database as m

_DATABASE = ("datid", "datname")
SUBJECT = Subject(
    "stat_database",
    "Transactions, blocks, rows, sessions of each database; conflicts with recovery.",
    (
        Table(
            (
                Value(m.BACKENDS, "numbackends"),
                Value(m.COMMITS, "xact_commit"),
                Value(m.ROLLBACKS, "xact_rollback"),
                Value(m.BLOCKS_READ, "blks_read"),
                Value(m.BLOCKS_HIT, "blks_hit"),
                Value(m.RETURNED, "tup_returned"),
                Value(m.FETCHED, "tup_fetched"),
                Value(m.INSERTED, "tup_inserted"),
                Value(m.UPDATED, "tup_updated"),
                Value(m.DELETED, "tup_deleted"),
                Value(m.CONFLICTS, "conflicts"),
                Value(m.TEMP_FILES, "temp_files"),
                Value(m.TEMP_BYTES, "temp_bytes"),
                Value(m.DEADLOCKS, "deadlocks"),
                Value(m.READ_TIME, "blk_read_time"),
                Value(m.WRITE_TIME, "blk_write_time"),
                Value(m.STATS_RESET, "coalesce(extract(epoch FROM date_trunc('second', stats_reset)), 0)"),
                Value(m.CHECKSUM_FAILURES, "checksum_failures"),
                Value(m.ACTIVE_TIME, "active_time / 1000.0", since=140_000),
                Value(m.SESSIONS, "sessions", since=140_000),
                Value(m.ABANDONED, "sessions_abandoned", since=140_000),
                Value(m.FATAL, "sessions_fatal", since=140_000),
                Value(m.KILLED, "sessions_killed", since=140_000),
            ),
            "FROM pg_stat_database WHERE datname IS NOT NULL ORDER BY datid",
            _DATABASE,
        ),
        Table(
            (
                Value(m.CONFLICT_TABLESPACE, "confl_tablespace"),
                Value(m.CONFLICT_LOCK, "confl_lock"),
                Value(m.CONFLICT_SNAPSHOT, "confl_snapshot"),
                Value(m.CONFLICT_BUFFERPIN, "confl_bufferpin"),
                Value(m.CONFLICT_DEADLOCK, "confl_deadlock"),
                Value(m.CONFLICT_SLOT, "confl_active_logicalslot", since=160_000),
            ),
            "FROM pg_stat_database_conflicts ORDER BY datid",
            _DATABASE,
        ),
    ),
)
