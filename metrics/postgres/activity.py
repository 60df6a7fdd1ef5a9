"""Who is connected and does what: states, waits, long transactions, locks and who holds them.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Gauge, Unit

_ACTIVITY = ("datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event")

COUNT = Gauge(
    "pg_stat_activity_count",
    "Connections, by database, state, role, application, and what they wait for.",
    Unit.COUNT,
    labels=_ACTIVITY,
)
MAX_TRANSACTION = Gauge(
    "pg_stat_activity_max_tx_duration",
    "Longest time that a transaction of these connections has run.",
    Unit.SECONDS,
    labels=_ACTIVITY,
    compat=True,
)
LONG_COUNT = Gauge("pg_long_running_transactions", "Transactions under way.", Unit.COUNT, compat=True)
LONG_AGE = Gauge(
    "pg_long_running_transactions_oldest_timestamp_seconds",
    "Age of the oldest transaction under way (an age, though the name says timestamp, as upstream's does).",
    Unit.SECONDS,
    compat=True,
)
TRANSACTION_AGE = Gauge(
    "pg_stat_activity_oldest_transaction_seconds",
    "Age of the oldest transaction under way in the database; 0 without one.",
    Unit.SECONDS,
    labels=("datname",),
)
QUERY_AGE = Gauge(
    "pg_stat_activity_oldest_query_seconds",
    "How long the longest query under way in the database has run; 0 without one.",
    Unit.SECONDS,
    labels=("datname",),
    compat=True,
)
IDLE_AGE = Gauge(
    "pg_stat_activity_oldest_idle_in_transaction_seconds",
    "How long the longest idle connection with an open transaction has been idle; 0 without one.",
    Unit.SECONDS,
    labels=("datname",),
)
XMIN_AGE = Gauge(
    "pg_stat_activity_oldest_xmin_age",
    "Age in transactions of the oldest snapshot that keeps vacuum from removing rows; 0 without one.",
    Unit.COUNT,
    labels=("datname",),
)
LOCKS = Gauge("pg_locks_count", "Locks held or waited for.", Unit.COUNT, labels=("datname", "mode"), compat=True)
WAITING = Gauge("pg_locks_waiting", "Locks that are waited for.", Unit.COUNT, labels=("datname",))
WAIT_AGE = Gauge(
    "pg_locks_oldest_wait_seconds",
    "How long the longest wait for a lock has lasted; 0 without one.",
    Unit.SECONDS,
    labels=("datname",),
)
BLOCKED = Gauge(
    "pg_blocked_seconds",
    "Who waits for whom: how long the query that waits has run; the 20 longest.",
    Unit.SECONDS,
    labels=(
        "datname",
        "usename",
        "application_name",
        "blocking_pid",
        "blocking_usename",
        "blocking_application_name",
        "blocking_state",
    ),
    absent="nobody waits for a lock",
)

METRICS = (
    COUNT,
    MAX_TRANSACTION,
    LONG_COUNT,
    LONG_AGE,
    TRANSACTION_AGE,
    QUERY_AGE,
    IDLE_AGE,
    XMIN_AGE,
    LOCKS,
    WAITING,
    WAIT_AGE,
    BLOCKED,
)
