"""What Prometheus and Alertmanager tell of themselves and of every target, as far as it is drawn or alerted on."""

from metrics.model import Counter, Gauge, Histogram, Unit

_PROMETHEUS, _ALERTMANAGER = "prometheus", "alertmanager"

UP = Gauge("up", "1 when the last scrape of the target succeeded, else 0.", Unit.BOOL, emitter=_PROMETHEUS)
SCRAPE_DURATION = Gauge("scrape_duration_seconds", "How long the last scrape took.", Unit.SECONDS, emitter=_PROMETHEUS)
SCRAPE_SAMPLES = Gauge("scrape_samples_scraped", "How many samples the target exposed.", Unit.COUNT, emitter=_PROMETHEUS)
ALERTS = Gauge(
    "ALERTS", "1 for each alert that is pending or firing.", Unit.BOOL,
    labels=("alertname", "alertstate", "severity", "signal"), emitter=_PROMETHEUS, absent="no alert is pending or firing",
)  # fmt: skip
HEAD_SERIES = Gauge("prometheus_tsdb_head_series", "Series in memory.", Unit.COUNT, emitter=_PROMETHEUS)
SAMPLES_APPENDED = Counter(
    "prometheus_tsdb_head_samples_appended_total", "Samples stored.", Unit.COUNT, labels=("type",), emitter=_PROMETHEUS
)
COMPACTIONS_FAILED = Counter(
    "prometheus_tsdb_compactions_failed_total", "Compactions of stored data that failed.", Unit.COUNT, emitter=_PROMETHEUS
)
WAL_CORRUPTIONS = Counter(
    "prometheus_tsdb_wal_corruptions_total", "Damages found in the write-ahead log.", Unit.COUNT, emitter=_PROMETHEUS
)
WAL_TRUNCATIONS_FAILED = Counter(
    "prometheus_tsdb_wal_truncations_failed_total", "Attempts to shorten the write-ahead log that failed.", Unit.COUNT,
    emitter=_PROMETHEUS,
)  # fmt: skip
BLOCKS_BYTES = Gauge(
    "prometheus_tsdb_storage_blocks_bytes", "Bytes on disk of the data's finished blocks.", Unit.BYTES, emitter=_PROMETHEUS
)
RETENTION_BYTES = Gauge(
    "prometheus_tsdb_retention_limit_bytes", "Bytes that the data's blocks may have on disk; 0: no limit.", Unit.BYTES,
    emitter=_PROMETHEUS,
)  # fmt: skip
OLDEST_SAMPLE = Gauge(
    "prometheus_tsdb_lowest_timestamp_seconds", "Unix time of the oldest sample.", Unit.TIMESTAMP, emitter=_PROMETHEUS
)
RULE_GROUP_DURATION = Gauge(
    "prometheus_rule_group_last_duration_seconds", "How long the last evaluation of the group of rules took.", Unit.SECONDS,
    labels=("rule_group",), emitter=_PROMETHEUS,
)  # fmt: skip
RULE_GROUP_MISSED = Counter(
    "prometheus_rule_group_iterations_missed_total", "Evaluations left out, because the one before took too long.", Unit.COUNT,
    labels=("rule_group",), emitter=_PROMETHEUS,
)  # fmt: skip
RULE_FAILURES = Counter(
    "prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.", Unit.COUNT,
    labels=("rule_group",), emitter=_PROMETHEUS,
)  # fmt: skip
CONFIG_RELOAD = Gauge(
    "prometheus_config_last_reload_successful", "1 when the last reload of the configuration succeeded, else 0.", Unit.BOOL,
    emitter=_PROMETHEUS,
)  # fmt: skip
CONFIG_RELOADED = Gauge(
    "prometheus_config_last_reload_success_timestamp_seconds", "Unix time of the configuration's last reload that succeeded.",
    Unit.TIMESTAMP, emitter=_PROMETHEUS,
)  # fmt: skip
NOTIFICATIONS_DROPPED = Counter(
    "prometheus_notifications_dropped_total", "Notifications that no Alertmanager took.", Unit.COUNT, emitter=_PROMETHEUS
)
NOTIFICATIONS_QUEUED = Gauge(
    "prometheus_notifications_queue_length", "Notifications that wait for Alertmanager.", Unit.COUNT, emitter=_PROMETHEUS
)
AM_ALERTS = Gauge(
    "alertmanager_alerts", "Alerts that Alertmanager holds; suppressed: silenced or inhibited.", Unit.COUNT,
    labels=("state",), emitter=_ALERTMANAGER,
)  # fmt: skip
AM_SILENCES = Gauge(
    "alertmanager_silences", "Silences that Alertmanager holds, by state.", Unit.COUNT,
    labels=("state",), emitter=_ALERTMANAGER,
)  # fmt: skip
AM_LATENCY = Histogram(
    "alertmanager_notification_latency_seconds", "How long receivers took to take a notification.", Unit.SECONDS,
    labels=("integration",), buckets=(1.0, 5.0, 10.0, 15.0, 20.0), emitter=_ALERTMANAGER,
)  # fmt: skip
AM_NOTIFICATIONS = Counter(
    "alertmanager_notifications_total", "Notifications that Alertmanager tried to send.", Unit.COUNT,
    labels=("integration",), emitter=_ALERTMANAGER,
)  # fmt: skip
AM_NOTIFICATIONS_FAILED = Counter(
    "alertmanager_notifications_failed_total", "Notifications that Alertmanager could not send.", Unit.COUNT,
    labels=("integration",), emitter=_ALERTMANAGER,
)  # fmt: skip

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge | Histogram))
