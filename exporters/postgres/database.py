"""Databases: size and how many connections each may have."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import database as m

SUBJECT = Subject(
    "database",
    "Size of the databases, and how many connections each may have.",
    (
        Table(
            (Value(m.SIZE, "pg_database_size(oid)"),),
            # Who is neither may not ask, and one database that refuses would fail all of them.
            "FROM pg_database WHERE has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')"
            " ORDER BY oid",
            ("datname",),
            every=30,
        ),
        Table((Value(m.LIMIT, "datconnlimit"),), "FROM pg_database ORDER BY oid", ("datname",)),
    ),
)
