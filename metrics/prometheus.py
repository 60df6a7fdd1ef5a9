"""What Prometheus and Alertmanager tell of themselves and of every target, as far as it is drawn or alerted on."""

from metrics.model import Counter, Gauge, Unit

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
RULE_FAILURES = Counter(
    "prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.", Unit.COUNT,
    labels=("rule_group",), emitter=_PROMETHEUS,
)  # fmt: skip
CONFIG_RELOAD = Gauge(
    "prometheus_config_last_reload_successful", "1 when the last reload of the configuration succeeded, else 0.", Unit.BOOL,
    emitter=_PROMETHEUS,
)  # fmt: skip
NOTIFICATIONS_DROPPED = Counter(
    "prometheus_notifications_dropped_total", "Notifications that no Alertmanager took.", Unit.COUNT, emitter=_PROMETHEUS
)
AM_NOTIFICATIONS = Counter(
    "alertmanager_notifications_total", "Notifications that Alertmanager tried to send.", Unit.COUNT,
    labels=("integration",), emitter=_ALERTMANAGER,
)  # fmt: skip
AM_NOTIFICATIONS_FAILED = Counter(
    "alertmanager_notifications_failed_total", "Notifications that Alertmanager could not send.", Unit.COUNT,
    labels=("integration",), emitter=_ALERTMANAGER,
)  # fmt: skip

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
