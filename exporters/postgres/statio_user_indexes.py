"""Each index's blocks. Off by default, as upstream has it: three series an index that hardly anybody looks at."""

from exporters.postgres.stat_user_indexes import INDEX
from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import indexes as m

SUBJECT = Subject(
    "statio_user_indexes",
    "Blocks of each index: read from disk, found in the cache.",
    (
        Table(
            (Value(m.READ, "idx_blks_read"), Value(m.HIT, "idx_blks_hit")),
            "FROM pg_statio_user_indexes ORDER BY indexrelid",
            INDEX,
            wide=True,
        ),
    ),
    default=False,
)
