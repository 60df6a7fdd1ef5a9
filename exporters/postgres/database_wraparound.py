"""How old the oldest transaction ids are; at 2^31 the server refuses to write."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import database as m

SUBJECT = Subject(
    "database_wraparound",
    "Age of the oldest transaction and multixact ids of each database.",
    (
        Table(
            (Value(m.XID_AGE, "age(datfrozenxid)"), Value(m.MXID_AGE, "mxid_age(datminmxid)")),
            "FROM pg_database WHERE datallowconn ORDER BY oid",
            ("datname",),
        ),
    ),
)
