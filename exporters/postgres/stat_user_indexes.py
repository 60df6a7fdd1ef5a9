"""Each index's scans and size; how many are of no use. `WHERE` leaves out what constraints need."""

from exporters.postgres.stat_user_tables import HELD
from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import indexes as m

INDEX = ("current_database()", "schemaname", "relname", "indexrelname")
_UNUSED = "s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisprimary AND NOT i.indisexclusion"
SUBJECT = Subject(
    "stat_user_indexes",
    "Scans and size of each index; indexes that are invalid, or that no query uses.",
    (
        Table((Value(m.SCANS, "idx_scan"),), "FROM pg_stat_user_indexes ORDER BY indexrelid", INDEX, wide=True),
        Table(
            (Value(m.SIZE, "pg_relation_size(indexrelid)"),),
            f"FROM pg_stat_user_indexes WHERE indexrelid <> ALL ({HELD}) AND relid <> ALL ({HELD}) ORDER BY indexrelid",
            INDEX,
            every=30,
            wide=True,
        ),
        Table(
            (
                Value(m.INVALID, "count(*) FILTER (WHERE NOT i.indisvalid)"),
                Value(m.UNUSED, f"count(*) FILTER (WHERE {_UNUSED})"),
                Value(
                    m.UNUSED_SIZE,
                    f"coalesce(sum(c.relpages::bigint) FILTER (WHERE {_UNUSED}), 0) * current_setting('block_size')::int",
                ),
            ),
            "FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid JOIN pg_class c ON c.oid = s.indexrelid",
            ("current_database()",),
            every=30,
        ),
    ),
)
