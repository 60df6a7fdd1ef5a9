"""Vacuums under way. A vacuum of another database is told with its table's OID, as upstream does."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import tables as m

_PHASES = ", ".join(
    f"('{phase}')"
    for phase in (
        "initializing",
        "scanning heap",
        "vacuuming indexes",
        "vacuuming heap",
        "cleaning up indexes",
        "truncating heap",
        "performing final cleanup",
    )
)
_RELATION = "coalesce(CASE WHEN v.datname = current_database() THEN v.relid::regclass::text END, v.relid::text)"
SUBJECT = Subject(
    "stat_progress_vacuum",
    "How far the vacuums under way have come.",
    (
        Table(
            (
                Value(m.VACUUM_BLOCKS, "v.heap_blks_total"),
                Value(m.VACUUM_SCANNED, "v.heap_blks_scanned"),
                Value(m.VACUUM_VACUUMED, "v.heap_blks_vacuumed"),
                Value(m.VACUUM_INDEXES, "v.index_vacuum_count"),
            ),
            "FROM pg_stat_progress_vacuum v",
            ("v.datname", _RELATION),
        ),
        Table(
            (Value(m.PHASE, "(v.phase = p.phase)::int"),),
            f"FROM pg_stat_progress_vacuum v CROSS JOIN (VALUES {_PHASES}) AS p (phase)",
            ("v.datname", _RELATION, "p.phase"),
        ),
    ),
)  # fmt: skip
