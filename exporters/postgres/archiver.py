"""The archiver."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import writing as m

SUBJECT = Subject(
    "stat_archiver",
    "WAL files archived, failures, and how long ago the last one was.",
    (
        Table(
            (
                Value(m.ARCHIVED, "archived_count"),
                Value(m.ARCHIVE_FAILED, "failed_count"),
                Value(m.ARCHIVE_AGE, "coalesce(extract(epoch FROM now() - last_archived_time)::float8, 'NaN')"),
            ),
            "FROM pg_stat_archiver",
        ),
    ),
)
