"""Locks, who waits, and for whom."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import activity as m

_MODES = ", ".join(
    f"('{mode}')"
    for mode in (
        "accesssharelock", "rowsharelock", "rowexclusivelock", "shareupdateexclusivelock", "sharelock", "sharerowexclusivelock",
        "exclusivelock", "accessexclusivelock", "sireadlock",
    )
)  # fmt: skip
SUBJECT = Subject(
    "locks",
    "Locks by database and mode, those waited for, the longest wait, and who waits for whom.",
    (
        Table(
            (Value(m.LOCKS, "coalesce(l.count, 0)"),),
            f"FROM (VALUES {_MODES}) AS t (mode) CROSS JOIN pg_database d"  # noqa: S608  # of constants of this file
            " LEFT JOIN (SELECT database, lower(mode) AS mode, count(*) FROM pg_locks WHERE database IS NOT NULL"
            " GROUP BY database, lower(mode)) AS l ON l.mode = t.mode AND l.database = d.oid ORDER BY d.oid, t.mode",
            ("d.datname", "t.mode"),
        ),
        Table(
            (
                Value(m.WAITING, "count(a.pid)"),
                Value(m.WAIT_AGE, "coalesce(max(extract(epoch FROM clock_timestamp() - a.query_start)), 0)"),
            ),
            "FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.wait_event_type = 'Lock'"
            " WHERE d.datallowconn GROUP BY d.oid, d.datname ORDER BY d.oid",
            ("d.datname",),
        ),
        Table(
            # pg_blocking_pids() holds up the lock manager, so it is asked for those that wait alone.
            (Value(m.BLOCKED, "max(extract(epoch FROM clock_timestamp() - w.query_start))"),),
            "FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS p (pid)"
            " JOIN pg_stat_activity b ON b.pid = p.pid WHERE w.wait_event_type = 'Lock'"
            " GROUP BY w.datname, w.usename, w.application_name, b.pid, b.usename, b.application_name, b.state"
            " ORDER BY 8 DESC LIMIT 20",
            ("w.datname", "w.usename", "w.application_name", "b.pid", "b.usename", "b.application_name", "b.state"),
        ),
    ),
)
