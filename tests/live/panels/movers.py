"""What moves a query that stands at 0: a drill (`tests/drills/catalogue.py`) or a fault (`faults.py`), by metric; or why nothing.

A query is moved by what moves one of the metrics that it reads. The long form does each of these to a running stack and looks.
"""

from __future__ import annotations

from collections.abc import Mapping

from metrics import catalog

# By drill or fault, in the order in which they come: the metrics that it moves from 0, or gives data.
MOVED_BY: Mapping[str, tuple[str, ...]] = {
    "HighCPUUsage": ("db_connection_count", "cache_load_duration_seconds"),
    "CriticalCPUUsage": ("feed_bus_pending", "ALERTS", "watchfloor_inbox_open_alerts", "watchfloor_inbox_unacknowledged_alerts"),
    "TargetDown": (
        "up", "watchfloor_service_up", "watchfloor_target_failure", "alertmanager_notifications_failed_total",
        "alertmanager_notifications_total",
    ),
    "FeedStale": (
        "slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate1h", "slo:burn_rate:1h_5m", "slo:burn_rate:6h_30m",
        "slo:burn_rate:1d_2h", "slo:burn_rate:3d_6h",
    ),
    "WebSocketConnectionIssues": ("ws_error_count", "ws_errors_total"),
    "HighErrorRate": ("app_error_count", "app_errors_total", "ai_prediction_errors_total"),
    "DatabaseConnectionPoolExhausted": (
        "db_pool_waiting", "db_replica_lag_seconds", "db_query_errors_total", "db_slow_queries_total",
        "watchfloor_collector_timeouts_total",
    ),
    "DatabaseWritesDelayed": ("db_spool_age_seconds", "db_maintenance_errors_total", "cache_coalesced_loads_total"),
    "PostgresLockWait": ("watchfloor_collector_success", "watchfloor_collector_errors_total"),
    "PostgresDeadlocks": ("pg_stat_database_deadlocks",),
    "CacheRedisAway": ("cache_breaker_open", "cache_breaker_opened_total"),
    "BusDown": (
        "feed_bus_refused_total", "probe_stream_closes_total", "feed_source_stale", "feed_bus_connects_total",
        "ws_gaps_total", "app_degraded",
    ),
    "ProbeStreamFailing": ("ai_stream_reconnects_total", "feed_lease_takeovers_total"),
    "FeedSourceFailed": (
        "feed_source_failures_total", "feed_source_state", "feed_source_reconnects_total", "feed_source_attempts_total",
        "feed_received_bytes_total",
    ),
    "wrong deliveries to the inbox": ("watchfloor_inbox_rejected_total", "watchfloor_inbox_duplicates_total"),
    "a dashboard with a wrong query": ("watchfloor_preview_query_errors_total",),
    "a killed service": ("watchfloor_service_restarts_total",),
    "a second PostgreSQL at work": (
        "pg_stat_database_temp_bytes", "pg_prepared_xacts_max_age_seconds", "pg_indexes_invalid",
        "pg_stat_bgwriter_checkpoints_timed_total", "pg_stat_bgwriter_checkpoints_req_total", "pg_stat_archiver_failed_count",
    ),
    "a standby that stops replaying": ("pg_replication_lag_seconds", "pg_stat_replication_pg_wal_lsn_diff"),
    "a Redis that is too small": (
        "redis_commands_rejected_calls_total", "redis_commands_failed_calls_total",
        "redis_rejected_connections_total", "redis_evicted_keys_total", "redis_slowlog_last_id", "redis_aof_base_size_bytes",
        "redis_latest_fork_seconds", "redis_connected_slaves", "redis_replica_resyncs_full",
        "redis_replica_partial_resync_accepted", "redis_rdb_last_save_timestamp_seconds",
    ),
    "Alertmanager away": ("prometheus_notifications_dropped_total",),
    "a crowd from one address": ("app_connections_refused_total",),
    "broken frames and a foreign page": ("app_frame_violations_total", "ws_handshakes_total"),
    "clients that come back": ("ws_resumes_total",),
    "a client that reads nothing": (
        "ws_slow_connections", "ws_backlog_bytes", "ws_closes_total", "ws_conflated_total", "ws_slowed_total",
    ),
    "odd questions to the models": (
        "ai_queue_requests", "slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate1h",  # of the models' own objective
    ),
    "a damaged spool": ("db_spool_corrupt_bytes_total",),
    "a deploy": ("watchfloor_events_total",),
    "backups by hand": (
        "watchfloor_backup_attempts_total", "watchfloor_backup_failures_total", "watchfloor_backup_age_seconds",
        "watchfloor_backup_duration_seconds", "watchfloor_backup_bytes", "watchfloor_backup_success",
    ),
    "a cold cache behind a lock": ("cache_warming_keys", "cache_coalesced_loads_total", "cache_eviction_count"),
    "rows that no partition expects": ("pg_partitions_default_rows", "db_default_partition_days", "db_expired_partitions"),
    "versions handled by people": ("ai_model_pinned", "ai_model_unreadable_total", "ai_model_unwritten_total"),
    "packets that no protocol takes": (
        "system_network_io", "node_network_receive_packets_total", "node_network_transmit_packets_total",
        "node_network_receive_drop_total",
        "node_network_transmit_drop_total",
    ),
    "a listener that accepts nobody": ("node_netstat_TcpExt_ListenOverflows", "node_netstat_TcpExt_ListenDrops"),
    "programs that wait for the disk": ("node_procs_blocked",),
    "a filesystem that nobody may see": ("node_filesystem_device_error",),
    "a program that wants too much memory": (
        "node_vmstat_pswpin", "node_vmstat_pswpout", "node_vmstat_oom_kill", "node_pressure_memory_waiting_seconds_total",
        "node_memory_SwapTotal_bytes",
    ),
    "late items of a source": ("feed_processor_late_total",),
    "items of the past": ("feed_processor_dropped_total",),
    "a source that only says that it lives": ("feed_ignored_messages_total",),
    "a bus that was emptied": (
        "feed_bus_breaks_total", "probe_gaps_total",
    ),
    "numbers of the bus that nobody used": ("probe_missed_messages_total",),
    "servers that come back": ("pg_up", "redis_up"),
    "a deaf Alertmanager": ("prometheus_notifications_queue_length",),
    "a silence": ("alertmanager_silences", "alertmanager_alerts"),
    "a source that tells garbage": ("feed_bad_messages_total",),
    "a stream without a bus": (
        "ws_queue_wait_seconds", "ws_queued_total", "ws_queue_messages",
        "slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate1h",  # of the objective for delivery latency
    ),
}  # fmt: skip
_WRITES = "writes to an open socket do not fail but end it; the queue's own tests provoke both"
_NO_CLOCK = "nothing disciplines this machine's clock; its domain's tests read recorded states of one that is"
_BUG = "counts what would be a defect of ours: no input that is known provokes it"
# Metrics that no fault here moves, and why.
UNMOVED: Mapping[str, str] = {
    "ai_bad_messages_total": _BUG,
    "ai_model_constant_output_ratio": "a model whose answers stand still would have to be made; its exporter's tests do",
    "ai_model_invalid_output_ratio": "a model that answers no number would have to be made; its exporter's tests do",
    "ai_model_overdue_predictions": "nothing is due for so long in a run of minutes",
    "ai_unsaved_lost_total": "hours without a data store would have to pass",
    "cache_invalidations_total": "a person's command; no program of the workload gives it",
    "cache_sink_dropped_total": _BUG,
    "db_lost_rows_total": "rows are lost when the spool's disk is full: it would be this machine's own",
    "feed_bus_unconfirmed": "site.yaml asks for no replica of the bus",
    "feed_listener_errors_total": _BUG,
    "feed_processor_errors_total": _BUG,
    "feed_sink_errors_total": _BUG,
    "node_network_receive_errs_total": "needs a broken cable",
    "node_network_transmit_errs_total": "needs a broken cable",
    "node_nf_conntrack_entries": "no firewall of this machine tracks connections",
    "node_softnet_dropped_total": "a kernel that cannot keep up would drop the packets of others too",
    "node_softnet_times_squeezed_total": "a kernel that cannot keep up would drop the packets of others too",
    "node_timex_offset_seconds": _NO_CLOCK,
    "node_timex_sync_status": _NO_CLOCK,
    "probe_repeated_messages_total": "a server would have to send a number twice; the probe's own tests do",
    "prometheus_rule_group_iterations_missed_total": "the machine would have to be too busy for Prometheus itself",
    "prometheus_tsdb_storage_blocks_bytes": "Prometheus finishes its first block after two hours",
    "prometheus_rule_evaluation_failures_total": "a rule of ours would have to be wrong: promtool and the cases refuse those",
    "watchfloor_backup_interval_seconds": "site.yaml asks for no backups: one would stop Prometheus amid other faults",
    "ws_dropped_total": _WRITES,
    "ws_retries_total": _WRITES,
}

_MOVERS: Mapping[str, list[str]] = {
    name: [fault for fault, moved in MOVED_BY.items() if name in moved] for names in MOVED_BY.values() for name in names
}


def movers(expr: str) -> list[str]:
    """The faults that move a query."""
    return list(dict.fromkeys(fault for name in catalog.read_by(expr) for fault in _MOVERS.get(name, ())))


def unmoved(expr: str) -> str:
    """Why nothing here moves a query; empty where something does, or nobody has said why."""
    return "" if movers(expr) else next((UNMOVED[name] for name in catalog.read_by(expr) if name in UNMOVED), "")
