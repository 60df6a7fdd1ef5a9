"""Databases: size and how many connections each may have."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import database as m

SUBJECT = Subject(
    "database",
    "Size of the databases, and how many connections each may have.",
    (
        Table(
            (Value(m.SIZE, "pg_database_size(oid)"),),
            # The role may not look into a database to which it may not connect.
            "FROM pg_database WHERE datallowconn AND has_database_privilege(oid, 'CONNECT') ORDER BY oid",
            ("datname",),
            every=30,
        ),
        Table((Value(m.LIMIT, "datconnlimit"),), "FROM pg_database WHERE datallowconn ORDER BY oid", ("datname",)),
    ),
)
