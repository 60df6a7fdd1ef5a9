"""WAL: files, position, and from 14 on what was written."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import writing as m

SUBJECT = Subject(
    "wal",
    "Files in pg_wal, the position, and WAL written.",
    (
        # Names of 24 hexadecimal digits are segments; beside them stand histories of timelines and backups.
        Table(
            (Value(m.WAL_SEGMENTS, "count(*)"), Value(m.WAL_SIZE, "coalesce(sum(size), 0)::bigint")),
            "FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'",
        ),
        Table(
            (
                Value(
                    m.WAL_POSITION,
                    "(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint",
                ),
            ),
            "",
        ),
        Table(
            (
                Value(m.WAL_RECORDS, "wal_records"),
                Value(m.WAL_FPI, "wal_fpi"),
                Value(m.WAL_BYTES, "wal_bytes::bigint"),
                Value(m.WAL_FULL, "wal_buffers_full"),
            ),
            "FROM pg_stat_wal",
            since=140_000,
        ),
    ),
)
