"""Replication slots: a slot that nobody reads keeps WAL until the disk is full."""

from exporters.postgres.stat_replication import POSITION
from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import replication as m

_SLOT = ("slot_name", "slot_type")
SUBJECT = Subject(
    "replication_slots",
    "Replication slots: whether somebody reads them, and how much WAL is kept for them.",
    (
        Table(
            (Value(m.SLOT_ACTIVE, "active::int"), Value(m.SLOT_BEHIND, f"({POSITION} - restart_lsn)::bigint")),
            "FROM pg_replication_slots ORDER BY slot_name",
            ("slot_name", "database"),
        ),
        Table(
            (
                Value(m.SLOT_POSITION, f"({POSITION} - '0/0')::bigint"),
                Value(m.SLOT_CONFIRMED, "CASE WHEN active THEN (coalesce(confirmed_flush_lsn, '0/0') - '0/0')::bigint END"),
                Value(m.SLOT_IS_ACTIVE, "active::int"),
                Value(m.SLOT_SAFE, "safe_wal_size"),
            ),
            "FROM pg_replication_slots ORDER BY slot_name",
            _SLOT,
        ),
        Table(
            (Value(m.SLOT_STATUS, "1"),),
            "FROM pg_replication_slots WHERE wal_status IS NOT NULL ORDER BY slot_name",
            (*_SLOT, "wal_status"),
        ),
    ),
)
