"""I/O by kind of process, object and context, from 16 on."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import writing as m

SUBJECT = Subject(
    "stat_io",
    "Reads, writes, extensions, hits and syncs by kind of process, from PostgreSQL 16 on.",
    (
        Table(
            (
                Value(m.IO_READS, "coalesce(reads, 0)"),
                Value(m.IO_READ_TIME, "coalesce(read_time, 0)"),
                Value(m.IO_WRITES, "coalesce(writes, 0)"),
                Value(m.IO_WRITE_TIME, "coalesce(write_time, 0)"),
                Value(m.IO_WRITEBACKS, "coalesce(writebacks, 0)"),
                Value(m.IO_WRITEBACK_TIME, "coalesce(writeback_time, 0)"),
                Value(m.IO_EXTENDS, "coalesce(extends, 0)"),
                Value(m.IO_EXTEND_TIME, "coalesce(extend_time, 0)"),
                Value(m.IO_HITS, "coalesce(hits, 0)"),
                Value(m.IO_EVICTIONS, "coalesce(evictions, 0)"),
                Value(m.IO_REUSES, "coalesce(reuses, 0)"),
                Value(m.IO_FSYNCS, "coalesce(fsyncs, 0)"),
                Value(m.IO_FSYNC_TIME, "coalesce(fsync_time, 0)"),
            ),
            "FROM pg_stat_io",
            ("backend_type", "object", "context"),
            since=160_000,
        ),
    ),
)
