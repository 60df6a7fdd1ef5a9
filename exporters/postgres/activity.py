"""Who is connected and does what, from pg_stat_activity. The exporter's own connection is left out, as upstream does."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import activity as m

_STATES = (
    "(VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'), ('fastpath function call'),"
    " ('disabled')) AS s (state)"
)
_BY = "datname, state, usename, application_name, backend_type, wait_event_type, wait_event"
_AGE = "coalesce(max(extract(epoch FROM clock_timestamp() - a.{since})) FILTER (WHERE {which}), 0)"
SUBJECT = Subject(
    "stat_activity",
    "Connections by database, state, role, application and wait; the oldest transaction, query, idle transaction and snapshot.",
    (
        Table(
            (Value(m.COUNT, "coalesce(a.count, 0)"), Value(m.MAX_TRANSACTION, "coalesce(a.longest, 0)")),
            f"FROM {_STATES} CROSS JOIN pg_database d LEFT JOIN (SELECT {_BY}, count(*),"  # noqa: S608  # of constants of this file
            " max(extract(epoch FROM now() - xact_start))::float8 AS longest"
            f" FROM pg_stat_activity WHERE pid <> pg_backend_pid() GROUP BY {_BY}) AS a"
            " ON a.state = s.state AND a.datname = d.datname",
            (
                "d.datname", "s.state", "a.usename", "a.application_name", "a.backend_type", "a.wait_event_type",
                "a.wait_event",
            ),
        ),
        Table(
            (
                Value(m.TRANSACTION_AGE, _AGE.format(since="xact_start", which="a.backend_type = 'client backend'")),
                Value(m.QUERY_AGE, _AGE.format(since="query_start", which="a.state = 'active'")),
                Value(m.IDLE_AGE, _AGE.format(since="state_change", which="a.state LIKE 'idle in transaction%'")),
                Value(m.XMIN_AGE, "coalesce(max(age(a.backend_xmin)), 0)"),
            ),
            "FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.pid <> pg_backend_pid()"
            " WHERE d.datallowconn GROUP BY d.oid, d.datname ORDER BY d.oid",
            ("d.datname",),
        ),
    ),
)  # fmt: skip
