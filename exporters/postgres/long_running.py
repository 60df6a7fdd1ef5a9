"""The oldest transaction of the whole server, under upstream's names."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import activity as m

SUBJECT = Subject(
    "long_running_transactions",
    "Transactions under way, and the age of the oldest.",
    (
        Table(
            (
                Value(m.LONG_COUNT, "count(*)"),
                Value(m.LONG_AGE, "coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)"),
            ),
            "FROM pg_stat_activity WHERE state IS DISTINCT FROM 'idle' AND xact_start IS NOT NULL"
            " AND query NOT LIKE 'autovacuum:%' AND pid <> pg_backend_pid()",
        ),
    ),
)
