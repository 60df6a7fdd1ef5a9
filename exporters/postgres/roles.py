"""How many connections roles may have."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import server as m

SUBJECT = Subject(
    "roles",
    "How many connections each role may have.",
    (Table((Value(m.ROLE_LIMIT, "rolconnlimit"),), "FROM pg_roles ORDER BY oid", ("rolname",), every=60),),
)
