"""The server as such: whether it answers, its version, settings that are watched, roles; how the exporter's collectors fared.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

UP = Gauge("pg_up", "1 when the last scrape reached the server and asked it, else 0.", Unit.BOOL)
STATIC = Gauge(
    "pg_static",
    "Constant 1; the labels tell the server's version and address.",
    Unit.INFO,
    labels=("server", "short_version", "version"),
    compat=True,
)
SCRAPES = Counter("pg_exporter_scrapes_total", "Scrapes of this server, whether it answered or not.", Unit.COUNT, compat=True)
SCRAPE_DURATION = Gauge(
    "pg_exporter_last_scrape_duration_seconds",
    "How long the last scrape's questions to the server took.",
    Unit.SECONDS,
    compat=True,
)
SCRAPE_ERROR = Gauge(
    "pg_exporter_last_scrape_error",
    "1 when the last scrape of the server had an error, in whichever collector, else 0.",
    Unit.BOOL,
    compat=True,
)
COLLECTOR_DURATION = Gauge(
    "pg_scrape_collector_duration_seconds",
    "How long the collector's last run took.",
    Unit.SECONDS,
    labels=("collector",),
    compat=True,
)
COLLECTOR_SUCCESS = Gauge(
    "pg_scrape_collector_success",
    "1 when the collector's last run succeeded, else 0.",
    Unit.BOOL,
    labels=("collector",),
    compat=True,
)
START_TIME = Gauge("pg_postmaster_start_time_seconds", "Unix time at which the server started.", Unit.TIMESTAMP)
ROLE_LIMIT = Gauge(
    "pg_roles_connection_limit", "Connections that the role may have; -1: no limit.", Unit.COUNT, labels=("rolname",), compat=True
)
PENDING_RESTART = Gauge(
    "pg_settings_pending_restart",
    "1 for a setting that was changed and waits for a restart.",
    Unit.BOOL,
    labels=("name",),
    absent="no setting waits for a restart",
)
MAX_CONNECTIONS = Gauge("pg_settings_max_connections", "Server parameter max_connections.", Unit.COUNT)
RESERVED_CONNECTIONS = Gauge(
    "pg_settings_superuser_reserved_connections", "Server parameter superuser_reserved_connections.", Unit.COUNT
)
FREEZE_MAX_AGE = Gauge(
    "pg_settings_autovacuum_freeze_max_age", "Server parameter autovacuum_freeze_max_age.", Unit.COUNT, compat=True
)

METRICS = (
    UP,
    STATIC,
    SCRAPES,
    SCRAPE_DURATION,
    SCRAPE_ERROR,
    COLLECTOR_DURATION,
    COLLECTOR_SUCCESS,
    START_TIME,
    ROLE_LIMIT,
    PENDING_RESTART,
    MAX_CONNECTIONS,
    RESERVED_CONNECTIONS,
    FREEZE_MAX_AGE,
)
