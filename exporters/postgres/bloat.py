"""Room in tables that live rows do not need, estimated from the planner's statistics, without reading a table."""

from exporters.postgres.stat_user_tables import TABLE
from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import tables as m

# Pages that the rows would fill, by their mean width from pg_stats, 24 bytes of header, 4 of line pointer, and the fill factor.
_SOURCE = """FROM (
    SELECT n.nspname AS schemaname, c.relname, c.oid, c.relpages,
        ceil(c.reltuples * (28 + coalesce(s.width, 0)) / (
            (current_setting('block_size')::int - 24)
            * coalesce(
                (SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100
            ) / 100.0
        )) AS needed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN (
        SELECT schemaname, tablename, sum((1 - null_frac) * avg_width) AS width FROM pg_stats GROUP BY schemaname, tablename
    ) AS s ON s.schemaname = n.nspname AND s.tablename = c.relname
    WHERE c.relkind IN ('r', 'm') AND c.relpages > 8 AND c.reltuples >= 0
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
    ) AS t WHERE relpages > needed ORDER BY relpages - needed DESC, oid LIMIT 50"""
SUBJECT = Subject(
    "bloat",
    "Space in tables that live rows do not need, estimated: the 50 largest.",
    (
        Table(
            (Value(m.BLOAT, "((relpages - needed) * current_setting('block_size')::int)::bigint"),),
            _SOURCE,
            TABLE,
            every=300,
            helper=("pg_stats", "column_statistics"),
        ),
    ),
)
