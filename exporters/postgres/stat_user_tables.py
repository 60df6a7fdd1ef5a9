"""Each table's scans, rows, vacuums and size."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import tables as m

TABLE = ("current_database()", "schemaname", "relname")
# Whole seconds, as upstream has them: an integer stands in the exposition as the server writes it.
_TIME = "coalesce(extract(epoch FROM {})::bigint, 0)"
# Its size cannot be had while somebody holds a relation exclusively, but by waiting for the lock.
HELD = "ARRAY(SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL)"
SUBJECT = Subject(
    "stat_user_tables",
    "Scans, rows, dead rows, vacuums, analyzes and size of each table.",
    (
        Table(
            (
                Value(m.SEQ_SCAN, "seq_scan"),
                Value(m.SEQ_READ, "seq_tup_read"),
                Value(m.IDX_SCAN, "coalesce(idx_scan, 0)"),
                Value(m.IDX_FETCH, "coalesce(idx_tup_fetch, 0)"),
                Value(m.INSERTED, "n_tup_ins"),
                Value(m.UPDATED, "n_tup_upd"),
                Value(m.DELETED, "n_tup_del"),
                Value(m.HOT, "n_tup_hot_upd"),
                Value(m.LIVE, "n_live_tup"),
                Value(m.DEAD, "n_dead_tup"),
                Value(m.MODIFIED, "n_mod_since_analyze"),
                Value(m.VACUUMED, _TIME.format("last_vacuum")),
                Value(m.AUTOVACUUMED, _TIME.format("last_autovacuum")),
                Value(m.ANALYZED, _TIME.format("last_analyze")),
                Value(m.AUTOANALYZED, _TIME.format("last_autoanalyze")),
                Value(m.VACUUMS, "vacuum_count"),
                Value(m.AUTOVACUUMS, "autovacuum_count"),
                Value(m.ANALYZES, "analyze_count"),
                Value(m.AUTOANALYZES, "autoanalyze_count"),
            ),
            "FROM pg_stat_user_tables ORDER BY relid",
            TABLE,
            wide=True,
        ),
        Table(
            (Value(m.SIZE, "t + i"), Value(m.TABLE_SIZE, "t"), Value(m.INDEX_SIZE, "i")),
            "FROM (SELECT schemaname, relname, pg_table_size(relid) AS t, pg_indexes_size(relid) AS i"  # noqa: S608  # of constants of this file
            f" FROM pg_stat_user_tables WHERE relid <> ALL ({HELD}) ORDER BY relid OFFSET 0) AS sizes",
            TABLE,
            every=30,
            wide=True,
        ),
    ),
)
