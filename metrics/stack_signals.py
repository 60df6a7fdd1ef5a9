"""What an operator asks of the appliance itself: whether everything is there, alerting works, and what watching costs.

Keys are the values of the label `signal` on alerts.
"""

from __future__ import annotations

from collections.abc import Iterable

from metrics import process, prometheus, stack
from metrics.model import Recording, Signal, Unit
from metrics.query import Expr, raw

TARGET = ("cluster", "job", "instance")
# A service's scrape job is its name without these ornaments; a test compares that with the topology.
_SERVICE_TO_JOB = ('"job"', '"$1"', '"service"', '"(?:exporter-)?(.+?)(?:-guard|-[0-9]+)?"')

# -- is everything there? --------------------------------------------------------------------------------------------
TARGET_UP = Signal(
    "Targets up",
    prometheus.UP.select(),
    Unit.BOOL,
    "1 when the last scrape of the target succeeded, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "TargetDown"},
)  # fmt: skip


# A Prometheus that has just started has scraped nothing, and everything is absent. The Watchdog fires from the start.
_RULES_FOR_A_MINUTE = 'ALERTS{alertname="Watchdog", alertstate="firing"} offset 1m'


def absent_targets(jobs: Iterable[str]) -> Expr:
    """1 for each of these jobs of which Prometheus has no target, once it has evaluated rules for a minute."""
    absent = " or ".join(f'absent(up{{job="{job}"}})' for job in jobs)
    return raw(f"({absent}) and on () {_RULES_FOR_A_MINUTE}", prometheus.UP, prometheus.ALERTS)


TARGET_ABSENT = Signal(
    "Jobs without a target",
    absent_targets(stack.JOBS),
    Unit.BOOL,
    "1 for a scrape job of the appliance that has no target at all, so that none can be down.",
)  # fmt: skip
SERVICE_UP = Signal(
    "Services up",
    stack.SERVICE_UP.select().min(by=("cluster", "instance", "service")).apply("label_replace", *_SERVICE_TO_JOB),
    Unit.BOOL,
    "1 when the service's process runs and its health check answers, as the health watcher sees it.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "ServiceDown"},
)  # fmt: skip
SERVICE_RESTARTS = Signal(
    "Restarts of services",
    stack.SERVICE_RESTARTS.increase("1h").sum(by=("cluster", "instance", "service")),
    Unit.COUNT,
    "How often the watcher restarted each service in the last hour.",
    warning=3, minimum=1, maximum=1000, why="One restart is an accident; three in an hour are a pattern.",
)  # fmt: skip
COLLECTOR_SUCCESS = Signal(
    "Collectors working",
    stack.COLLECTOR_SUCCESS.select(),
    Unit.BOOL,
    "1 when the collector's last run ended in time and without an error, else 0.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    alerts={"warning": "CollectorFailing"},
)  # fmt: skip
SERIES_CUT = Signal(
    "Series cut from scrapes",
    stack.EXPORTER_SERIES_CUT.rate("15m").sum(by=(*TARGET, "domain", "metric")),
    Unit.PER_SECOND,
    "Series a second that an exporter left out, because site.yaml allows no more of a metric, or of a scrape.",
    warning=0, minimum=0, maximum=1_000_000,
    why="What is cut is missing from panels and alerts, so that any is worth knowing.",
    alerts={"warning": "SeriesCut"},
)  # fmt: skip

# -- is alerting alive? ----------------------------------------------------------------------------------------------
WATCHDOG = Signal(
    "Watchdog",
    raw("vector(1)"),
    Unit.BOOL,
    "Always 1: an alert that always fires, so that its absence is the alarm.",
)  # fmt: skip
ALERTING_ALIVE = Signal(
    "Alerting alive",
    stack.WATCHDOG_ALIVE.select().min(by=("cluster", "instance")),
    Unit.BOOL,
    "1 while the Watchdog arrives in the inbox: Prometheus, Alertmanager and inbox work together.",
    critical=1, bad_below=True, minimum=1, maximum=1,
)  # fmt: skip
_SENT = prometheus.AM_NOTIFICATIONS.rate("5m").sum(by=(*TARGET, "integration"))
_FAILED = prometheus.AM_NOTIFICATIONS_FAILED.rate("5m").sum(by=(*TARGET, "integration"))
NOTIFICATION_FAILURES = Signal(
    "Notifications that fail",
    _FAILED / _SENT.compare(">", 0),
    Unit.RATIO,
    "Share of notifications that Alertmanager could not deliver, per kind of receiver, over 5 min.",
    warning=0.05, minimum=0, maximum=1,
    why="The Watchdog alone sends one a minute; one lost of five is a receiver that does not answer.",
    alerts={"warning": "NotificationsFailing"},
)  # fmt: skip
NOTIFICATIONS_DROPPED = Signal(
    "Notifications dropped by Prometheus",
    prometheus.NOTIFICATIONS_DROPPED.rate("5m").sum(by=TARGET),
    Unit.PER_SECOND,
    "Alerts a second that Prometheus threw away because no Alertmanager took them.",
    warning=0, minimum=0, maximum=1_000_000, why="Each one is an alert that nobody was told of.",
    alerts={"warning": "AlertsDropped"},
)  # fmt: skip
# Prometheus knows no Alertmanager for up to 5 s after it has read its configuration anew (prometheus/prometheus#13064), well or
# not; the window is longer than that of the drops, which come after it, at any factor.
_RELOADED, _RESULT = (one.select().over("changes", "10m") for one in (prometheus.CONFIG_RELOADED, prometheus.CONFIG_RELOAD))
CONFIG_SETTLED = Signal(
    "No reload of Prometheus's configuration",
    (_RELOADED.sum(by=TARGET) + _RESULT.sum(by=TARGET)).compare("==", 0),
    Unit.COUNT,
    "There, with the value 0, when Prometheus has not read its configuration anew within 10 min.",
)  # fmt: skip
RULE_FAILURES = Signal(
    "Rules that fail",
    prometheus.RULE_FAILURES.increase("5m").sum(by=(*TARGET, "rule_group")),
    Unit.COUNT,
    "Rule evaluations that failed in the last 5 min: what they watch is not watched.",
    warning=0, minimum=0, maximum=1000, why="A rule either works or does not.",
    alerts={"warning": "RuleEvaluationFailing"},
)  # fmt: skip
CONFIG_RELOAD = Signal(
    "Prometheus configuration in force",
    prometheus.CONFIG_RELOAD.select(),
    Unit.BOOL,
    "1 when the last reload of Prometheus's configuration succeeded, else 0: it goes on with the old one.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    alerts={"warning": "PrometheusConfigReloadFailed"},
)  # fmt: skip
DELIVERY_P95 = Signal(
    "Time to the inbox, p95",
    stack.INBOX_DELIVERY.quantile(0.95, by=("cluster",), window="24h"),
    Unit.SECONDS,
    "From the first bad sample to the notification in the inbox, for 95 % of the alerts of the last 24 h.",
)  # fmt: skip
DETECTION_P95 = Signal(
    "Time to firing, p95",
    stack.INBOX_DETECTION.quantile(0.95, by=("cluster",), window="24h"),
    Unit.SECONDS,
    "From the first bad sample to the alert's firing, for 95 % of the alerts of the last 24 h.",
)  # fmt: skip

RULES_LATE = Signal(
    "Evaluations left out",
    prometheus.RULE_GROUP_MISSED.increase("10m").sum(by=(*TARGET, "rule_group")),
    Unit.COUNT,
    "Evaluations of a group of rules that Prometheus left out within 10 min, because the one before had not ended.",
    warning=5, minimum=0, maximum=10_000, why="One is a moment of load; more than five delay every alert of the group.",
    alerts={"warning": "RulesLate"},
)  # fmt: skip
_STORAGE_FAILURES = (prometheus.COMPACTIONS_FAILED, prometheus.WAL_CORRUPTIONS, prometheus.WAL_TRUNCATIONS_FAILED)
_COMPACTIONS, _DAMAGES, _TRUNCATIONS = (one.increase("1h").sum(by=TARGET) for one in _STORAGE_FAILURES)
STORAGE = Signal(
    "Prometheus's storage fails",
    _COMPACTIONS + _DAMAGES + _TRUNCATIONS,
    Unit.COUNT,
    "Failures within an hour: compactions, damages of the write-ahead log, attempts to shorten it.",
    warning=0, minimum=0, maximum=10_000, why="On a sound disk none fails.",
    alerts={"warning": "PrometheusStorageFails"},
)  # fmt: skip

# -- what does watching cost? ----------------------------------------------------------------------------------------
SCRAPE_DURATION = Signal(
    "Scrape duration",
    prometheus.SCRAPE_DURATION.select(),
    Unit.SECONDS,
    "How long each target took to answer its last scrape.",
    warning=2, minimum=0.01, maximum=60, why="A scrape is given up after 5 s by default: 2 s leave room for a bad moment.",
    alerts={"warning": "ScrapeSlow"},
)  # fmt: skip
CPU_COST = Signal(
    "CPU of the services",
    process.CPU.rate().sum(by=TARGET),
    Unit.RATIO,
    "Processor time that each service takes, in processors.",
)  # fmt: skip
MEMORY_COST = Signal(
    "Memory of the services",
    process.RESIDENT.select().sum(by=TARGET),
    Unit.BYTES,
    "Resident memory of each service.",
)  # fmt: skip
PROCESS_AGE = Signal(
    "Age of the services' processes",
    raw(
        "min by (cluster, job, instance) (time() - process_start_time_seconds)",
        process.START_TIME,
        panel='min by (cluster, job, instance) (time() - process_start_time_seconds{cluster=~"$cluster", instance=~"$instance"})',
    ),
    Unit.SECONDS,
    "How long each service's process has run.",
)

# -- could it all be brought back? -----------------------------------------------------------------------------------
BACKUP_AGE = Signal(
    "Age of the newest backup",
    stack.BACKUP_AGE.select().max(by=TARGET) / stack.BACKUP_INTERVAL.select().max(by=TARGET),
    Unit.NONE,
    "Age of the newest good backup, in intervals of `backup.every`.",
    warning=2, minimum=1, maximum=100, why="One that fails is made again within the interval: at two, none succeeds.",
    alerts={"warning": "BackupTooOld"},
)  # fmt: skip
BACKUP_SUCCESS = Signal(
    "Last backup",
    stack.BACKUP_SUCCESS.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the last backup succeeded or none was made, 0 when it failed or was cut off.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    alerts={"warning": "BackupFailed"},
)  # fmt: skip

SIGNALS: dict[str, Signal] = {
    "stack.target_up": TARGET_UP,
    "stack.target_absent": TARGET_ABSENT,
    "stack.service_up": SERVICE_UP,
    "stack.service_restarts": SERVICE_RESTARTS,
    "stack.collector_success": COLLECTOR_SUCCESS,
    "stack.series_cut": SERIES_CUT,
    "stack.watchdog": WATCHDOG,
    "stack.alerting_alive": ALERTING_ALIVE,
    "stack.notification_failures": NOTIFICATION_FAILURES,
    "stack.notifications_dropped": NOTIFICATIONS_DROPPED,
    "stack.config_settled": CONFIG_SETTLED,
    "stack.rule_failures": RULE_FAILURES,
    "stack.config_reload": CONFIG_RELOAD,
    "stack.rules_late": RULES_LATE,
    "stack.storage": STORAGE,
    "stack.delivery_p95": DELIVERY_P95,
    "stack.detection_p95": DETECTION_P95,
    "stack.scrape_duration": SCRAPE_DURATION,
    "stack.cpu_cost": CPU_COST,
    "stack.memory_cost": MEMORY_COST,
    "stack.process_age": PROCESS_AGE,
    "stack.backup_age": BACKUP_AGE,
    "stack.backup_success": BACKUP_SUCCESS,
}
RECORDINGS: tuple[Recording, ...] = ()
