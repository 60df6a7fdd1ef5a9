"""What writes: background writer, checkpointer, WAL, archiver, I/O by kind of process.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_IO = ("backend_type", "object", "context")
_TO_17 = "the server is 17 or newer: pg_stat_checkpointer_* has it"
_TO_17_IO = "the server is 17 or newer: pg_stat_io_* has it"
_FROM_17 = "the server is older than 17"
_FROM_14 = "the server is older than 14"
_FROM_16 = "the server is older than 16"

TIMED = Counter("pg_stat_bgwriter_checkpoints_timed_total", "Checkpoints that came by time.", Unit.COUNT, absent=_TO_17)
REQUESTED = Counter(
    "pg_stat_bgwriter_checkpoints_req_total",
    "Checkpoints that were asked for, most often because WAL was full.",
    Unit.COUNT,
    absent=_TO_17,
)
CHECKPOINT_WRITE = Counter(
    "pg_stat_bgwriter_checkpoint_write_time_total",
    "Milliseconds that checkpoints spent on writing files.",
    Unit.NONE,
    absent=_TO_17,
    compat=True,
)
CHECKPOINT_SYNC = Counter(
    "pg_stat_bgwriter_checkpoint_sync_time_total",
    "Milliseconds that checkpoints spent on syncing files.",
    Unit.NONE,
    absent=_TO_17,
    compat=True,
)
CHECKPOINT_BUFFERS = Counter(
    "pg_stat_bgwriter_buffers_checkpoint_total", "Buffers written by checkpoints.", Unit.COUNT, absent=_TO_17, compat=True
)
CLEAN = Counter("pg_stat_bgwriter_buffers_clean_total", "Buffers written by the background writer.", Unit.COUNT, compat=True)
MAXWRITTEN = Counter(
    "pg_stat_bgwriter_maxwritten_clean_total",
    "Rounds that the background writer broke off because it had written too much.",
    Unit.COUNT,
    compat=True,
)
BACKEND = Counter(
    "pg_stat_bgwriter_buffers_backend_total",
    "Buffers that backends had to write themselves.",
    Unit.COUNT,
    absent=_TO_17_IO,
    compat=True,
)
BACKEND_FSYNC = Counter(
    "pg_stat_bgwriter_buffers_backend_fsync_total",
    "Syncs that backends had to do themselves.",
    Unit.COUNT,
    absent=_TO_17_IO,
    compat=True,
)
ALLOC = Counter("pg_stat_bgwriter_buffers_alloc_total", "Buffers allocated.", Unit.COUNT, compat=True)
BGWRITER_RESET = Counter(
    "pg_stat_bgwriter_stats_reset_total", "Unix time at which these statistics began.", Unit.TIMESTAMP, compat=True
)
NUM_TIMED = Counter("pg_stat_checkpointer_num_timed_total", "Checkpoints that came by time.", Unit.COUNT, absent=_FROM_17)
NUM_REQUESTED = Counter(
    "pg_stat_checkpointer_num_requested_total",
    "Checkpoints that were asked for, most often because WAL was full.",
    Unit.COUNT,
    absent=_FROM_17,
)
RESTART_TIMED = Counter(
    "pg_stat_checkpointer_restartpoints_timed_total", "Restartpoints that came by time.", Unit.COUNT, absent=_FROM_17, compat=True
)
RESTART_REQUESTED = Counter(
    "pg_stat_checkpointer_restartpoints_req_total", "Restartpoints that were asked for.", Unit.COUNT, absent=_FROM_17, compat=True
)
RESTART_DONE = Counter(
    "pg_stat_checkpointer_restartpoints_done_total", "Restartpoints done.", Unit.COUNT, absent=_FROM_17, compat=True
)
POINT_WRITE = Counter(
    "pg_stat_checkpointer_write_time_total",
    "Milliseconds that checkpoints and restartpoints spent on writing files.",
    Unit.NONE,
    absent=_FROM_17,
    compat=True,
)
POINT_SYNC = Counter(
    "pg_stat_checkpointer_sync_time_total",
    "Milliseconds that checkpoints and restartpoints spent on syncing files.",
    Unit.NONE,
    absent=_FROM_17,
    compat=True,
)
POINT_BUFFERS = Counter(
    "pg_stat_checkpointer_buffers_written_total",
    "Buffers written by checkpoints and restartpoints.",
    Unit.COUNT,
    absent=_FROM_17,
    compat=True,
)
POINT_RESET = Counter(
    "pg_stat_checkpointer_stats_reset_total",
    "Unix time at which these statistics began.",
    Unit.TIMESTAMP,
    absent=_FROM_17,
    compat=True,
)
WAL_SEGMENTS = Gauge("pg_wal_segments", "Files in pg_wal.", Unit.COUNT, compat=True)
WAL_SIZE = Gauge("pg_wal_size_bytes", "Bytes of the files in pg_wal.", Unit.BYTES)
WAL_POSITION = Counter(
    "pg_wal_position_bytes_total", "Bytes of WAL written since the cluster was made; on a standby, received.", Unit.BYTES
)
WAL_RECORDS = Counter("pg_stat_wal_records_total", "WAL records written.", Unit.COUNT, absent=_FROM_14, compat=True)
WAL_FPI = Counter("pg_stat_wal_fpi_total", "Full pages written into WAL.", Unit.COUNT, absent=_FROM_14, compat=True)
WAL_BYTES = Counter("pg_stat_wal_bytes_total", "Bytes of WAL written.", Unit.BYTES, absent=_FROM_14, compat=True)
WAL_FULL = Counter(
    "pg_stat_wal_buffers_full_total",
    "Times that WAL was written because its buffers were full.",
    Unit.COUNT,
    absent=_FROM_14,
    compat=True,
)
ARCHIVED = Counter("pg_stat_archiver_archived_count", "WAL files archived.", Unit.COUNT, compat=True)
ARCHIVE_FAILED = Counter("pg_stat_archiver_failed_count", "Attempts to archive a WAL file that failed.", Unit.COUNT)
ARCHIVE_AGE = Gauge(
    "pg_stat_archiver_last_archive_age",
    "Seconds since the last WAL file was archived; NaN before the first.",
    Unit.SECONDS,
    compat=True,
)
IO_READS = Counter("pg_stat_io_reads_total", "Reads.", Unit.COUNT, labels=_IO, absent=_FROM_16)
IO_READ_TIME = Counter(
    "pg_stat_io_read_time_total",
    "Milliseconds spent on reads; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_WRITES = Counter("pg_stat_io_writes_total", "Writes.", Unit.COUNT, labels=_IO, absent=_FROM_16)
IO_WRITE_TIME = Counter(
    "pg_stat_io_writes_time_total",
    "Milliseconds spent on writes; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_WRITEBACKS = Counter(
    "pg_stat_io_write_back_total",
    "Units that the kernel was asked to write out.",
    Unit.COUNT,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_WRITEBACK_TIME = Counter(
    "pg_stat_io_write_back_time_total",
    "Milliseconds spent on writing out; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_EXTENDS = Counter("pg_stat_io_extends_total", "Extensions of relations.", Unit.COUNT, labels=_IO, absent=_FROM_16, compat=True)
IO_EXTEND_TIME = Counter(
    "pg_stat_io_extends_time_total",
    "Milliseconds spent on extensions; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_HITS = Counter("pg_stat_io_hits_total", "Blocks found in a buffer.", Unit.COUNT, labels=_IO, absent=_FROM_16, compat=True)
IO_EVICTIONS = Counter(
    "pg_stat_io_evictions_total", "Blocks that had to make room for others.", Unit.COUNT, labels=_IO, absent=_FROM_16, compat=True
)
IO_REUSES = Counter(
    "pg_stat_io_reuses_total",
    "Buffers of a ring used again by bulk operations and vacuum.",
    Unit.COUNT,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)
IO_FSYNCS = Counter("pg_stat_io_fsync_total", "Syncs.", Unit.COUNT, labels=_IO, absent=_FROM_16, compat=True)
IO_FSYNC_TIME = Counter(
    "pg_stat_io_fsync_time_total",
    "Milliseconds spent on syncs; 0 unless track_io_timing is on.",
    Unit.NONE,
    labels=_IO,
    absent=_FROM_16,
    compat=True,
)

METRICS = (
    TIMED,
    REQUESTED,
    CHECKPOINT_WRITE,
    CHECKPOINT_SYNC,
    CHECKPOINT_BUFFERS,
    CLEAN,
    MAXWRITTEN,
    BACKEND,
    BACKEND_FSYNC,
    ALLOC,
    BGWRITER_RESET,
    NUM_TIMED,
    NUM_REQUESTED,
    RESTART_TIMED,
    RESTART_REQUESTED,
    RESTART_DONE,
    POINT_WRITE,
    POINT_SYNC,
    POINT_BUFFERS,
    POINT_RESET,
    WAL_SEGMENTS,
    WAL_SIZE,
    WAL_POSITION,
    WAL_RECORDS,
    WAL_FPI,
    WAL_BYTES,
    WAL_FULL,
    ARCHIVED,
    ARCHIVE_FAILED,
    ARCHIVE_AGE,
    IO_READS,
    IO_READ_TIME,
    IO_WRITES,
    IO_WRITE_TIME,
    IO_WRITEBACKS,
    IO_WRITEBACK_TIME,
    IO_EXTENDS,
    IO_EXTEND_TIME,
    IO_HITS,
    IO_EVICTIONS,
    IO_REUSES,
    IO_FSYNCS,
    IO_FSYNC_TIME,
)
