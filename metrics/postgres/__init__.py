"""What the PostgreSQL exporter tells of a server: names, labels and units as postgres_exporter 0.20 has them.

`signals.py` beside this file asks questions of these metrics; it is not imported here, because an exporter needs none.
"""

from metrics.model import Metric
from metrics.postgres import activity, database, indexes, replication, server, settings, statements, tables, writing

METRICS: tuple[Metric, ...] = (
    *server.METRICS,
    *database.METRICS,
    *activity.METRICS,
    *tables.METRICS,
    *indexes.METRICS,
    *statements.METRICS,
    *writing.METRICS,
    *replication.METRICS,
    *settings.METRICS,
)
