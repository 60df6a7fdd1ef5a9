"""Snapshots (RDB), the append-only file (AOF), loading."""

from metrics.model import Counter, Gauge, Metric, Unit

_AOF = "the append-only file is off"

LOADING = Gauge(
    "redis_loading_dump_file", "1 while the server loads its data and answers nobody, else 0.", Unit.BOOL, compat=True
)
ASYNC_LOADING = Gauge(
    "redis_async_loading", "1 while the server loads a copy of its primary and answers from the old data.", Unit.BOOL, compat=True
)
CHANGES = Gauge("redis_rdb_changes_since_last_save", "Changes since the last snapshot.", Unit.COUNT)
SAVING = Gauge("redis_rdb_bgsave_in_progress", "1 while a snapshot is written, else 0.", Unit.BOOL, compat=True)
SAVED = Gauge("redis_rdb_last_save_timestamp_seconds", "Unix time of the last snapshot, or of the start.", Unit.TIMESTAMP)
SAVE_OK = Gauge("redis_rdb_last_bgsave_status", "1 when the last snapshot succeeded, else 0.", Unit.BOOL)
SAVE_SECONDS = Gauge(
    "redis_rdb_last_bgsave_duration_sec", "How long the last snapshot took; -1: there was none.", Unit.SECONDS, compat=True
)
SAVING_SECONDS = Gauge(
    "redis_rdb_current_bgsave_duration_sec", "How long this snapshot has taken; -1: none.", Unit.SECONDS, compat=True
)
SAVES = Gauge("redis_rdb_saves_total", "Snapshots since the start.", Unit.COUNT, compat=True)
SAVE_COW = Gauge(
    "redis_rdb_last_cow_size_bytes", "Memory that was copied while the last snapshot was written.", Unit.BYTES, compat=True
)
LOADED_EXPIRED = Gauge(
    "redis_rdb_last_load_expired_keys", "Keys that had ended when the data was loaded.", Unit.COUNT, compat=True
)
LOADED = Gauge("redis_rdb_last_load_loaded_keys", "Keys that were loaded.", Unit.COUNT, compat=True)
AOF = Gauge("redis_aof_enabled", "1 when the append-only file is on, else 0.", Unit.BOOL, compat=True)
REWRITING = Gauge("redis_aof_rewrite_in_progress", "1 while the file is rewritten, else 0.", Unit.BOOL, compat=True)
REWRITE_SCHEDULED = Gauge(
    "redis_aof_rewrite_scheduled", "1 when a rewrite waits for a snapshot's end, else 0.", Unit.BOOL, compat=True
)
REWRITE_SECONDS = Gauge(
    "redis_aof_last_rewrite_duration_sec", "How long the last rewrite took; -1: none.", Unit.SECONDS, compat=True
)
REWRITING_SECONDS = Gauge(
    "redis_aof_current_rewrite_duration_sec", "How long this rewrite has taken; -1: none.", Unit.SECONDS, compat=True
)
REWRITE_COW = Gauge("redis_aof_last_cow_size_bytes", "Memory that was copied during the last rewrite.", Unit.BYTES, compat=True)
REWRITE_OK = Gauge("redis_aof_last_bgrewrite_status", "1 when the last rewrite succeeded, else 0.", Unit.BOOL)
WRITE_OK = Gauge("redis_aof_last_write_status", "1 when the last write to the file succeeded, else 0.", Unit.BOOL)
AOF_SIZE = Gauge("redis_aof_current_size_bytes", "Size of the file.", Unit.BYTES, absent=_AOF)
AOF_BASE = Gauge("redis_aof_base_size_bytes", "Its size after the last rewrite.", Unit.BYTES, absent=_AOF)
PENDING_REWRITE = Gauge("redis_aof_pending_rewrite", "1 when a rewrite waits, else 0.", Unit.BOOL, absent=_AOF, compat=True)
AOF_BUFFER = Gauge("redis_aof_buffer_length", "Bytes that wait to be written to it.", Unit.BYTES, absent=_AOF, compat=True)
REWRITE_BUFFER = Gauge(
    "redis_aof_rewrite_buffer_length", "Bytes that wait for a rewrite's end.", Unit.BYTES, absent="up to Redis 6", compat=True
)
PENDING_FSYNC = Gauge("redis_aof_pending_bio_fsync", "Writes that wait to reach the disk.", Unit.COUNT, absent=_AOF, compat=True)
DELAYED_FSYNC = Gauge("redis_aof_delayed_fsync", "Writes that waited for a slow disk.", Unit.COUNT, absent=_AOF, compat=True)
FORKING = Gauge("redis_module_fork_in_progress", "1 while a module's child works, else 0.", Unit.BOOL, compat=True)
FORK_COW = Gauge("redis_module_fork_last_cow_size", "Memory that was copied meanwhile.", Unit.BYTES, compat=True)
FORK_SECONDS = Gauge("redis_latest_fork_seconds", "How long the last fork stopped the server.", Unit.SECONDS)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
