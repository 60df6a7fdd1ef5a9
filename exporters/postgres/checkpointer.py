"""The checkpointer, from 17 on."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import writing as m

SUBJECT = Subject(
    "stat_checkpointer",
    "Checkpoints and restartpoints, from PostgreSQL 17 on.",
    (
        Table(
            (
                Value(m.NUM_TIMED, "num_timed"),
                Value(m.NUM_REQUESTED, "num_requested"),
                Value(m.RESTART_TIMED, "restartpoints_timed"),
                Value(m.RESTART_REQUESTED, "restartpoints_req"),
                Value(m.RESTART_DONE, "restartpoints_done"),
                Value(m.POINT_WRITE, "write_time"),
                Value(m.POINT_SYNC, "sync_time"),
                Value(m.POINT_BUFFERS, "buffers_written"),
                Value(m.POINT_RESET, "coalesce(extract(epoch FROM date_trunc('second', stats_reset)), 0)"),
            ),
            "FROM pg_stat_checkpointer",
            since=170_000,
        ),
    ),
)
