"""Each table's blocks, read and found in the cache."""

from exporters.postgres.stat_user_tables import TABLE
from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import tables as m

SUBJECT = Subject(
    "statio_user_tables",
    "Blocks of each table, its indexes and TOAST: read from disk, found in the cache.",
    (
        Table(
            (
                Value(m.HEAP_READ, "heap_blks_read"),
                Value(m.HEAP_HIT, "heap_blks_hit"),
                Value(m.INDEX_READ, "coalesce(idx_blks_read, 0)"),
                Value(m.INDEX_HIT, "coalesce(idx_blks_hit, 0)"),
                Value(m.TOAST_READ, "coalesce(toast_blks_read, 0)"),
                Value(m.TOAST_HIT, "coalesce(toast_blks_hit, 0)"),
                Value(m.TIDX_READ, "coalesce(tidx_blks_read, 0)"),
                Value(m.TIDX_HIT, "coalesce(tidx_blks_hit, 0)"),
            ),
            "FROM pg_statio_user_tables ORDER BY relid",
            TABLE,
            wide=True,
        ),
    ),
)
