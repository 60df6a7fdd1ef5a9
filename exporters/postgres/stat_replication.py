"""Standbys that are connected to this server."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import replication as m

POSITION = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"
SUBJECT = Subject(
    "stat_replication",
    "Standbys that are connected: position, bytes and seconds behind.",
    (
        Table(
            (
                Value(m.POSITION, f"({POSITION} - '0/0')::bigint"),
                Value(m.BEHIND, f"({POSITION} - r.replay_lsn)::bigint"),
                Value(m.WRITE_LAG, "extract(epoch FROM r.write_lag)"),
                Value(m.FLUSH_LAG, "extract(epoch FROM r.flush_lag)"),
                Value(m.REPLAY_LAG, "extract(epoch FROM r.replay_lag)"),
            ),
            "FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid ORDER BY r.pid",
            ("r.application_name", "r.client_addr::text", "r.state", "s.slot_name", "r.pid"),
        ),
    ),
)
