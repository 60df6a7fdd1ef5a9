"""The statements that take most time, from pg_stat_statements; from 17 on its columns are called otherwise."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import statements as m

_STATEMENT = ("user_name", "datname", "queryid")
# What ran as one statement but was counted apart (nested, or planned apart) has one queryid: it is added up.
_SOURCE = """FROM (
    SELECT pg_get_userbyid(s.userid) AS user_name, d.datname, s.queryid, sum(s.calls)::bigint AS calls,
        sum(s.total_exec_time) / 1000.0 AS seconds, sum(s.rows)::bigint AS rows,
        sum(s.{read}) / 1000.0 AS reading, sum(s.{write}) / 1000.0 AS writing
    FROM {{schema}}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE s.queryid IS NOT NULL
    GROUP BY 1, 2, 3 ORDER BY seconds DESC, queryid LIMIT {limit}) AS top"""
_TEXTS = """FROM (
    SELECT s.queryid, min(left(s.query, 120)) AS query, sum(s.total_exec_time) AS time
    FROM {{schema}}.pg_stat_statements s WHERE s.queryid IS NOT NULL
    GROUP BY 1 ORDER BY time DESC, queryid LIMIT {limit}) AS top"""


def subject(limit: int, *, texts: bool) -> Subject:
    """The `limit` statements that took most time; with `texts`, the beginning of each as an info metric."""
    values = (
        Value(m.CALLS, "calls"),
        Value(m.SECONDS, "seconds"),
        Value(m.ROWS, "rows"),
        Value(m.READ_SECONDS, "reading"),
        Value(m.WRITE_SECONDS, "writing"),
    )
    old = _SOURCE.format(read="blk_read_time", write="blk_write_time", limit=limit)
    new = _SOURCE.format(read="shared_blk_read_time", write="shared_blk_write_time", limit=limit)
    tables = [
        Table(values, old, _STATEMENT, until=170_000, extension="pg_stat_statements"),
        Table(values, new, _STATEMENT, since=170_000, extension="pg_stat_statements"),
    ]
    if texts:
        source = _TEXTS.format(limit=limit)
        tables.append(Table((Value(m.TEXT, "1"),), source, ("queryid", "query"), every=60, extension="pg_stat_statements"))
    return Subject("stat_statements", f"The {limit} statements that took most time.", tuple(tables))
