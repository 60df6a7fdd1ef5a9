"""Indexes: scans, blocks, size, and those that are of no use; sequences near their end.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_INDEX = ("datname", "schemaname", "relname", "indexrelname")
_OFF = "the collector is off by default, as upstream's is"

SCANS = Counter("pg_stat_user_indexes_idx_scan", "Scans of the index.", Unit.COUNT, labels=_INDEX)
SIZE = Gauge(
    "pg_stat_user_indexes_size_bytes",
    "Disk space of the index; at most 30 s old.",
    Unit.BYTES,
    labels=_INDEX,
    absent="somebody holds the index exclusively",
)
READ = Counter(
    "pg_statio_user_indexes_idx_blks_read_total",
    "Blocks of the index read from disk.",
    Unit.COUNT,
    labels=_INDEX,
    absent=_OFF,
    compat=True,
)
HIT = Counter(
    "pg_statio_user_indexes_idx_blks_hit_total",
    "Blocks of the index found in the cache.",
    Unit.COUNT,
    labels=_INDEX,
    absent=_OFF,
    compat=True,
)
INVALID = Gauge(
    "pg_indexes_invalid",
    "Indexes that are not valid, after a CREATE INDEX CONCURRENTLY that failed: they cost writes and serve no query.",
    Unit.COUNT,
    labels=("datname",),
)
UNUSED = Gauge(
    "pg_indexes_unused",
    "Indexes that no query has used since the statistics began, and that no constraint needs.",
    Unit.COUNT,
    labels=("datname",),
)
UNUSED_SIZE = Gauge(
    "pg_indexes_unused_bytes", "Disk space of those indexes, as of the last vacuum.", Unit.BYTES, labels=("datname",)
)
SEQUENCE_USED = Gauge(
    "pg_sequence_used_ratio",
    "Share of its values that the sequence has given out; those above 0.5, at most 5 min old.",
    Unit.RATIO,
    labels=("datname", "schemaname", "sequencename"),
    absent="no sequence has given out half of its values",
)

METRICS = (
    SCANS,
    SIZE,
    READ,
    HIT,
    INVALID,
    UNUSED,
    UNUSED_SIZE,
    SEQUENCE_USED,
)
