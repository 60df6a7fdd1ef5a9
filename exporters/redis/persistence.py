"""Snapshots, the append-only file, loading, forks."""

from exporters.redis.table import Table
from metrics.redis import persistence as m

NAME, HELP = "persistence", "Snapshots, the append-only file, loading and forks."
TABLE: Table = {
    "loading": m.LOADING,
    "async_loading": m.ASYNC_LOADING,
    "rdb_changes_since_last_save": m.CHANGES,
    "rdb_bgsave_in_progress": m.SAVING,
    "rdb_last_save_time": m.SAVED,
    "rdb_last_bgsave_status": m.SAVE_OK,
    "rdb_last_bgsave_time_sec": m.SAVE_SECONDS,
    "rdb_current_bgsave_time_sec": m.SAVING_SECONDS,
    "rdb_saves": m.SAVES,
    "rdb_last_cow_size": m.SAVE_COW,
    "rdb_last_load_keys_expired": m.LOADED_EXPIRED,
    "rdb_last_load_keys_loaded": m.LOADED,
    "aof_enabled": m.AOF,
    "aof_rewrite_in_progress": m.REWRITING,
    "aof_rewrite_scheduled": m.REWRITE_SCHEDULED,
    "aof_last_rewrite_time_sec": m.REWRITE_SECONDS,
    "aof_current_rewrite_time_sec": m.REWRITING_SECONDS,
    "aof_last_cow_size": m.REWRITE_COW,
    "aof_last_bgrewrite_status": m.REWRITE_OK,
    "aof_last_write_status": m.WRITE_OK,
    "aof_current_size": m.AOF_SIZE,
    "aof_base_size": m.AOF_BASE,
    "aof_pending_rewrite": m.PENDING_REWRITE,
    "aof_buffer_length": m.AOF_BUFFER,
    "aof_rewrite_buffer_length": m.REWRITE_BUFFER,
    "aof_pending_bio_fsync": m.PENDING_FSYNC,
    "aof_delayed_fsync": m.DELAYED_FSYNC,
    "module_fork_in_progress": m.FORKING,
    "module_fork_last_cow_size": m.FORK_COW,
    "latest_fork_usec": (m.FORK_SECONDS, 1e-6),
}
