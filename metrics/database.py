"""What the workload tells of its data store: queries, pools, writing, and PostgreSQL as the workload's role sees it.

`OPERATIONS` are the names under which queries are counted: whoever adds a query adds its name.
"""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Recording, Signal, Unit

POOLS = ("primary", "replica")
TABLES = ("price_history", "on_chain_metrics", "technical_metrics", "sentiment_data", "analysis_history")
OPERATIONS = (
    "add_analysis", "analyses", "cryptocurrencies", "latest", "predictions", "prices", "ready", "write",
    "figures", "maintain", "optimize",
)  # fmt: skip
READING = ("analyses", "cryptocurrencies", "latest", "prices")
FINDING_KINDS = (
    "slow-query", "unused-index", "idle-index", "invalid-index", "missing-index", "foreign-key-without-index", "bloat",
    "vacuum-behind", "stale-statistics", "no-statistics",
)  # fmt: skip
REASONS = ("unavailable", "pool", "timeout", "refused")
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)

# -- queries ---------------------------------------------------------------------------------------------------------
QUERIES = Counter(
    "db_queries_total", "Operations on the data store, by name, however they ended.", Unit.COUNT,
    labels=("operation",), closed={"operation": OPERATIONS},
)  # fmt: skip
ERRORS = Counter(
    "db_query_errors_total",
    "Operations that failed: no server, no free connection in time, ended by the timeout, or refused by the server.",
    Unit.COUNT,
    labels=("operation", "reason"),
    closed={"operation": OPERATIONS, "reason": REASONS},
)
DURATION = Histogram(
    "db_query_duration_seconds", "How long operations took, the wait for a connection left out.", Unit.SECONDS,
    labels=("operation",), closed={"operation": OPERATIONS}, buckets=_BUCKETS,
)  # fmt: skip
ROWS = Counter(
    "db_rows_total", "Rows that operations read or wrote.", Unit.COUNT, labels=("operation",), closed={"operation": OPERATIONS}
)  # fmt: skip
SLOW = Counter(
    "db_slow_queries_total", "Operations that took longer than 1 s.", Unit.COUNT,
    labels=("operation",), closed={"operation": OPERATIONS},
)  # fmt: skip

# -- pools -----------------------------------------------------------------------------------------------------------
CONNECTIONS = Gauge(
    "db_pool_connections",
    "Connections of the process's pools: in use, or idle.",
    Unit.COUNT,
    labels=("pool", "state"),
    closed={"pool": POOLS, "state": ("used", "idle")},
)
LIMIT = Gauge("db_pool_limit_connections", "Connections that the process's pool may have.", Unit.COUNT, labels=("pool",))
WAITING = Gauge(
    "db_pool_waiting", "Callers that wait for a connection.", Unit.COUNT, labels=("pool",), closed={"pool": POOLS}
)  # fmt: skip
WAIT = Histogram(
    "db_pool_wait_seconds", "How long callers waited for a connection.", Unit.SECONDS,
    labels=("pool",), closed={"pool": POOLS}, buckets=_BUCKETS,
)  # fmt: skip
REPLICA_LAG = Gauge(
    "db_replica_lag_seconds", "How far the read replica is behind.", Unit.SECONDS, absent="no replica is set, or it is away"
)  # fmt: skip
READS = Counter(
    "db_reads_total", "Connections taken for reading, by where they went.", Unit.COUNT,
    labels=("pool",), closed={"pool": POOLS},
)  # fmt: skip

# -- writing ---------------------------------------------------------------------------------------------------------
WRITTEN = Counter(
    "db_written_rows_total", "Rows of the feed that are in the data store, by table.", Unit.COUNT,
    labels=("table",), closed={"table": TABLES[:4]},
)  # fmt: skip
LOST = Counter(
    "db_lost_rows_total",
    "Rows of the feed that will not reach the data store: the spool was full, the disk refused them until memory was full too, "
    "they do not fit, or the database refused them.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": ("full", "disk", "unfit", "refused")},
)
SPOOL_BYTES = Gauge(
    "db_spool_bytes", "Bytes of rows that wait for the database, on disk or, while that refuses them, in memory.", Unit.BYTES
)
SPOOL_LIMIT = Gauge("db_spool_limit_bytes", "Bytes that the spool on disk may have.", Unit.BYTES)
SPOOL_AGE = Gauge("db_spool_age_seconds", "How long the oldest row that waits for the database has waited.", Unit.SECONDS)
SPOOL_CORRUPT = Counter("db_spool_corrupt_bytes_total", "Bytes of the spool that were damaged on disk and skipped.", Unit.BYTES)

# -- maintenance -----------------------------------------------------------------------------------------------------
PARTITION_LEAD = Gauge(
    "db_partition_lead_seconds", "For how long from now partitions are there without a gap.", Unit.SECONDS,
    labels=("table",), closed={"table": TABLES},
)  # fmt: skip
STRAY_DAYS = Gauge(
    "db_default_partition_days", "Days of which the default partition holds rows, because no other takes them.", Unit.COUNT,
    labels=("table",), closed={"table": TABLES},
)  # fmt: skip
EXPIRED = Gauge(
    "db_expired_partitions", "Partitions that have had their time and stay, because dropping is not set.", Unit.COUNT,
    labels=("table",), closed={"table": TABLES},
)  # fmt: skip
TASK_ERRORS = Counter(
    "db_maintenance_errors_total", "Runs of the maintenance that failed.", Unit.COUNT,
    labels=("task",), closed={"task": ("partitions", "optimize")},
)  # fmt: skip
TASK_SUCCESS = Gauge(
    "db_maintenance_last_success_timestamp_seconds", "When the maintenance's task last did its work.", Unit.TIMESTAMP,
    labels=("task",), absent="it has not run yet",
)  # fmt: skip
FINDINGS = Gauge(
    "db_optimize_findings", "What the last report of the optimization service found, by kind.", Unit.COUNT,
    labels=("kind",), closed={"kind": FINDING_KINDS},
)  # fmt: skip

# -- PostgreSQL, as the workload's role sees it: read by the maintenance -----------------------------------------------
BLOCKS = Counter(
    "db_heap_blocks_total",
    "Blocks of tables that were needed: found in PostgreSQL's memory, or read.",
    Unit.COUNT,
    labels=("source",),
    closed={"source": ("hit", "read")},
)
SCANS = Counter(
    "db_scans_total",
    "Scans of tables, by index or of the whole table.",
    Unit.COUNT,
    labels=("kind",),
    closed={"kind": ("index", "sequential")},
)
SESSIONS = Gauge(
    "db_server_sessions",
    "Sessions of clients that PostgreSQL has, by state, of every client.",
    Unit.COUNT,
    labels=("state",),
    closed={"state": ("active", "idle", "idle in transaction", "other")},
)
METRICS = (
    QUERIES, ERRORS, DURATION, ROWS, SLOW, CONNECTIONS, LIMIT, WAITING, WAIT, REPLICA_LAG, READS, BLOCKS, SCANS, SESSIONS,
    WRITTEN, LOST, SPOOL_BYTES, SPOOL_LIMIT, SPOOL_AGE, SPOOL_CORRUPT,
    PARTITION_LEAD, STRAY_DAYS, EXPIRED, TASK_ERRORS, TASK_SUCCESS, FINDINGS,
)  # fmt: skip
COUNTED = (QUERIES, ERRORS, DURATION, ROWS, SLOW, WAIT, READS)

CONNECTION_COUNT = Signal(
    "Connection Count",
    CONNECTIONS.select(state="used").sum(by=("cluster",)),
    Unit.COUNT,
    "Connections in use of the workload's pools, over all processes of the appliance.",
    critical=45, minimum=1, maximum=10_000,
    why="The pools hold 50: above 45 the next callers wait, and after 10 s they get an error.",
    recorded_as="db_connection_count",
    alerts={"critical": "DatabaseConnectionPoolExhausted"},
)  # fmt: skip
RECORDINGS = (
    Recording(
        "db_query_count", "Operations on the data store (the original vocabulary's name).", Unit.COUNT,
        ((QUERIES.select(), ()),),
    ),
    Recording(
        "db_query_duration", "How long operations took (the original vocabulary's name).", Unit.SECONDS,
        ((DURATION.select(), ()),),
    ),
)  # fmt: skip
CACHE_HIT_RATIO = Signal(
    "Cache Hit Ratio",
    BLOCKS.rate(source="hit").sum(by=("cluster",)) / BLOCKS.rate().sum(by=("cluster",)).compare(">", 0) * 100,
    Unit.PERCENT,
    "Blocks of tables that PostgreSQL found in its memory, of all that were needed; absent while none are.",
    recorded_as="db_cache_hit_ratio",
)
INDEX_USAGE = Signal(
    "Index usage",
    SCANS.rate(kind="index").sum(by=("cluster",)) / SCANS.rate().sum(by=("cluster",)).compare(">", 0) * 100,
    Unit.PERCENT,
    "Scans of tables that used an index, of all scans.",
)
TARGET = ("cluster", "job", "instance")
SPOOL_WAIT = Signal(
    "Oldest row that waits",
    SPOOL_AGE.select().max(by=TARGET),
    Unit.SECONDS,
    "How long the oldest row of the feed has waited on disk for the database.",
    warning=60, minimum=5, maximum=1_000_000,
    why="Rows are written within a second while the database is there; a minute bridges its restart.",
    alerts={"warning": "DatabaseWritesDelayed"},
)  # fmt: skip
ROWS_LOST = Signal(
    "Rows lost",
    LOST.increase("5m").sum(by=(*TARGET, "reason")),
    Unit.COUNT,
    "Rows of the feed, within 5 min, that will not reach the database.",
    critical=0.5, minimum=0, maximum=1_000_000_000, why="What is accepted is to be stored: one row is too many.",
    alerts={"critical": "DatabaseRowsLost"},
)  # fmt: skip
PARTITIONS_AHEAD = Signal(
    "Partitions ahead",
    PARTITION_LEAD.select().min(by=(*TARGET, "table")),
    Unit.SECONDS,
    "For how long from now each table has partitions without a gap.",
    warning=86_400, bad_below=True, minimum=60, maximum=31_536_000,
    why="Without a partition rows fall into the default one and have to be moved under a lock; a day leaves time to look.",
    alerts={"warning": "DatabasePartitionsMissing"},
)  # fmt: skip
SIGNALS = {
    "database.spool_wait": SPOOL_WAIT,
    "database.rows_lost": ROWS_LOST,
    "database.partitions_ahead": PARTITIONS_AHEAD,
    "database.connections": CONNECTION_COUNT,
    "database.cache_hit_ratio": CACHE_HIT_RATIO,
    "database.index_usage": INDEX_USAGE,
}
