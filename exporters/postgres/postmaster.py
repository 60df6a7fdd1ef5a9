"""When the server was started."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import server as m

SUBJECT = Subject(
    "postmaster",
    "When the server was started.",
    (Table((Value(m.START_TIME, "extract(epoch FROM pg_postmaster_start_time())"),), ""),),
)
