"""Sequences near their end. Each one has to be opened to be read, so that this is asked every five minutes only."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import indexes as m

_USED = (
    "CASE WHEN increment_by > 0 THEN (last_value::numeric - min_value) / nullif(max_value::numeric - min_value, 0)"
    " ELSE (max_value - last_value::numeric) / nullif(max_value::numeric - min_value, 0) END"
)
SUBJECT = Subject(
    "sequences",
    "Sequences that have given out more than half of their values.",
    (
        Table(
            (Value(m.SEQUENCE_USED, "used"),),
            f"FROM (SELECT schemaname, sequencename, {_USED} AS used FROM pg_sequences"  # noqa: S608  # of constants of this file
            " WHERE NOT cycle AND last_value IS NOT NULL) AS s WHERE used > 0.5 ORDER BY schemaname, sequencename",
            ("current_database()", "schemaname", "sequencename"),
            every=300,
            helper=("pg_sequences", "sequence_positions"),
        ),
    ),
)
