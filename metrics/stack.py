"""The appliance's own: what every service tells of itself, its exporters, inbox, preview and watchers; job names, uids."""

from metrics.model import Counter, Gauge, Histogram, Unit

# Scrape jobs, one a service; `compose/topology.py` gives them targets, alerts and panels select by them.
JOB_SYSTEM = "system"
JOB_POSTGRES = "postgres"
JOB_REDIS = "redis"
JOB_PROMETHEUS = "prometheus"
JOB_ALERTMANAGER = "alertmanager"
JOB_INBOX = "inbox"
JOB_PREVIEW = "preview"
JOB_STORE = "store"
JOB_ANALYSIS = "analysis"
JOB_PROBE = "probe"
JOB_MODEL_QUALITY = "model_quality"
JOB_STREAM = "stream"
JOB_WATCHER = "watcher"
JOBS = (
    JOB_SYSTEM, JOB_POSTGRES, JOB_PROMETHEUS, JOB_ALERTMANAGER, JOB_INBOX, JOB_STORE, JOB_STREAM, JOB_PREVIEW, JOB_WATCHER,
    JOB_ANALYSIS, JOB_PROBE, JOB_MODEL_QUALITY, JOB_REDIS,
)  # fmt: skip

# Of the workload that comes with the appliance: not there where site.yaml says `workload: false`.
WORKLOAD_JOBS = frozenset({JOB_POSTGRES, JOB_REDIS, JOB_STORE, JOB_STREAM, JOB_ANALYSIS, JOB_PROBE, JOB_MODEL_QUALITY})

# What carries the watching itself: a site that takes the exporters, rules and panels alone has its own (`make export`).
PLUMBING_JOBS = frozenset({JOB_PROMETHEUS, JOB_ALERTMANAGER, JOB_INBOX, JOB_PREVIEW, JOB_WATCHER})
PLUMBING_FAMILIES = (
    "prometheus_", "alertmanager_", "watchfloor_inbox_", "watchfloor_watchdog_", "watchfloor_preview_", "watchfloor_service_",
    "watchfloor_backup_",
)  # fmt: skip

# Dashboards, by file name and uid; links and runbooks hold these.
DASHBOARD_OVERVIEW = "watchfloor-overview"
DASHBOARD_SYSTEM = "watchfloor-system"
DASHBOARD_POSTGRES = "watchfloor-postgres"
DASHBOARD_REDIS = "watchfloor-redis"
DASHBOARD_WEBSOCKET = "watchfloor-websocket"
DASHBOARD_DATABASE = "watchfloor-database"
DASHBOARD_CACHE = "watchfloor-cache"
DASHBOARD_FEEDS = "watchfloor-feeds"
DASHBOARD_API = "watchfloor-api"
DASHBOARD_ANALYSIS = "watchfloor-analysis"
DASHBOARD_PROBE = "watchfloor-probe"
DASHBOARD_SLO = "watchfloor-slo"
DASHBOARD_ALERTS = "watchfloor-alerts"
DASHBOARD_APPLIANCE = "watchfloor-appliance"
DASHBOARDS = (
    DASHBOARD_OVERVIEW, DASHBOARD_SLO, DASHBOARD_SYSTEM, DASHBOARD_DATABASE, DASHBOARD_POSTGRES, DASHBOARD_CACHE, DASHBOARD_REDIS,
    DASHBOARD_WEBSOCKET, DASHBOARD_FEEDS, DASHBOARD_API, DASHBOARD_ANALYSIS, DASHBOARD_PROBE, DASHBOARD_ALERTS,
    DASHBOARD_APPLIANCE,
)  # fmt: skip
WORKLOAD_DASHBOARDS = frozenset(DASHBOARDS) - {DASHBOARD_OVERVIEW, DASHBOARD_SYSTEM, DASHBOARD_ALERTS, DASHBOARD_APPLIANCE}

# Data sources of a Grafana that the appliance provisions; the variable `datasource` of every dashboard begins with the first.
DATASOURCE_PROMETHEUS = "watchfloor-prometheus"
DATASOURCE_ALERTMANAGER = "watchfloor-alertmanager"

SEVERITIES = ("critical", "warning", "info")

BUILD_INFO = Gauge(
    "watchfloor_build_info",
    "Constant 1; the labels tell which version of which service runs on which Python.",
    Unit.INFO,
    labels=("service", "version", "python"),
)

# -- exporters -------------------------------------------------------------------------------------------------------
COLLECTOR_SUCCESS = Gauge(
    "watchfloor_collector_success",
    "1 when the collector's last run ended in time and without an error, else 0.",
    Unit.BOOL,
    labels=("domain", "collector"),
)
COLLECTOR_DURATION = Gauge(
    "watchfloor_collector_duration_seconds",
    "How long the collector's last run took.",
    Unit.SECONDS,
    labels=("domain", "collector"),
)
COLLECTOR_TIMEOUTS = Counter(
    "watchfloor_collector_timeouts_total",
    "Collector runs that were given up because they took too long.",
    Unit.COUNT,
    labels=("domain", "collector"),
)
COLLECTOR_ERRORS = Counter(
    "watchfloor_collector_errors_total",
    "Collector runs that ended with an error.",
    Unit.COUNT,
    labels=("domain", "collector"),
)
EXPORTER_SCRAPES = Counter(
    "watchfloor_exporter_scrapes_total",
    "Scrapes answered by an exporter.",
    Unit.COUNT,
    labels=("domain",),
)
EXPORTER_SERIES_CUT = Counter(
    "watchfloor_exporter_series_cut_total",
    "Series left out: site.yaml allows no more of a metric (exporters.series_limit), or of all (prometheus.sample_limit).",
    Unit.COUNT,
    labels=("domain", "metric"),
    absent="no scrape had too many series",
)

# Why a target could not be asked.
CAUSES = (
    "auth", "database", "dns", "limit", "lost", "other", "protocol", "refused", "settings", "starting", "timeout", "tls",
    "unreachable",
)  # fmt: skip
TARGET_FAILURE = Gauge(
    "watchfloor_target_failure",
    "1 for the cause for which the last scrape could not ask the exporter's target, 0 for the others.",
    Unit.BOOL,
    labels=("domain", "cause"),
)

# -- on-call inbox ---------------------------------------------------------------------------------------------------
# Times from the first bad sample: a `for` of 10 min and all waits fit below the last bound.
_DETECTION_BUCKETS = tuple(map(float, (5, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 300, 320, 340, 360, 500, 700, 1000)))

INBOX_NOTIFICATIONS = Counter(
    "watchfloor_inbox_notifications_total",
    "Notifications that arrived in the on-call inbox, each counted once.",
    Unit.COUNT,
    labels=("status", "severity"),
    closed={"status": ("firing", "resolved"), "severity": SEVERITIES},
)
INBOX_DUPLICATES = Counter(
    "watchfloor_inbox_duplicates_total", "Deliveries of a notification that the inbox already had.", Unit.COUNT
)
INBOX_REJECTED = Counter(
    "watchfloor_inbox_rejected_total",
    "Deliveries that the inbox refused.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": ("unauthorized", "malformed", "too_large")},
)
INBOX_OPEN = Gauge(
    "watchfloor_inbox_open_alerts", "Alerts that are firing, as the inbox knows them.", Unit.COUNT, labels=("severity",)
)
INBOX_UNACKNOWLEDGED = Gauge("watchfloor_inbox_unacknowledged_alerts", "Firing alerts that nobody has acknowledged.", Unit.COUNT)
INBOX_DETECTION = Histogram(
    "watchfloor_inbox_detection_seconds",
    "From the first bad sample to the alert's firing.",
    Unit.SECONDS,
    buckets=_DETECTION_BUCKETS,
)
INBOX_DELIVERY = Histogram(
    "watchfloor_inbox_delivery_seconds",
    "From the first bad sample to the notification's arrival in the inbox.",
    Unit.SECONDS,
    buckets=_DETECTION_BUCKETS,
)
WATCHDOG_ALIVE = Gauge(
    "watchfloor_watchdog_alive",
    "1 while the Watchdog alert keeps arriving in the inbox, 0 after 3 min without it: alerting itself is broken.",
    Unit.BOOL,
)
WATCHDOG_AGE = Gauge(
    "watchfloor_watchdog_age_seconds",
    "Seconds since the last Watchdog arrived; absent before the first.",
    Unit.SECONDS,
    absent="no Watchdog has arrived yet",
)

# -- posted events ---------------------------------------------------------------------------------------------------
EVENT_KINDS = ("deploy", "load", "maintenance", "appliance", "other")
EVENTS = Counter(
    "watchfloor_events_total",
    "Events that were posted to the inbox, by kind: deploys, load runs, maintenance, what the appliance did itself.",
    Unit.COUNT,
    labels=("kind",),
    closed={"kind": EVENT_KINDS},
)
EVENT_TIME = Gauge(
    "watchfloor_event_timestamp_seconds",
    "Unix time at which a posted event began; the newest 20 of the last 24 h, for annotations.",
    Unit.TIMESTAMP,
    labels=("kind", "title", "event"),
    absent="no event was posted in 24 h",
)

# -- preview ---------------------------------------------------------------------------------------------------------
PREVIEW_REQUESTS = Counter(
    "watchfloor_preview_requests_total",
    "Requests answered by the dashboards' preview, by class of status.",
    Unit.COUNT,
    labels=("code",),
    closed={"code": ("2xx", "3xx", "4xx", "5xx")},
)
PREVIEW_QUERY_DURATION = Histogram(
    "watchfloor_preview_query_duration_seconds", "How long Prometheus took to answer a panel's query.", Unit.SECONDS
)
PREVIEW_QUERY_ERRORS = Counter(
    "watchfloor_preview_query_errors_total",
    "Panel queries without an answer.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": ("unreachable", "timeout", "rejected")},
)

# -- health watchers -------------------------------------------------------------------------------------------------
SERVICE_UP = Gauge(
    "watchfloor_service_up",
    "1 when the service's process runs and its health check answers, else 0.",
    Unit.BOOL,
    labels=("service",),
)
SERVICE_RESTARTS = Counter(
    "watchfloor_service_restarts_total",
    "Restarts of a service since the watcher started: its process had ended, or it hung and was killed.",
    Unit.COUNT,
    labels=("service", "reason"),
)
SERVICE_START_TIME = Gauge(
    "watchfloor_service_start_time_seconds",
    "Unix time at which the service's process started.",
    Unit.TIMESTAMP,
    labels=("service",),
)

# -- backups, as the watcher sees them, which starts them where it can -----------------------------------------------
_NO_BACKUP = "no backup was made yet"
BACKUP_ATTEMPTS = Counter("watchfloor_backup_attempts_total", "Backups that were begun.", Unit.COUNT)
BACKUP_FAILURES = Counter("watchfloor_backup_failures_total", "Backups that failed or were cut off.", Unit.COUNT)
BACKUP_SUCCESS = Gauge(
    "watchfloor_backup_success", "1 when the last backup succeeded or none was made, 0 when it failed or was cut off.", Unit.BOOL
)
BACKUP_AGE = Gauge(
    "watchfloor_backup_age_seconds",
    "Since the newest good backup began; before the first, since site.yaml has asked for backups.",
    Unit.SECONDS,
    absent="no backup was made, and site.yaml asks for none (backup.every)",
)
BACKUP_INTERVAL = Gauge(
    "watchfloor_backup_interval_seconds", "How often site.yaml asks for a backup.", Unit.SECONDS,
    absent="site.yaml asks for no backups (backup.every)",
)  # fmt: skip
BACKUP_DURATION = Gauge(
    "watchfloor_backup_duration_seconds", "How long the newest backup took, good or not.", Unit.SECONDS, absent=_NO_BACKUP
)
BACKUP_BYTES = Gauge("watchfloor_backup_bytes", "Size of the newest good backup.", Unit.BYTES, absent=_NO_BACKUP)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge | Histogram))
