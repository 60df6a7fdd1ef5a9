"""Whether the next period's partition is there, and whether rows fell into the default one."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import tables as m

# The upper bound stands in the partition's definition as text: … TO ('2027-01-01 00:00:00+00'). Of tables partitioned by one
# column of time only, so that the text is a time; MAXVALUE is none.
_BOUND = r"substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')"
_TIMES = "(1082, 1114, 1184)"  # date, timestamp, timestamptz
_PARENT = "JOIN pg_class t ON t.oid = i.inhparent JOIN pg_namespace n ON n.oid = t.relnamespace"
_NAMES = ("current_database()", "n.nspname", "t.relname")
SUBJECT = Subject(
    "partitions",
    "Until when partitioned tables have partitions, and rows in their default partitions.",
    (
        Table(
            (Value(m.PARTITION_END, f"max(extract(epoch FROM {_BOUND}::timestamptz))::bigint"),),
            f"FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]"
            f" JOIN pg_inherits i ON i.inhparent = p.partrelid JOIN pg_class c ON c.oid = i.inhrelid {_PARENT}"
            f" WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid IN {_TIMES} AND {_BOUND} IS NOT NULL"
            " GROUP BY t.oid, n.nspname, t.relname ORDER BY t.oid",
            _NAMES,
            every=60,
        ),
        Table(
            (Value(m.DEFAULT_ROWS, "pg_stat_get_live_tuples(p.partdefid)"),),
            f"FROM pg_partitioned_table p JOIN pg_inherits i ON i.inhrelid = p.partdefid {_PARENT} ORDER BY t.oid",
            _NAMES,
        ),
    ),
)
