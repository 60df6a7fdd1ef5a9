"""Transactions that were prepared and wait for somebody to end them: they hold locks and keep vacuum off."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import database as m

SUBJECT = Subject(
    "prepared_xacts",
    "Prepared transactions of each database, and how old the oldest is.",
    (
        Table(
            (
                Value(m.PREPARED, "count(x.gid)"),
                Value(m.PREPARED_AGE, "coalesce(max(extract(epoch FROM clock_timestamp() - x.prepared)), 0)"),
            ),
            "FROM pg_database d LEFT JOIN pg_prepared_xacts x ON x.database = d.datname"
            " WHERE d.datallowconn GROUP BY d.oid, d.datname ORDER BY d.oid",
            ("d.datname",),
        ),
    ),
)
