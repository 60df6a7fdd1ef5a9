"""How far this standby is behind."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import replication as m

_SINCE = "extract(epoch FROM now() - pg_last_xact_replay_timestamp())"
SUBJECT = Subject(
    "replication",
    "Whether this is a standby, and how far its replay is behind.",
    (
        Table(
            (
                Value(m.IS_REPLICA, "pg_is_in_recovery()::int"),
                Value(
                    m.LAG,
                    "CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
                    f" ELSE greatest(0, {_SINCE}) END",
                ),
                Value(m.LAST_REPLAY, f"coalesce(CASE WHEN pg_is_in_recovery() THEN greatest(0, {_SINCE}) END, 0)"),
            ),
            "",
        ),
    ),
)
