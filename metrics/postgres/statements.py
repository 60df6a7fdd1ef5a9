"""The statements that take most time, from pg_stat_statements.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_STATEMENT = ("user", "datname", "queryid")
_NOT_INSTALLED = "pg_stat_statements is not installed"

CALLS = Counter(
    "pg_stat_statements_calls_total", "Executions of the statement.", Unit.COUNT, labels=_STATEMENT, absent=_NOT_INSTALLED
)
SECONDS = Counter(
    "pg_stat_statements_seconds_total", "Time that the statement ran.", Unit.SECONDS, labels=_STATEMENT, absent=_NOT_INSTALLED
)
ROWS = Counter(
    "pg_stat_statements_rows_total",
    "Rows that the statement returned or changed.",
    Unit.COUNT,
    labels=_STATEMENT,
    absent=_NOT_INSTALLED,
    compat=True,
)
READ_SECONDS = Counter(
    "pg_stat_statements_block_read_seconds_total",
    "Time that the statement spent on reading blocks.",
    Unit.SECONDS,
    labels=_STATEMENT,
    absent=_NOT_INSTALLED,
    compat=True,
)
WRITE_SECONDS = Counter(
    "pg_stat_statements_block_write_seconds_total",
    "Time that the statement spent on writing blocks.",
    Unit.SECONDS,
    labels=_STATEMENT,
    absent=_NOT_INSTALLED,
    compat=True,
)
TEXT = Gauge(
    "pg_stat_statements_query_id",
    "Constant 1; the labels tell the beginning of the statement's text.",
    Unit.INFO,
    labels=("queryid", "query"),
    absent="exporters.postgres.statement_texts is off",
    compat=True,
)

METRICS = (
    CALLS,
    SECONDS,
    ROWS,
    READ_SECONDS,
    WRITE_SECONDS,
    TEXT,
)
