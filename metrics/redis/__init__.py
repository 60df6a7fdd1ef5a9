"""What the Redis and Valkey exporter tells of a server: names, labels and units as redis_exporter 1.89 has them.

`signals.py` beside this file asks questions of these metrics; it is not imported here, because an exporter needs none.
"""

from metrics.model import Metric
from metrics.redis import commands, keys, memory, persistence, replication, server, stats

METRICS: tuple[Metric, ...] = (
    *server.METRICS,
    *memory.METRICS,
    *persistence.METRICS,
    *stats.METRICS,
    *commands.METRICS,
    *replication.METRICS,
    *keys.METRICS,
)
