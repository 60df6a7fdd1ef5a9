"""The background writer; up to 16 the checkpointer's figures stand here too."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import writing as m

SUBJECT = Subject(
    "stat_bgwriter",
    "What the background writer, and up to 16 the checkpointer, has written.",
    (
        Table(
            (
                Value(m.TIMED, "checkpoints_timed", until=170_000),
                Value(m.REQUESTED, "checkpoints_req", until=170_000),
                Value(m.CHECKPOINT_WRITE, "checkpoint_write_time", until=170_000),
                Value(m.CHECKPOINT_SYNC, "checkpoint_sync_time", until=170_000),
                Value(m.CHECKPOINT_BUFFERS, "buffers_checkpoint", until=170_000),
                Value(m.CLEAN, "buffers_clean"),
                Value(m.MAXWRITTEN, "maxwritten_clean"),
                Value(m.BACKEND, "buffers_backend", until=170_000),
                Value(m.BACKEND_FSYNC, "buffers_backend_fsync", until=170_000),
                Value(m.ALLOC, "buffers_alloc"),
                Value(m.BGWRITER_RESET, "coalesce(extract(epoch FROM date_trunc('second', stats_reset)), 0)"),
            ),
            "FROM pg_stat_bgwriter",
        ),
    ),
)
