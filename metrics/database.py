"""What the workload tells of its data store: queries, pools, writing, and PostgreSQL as the workload's role sees it.

`OPERATIONS` are the names under which queries are counted: whoever adds a query adds its name.
"""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Recording, Signal, Unit

POOLS = ("primary", "replica")
TABLES = ("price_history", "on_chain_metrics", "technical_metrics", "sentiment_data", "analysis_history")
OPERATIONS = (
    "add_analysis", "analyses", "cryptocurrencies", "latest", "prices", "ready", "write",
    "figures", "maintain", "optimize",
)  # fmt: skip
READING = ("analyses", "cryptocurrencies", "latest", "prices")
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
SIGNALS = {
    "database.connections": CONNECTION_COUNT,
    "database.cache_hit_ratio": CACHE_HIT_RATIO,
    "database.index_usage": INDEX_USAGE,
}
