"""The three-layer cache: who answers, what is held and thrown out, how its layers feel. Counted inside the workload."""

from __future__ import annotations

from metrics.model import Counter, Gauge, Histogram, Recording, Signal, Unit

MEMORY, REDIS, CDN = "memory", "redis", "cdn"
LAYERS = (MEMORY, REDIS, CDN)
REMOTE = (REDIS, CDN)
SOURCES = (*LAYERS, "none", "error")
CAUSES = ("items", "bytes", "expired")
ERROR_KINDS = ("timeout", "connection", "refused", "poisoned", "other")
OPERATIONS = ("get", "set", "invalidate")
KINDS = ("market-data", "crypto-metrics", "analysis", "sentiment")
WARM_RESULTS = ("warmed", "fresh", "absent", "failed")
LOADS = ("loaded", "absent", "failed")
# A memory hit takes a microsecond, Redis a tenth of a millisecond, the edge one; callers wait 5 ms for Redis at most.
_BUCKETS = (0.000001, 0.0000025, 0.000005, 0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)

# -- who answers -----------------------------------------------------------------------------------------------------
REQUESTS = Counter(
    "cache_requests_total",
    "Questions to the cache by who answered: a layer, none, or error when nothing was found and a layer failed.",
    Unit.COUNT,
    labels=("source",),
    closed={"source": SOURCES},
)
HITS = Counter(
    "cache_hits_total", "Questions that a layer answered.", Unit.COUNT, labels=("layer",), closed={"layer": LAYERS}
)  # fmt: skip
MISSES = Counter(
    "cache_misses_total", "Questions that a layer could not answer.", Unit.COUNT, labels=("layer",), closed={"layer": LAYERS}
)  # fmt: skip
STALE = Counter("cache_stale_served_total", "Answers past their time, given while the value was loaded anew.", Unit.COUNT)
LATENCY = Histogram(
    "cache_operation_duration_seconds",
    "How long one layer took for one operation.",
    Unit.SECONDS,
    labels=("layer", "operation"),
    closed={"layer": LAYERS, "operation": OPERATIONS},
    buckets=_BUCKETS,
)

# -- what is held ----------------------------------------------------------------------------------------------------
ENTRIES = Gauge("cache_entries", "Values that a process holds in memory.", Unit.COUNT)
BYTES = Gauge("cache_bytes", "Their encoded size.", Unit.BYTES)
EVICTIONS = Counter(
    "cache_evictions_total",
    "Values that left a process's memory: too many, too large together, or past their time.",
    Unit.COUNT,
    labels=("cause",),
    closed={"cause": CAUSES},
)
INVALIDATIONS = Counter(
    "cache_invalidations_total",
    "Values removed because they were no longer true, by layer; at the edge, purges.",
    Unit.COUNT,
    labels=("layer",),
    closed={"layer": LAYERS},
)

# -- what the feed writes ----------------------------------------------------------------------------------------------
SINK_WAITING = Gauge("cache_sink_keys", "Values of the feed that wait to be written; one a key, the newest.", Unit.COUNT)
SINK_DROPPED = Counter(
    "cache_sink_dropped_total",
    "Values of the feed that never reached the cache: more keys than may wait, or no plain value.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": ("full", "unusable")},
)

# -- warming -----------------------------------------------------------------------------------------------------------
WARMED = Counter(
    "cache_warmed_keys_total",
    "Keys that warming looked at, by kind and result; fresh: the cache held a value young enough.",
    Unit.COUNT,
    labels=("kind", "result"),
    closed={"kind": KINDS, "result": WARM_RESULTS},
)
WARM_WAITING = Gauge(
    "cache_warming_keys",
    "Keys that wait to be warmed.",
    Unit.COUNT,
    labels=("kind",),
    closed={"kind": KINDS},
)
WARM_DURATION = Histogram(
    "cache_warming_duration_seconds",
    "How long one scheduled round of a kind took, from due to done.",
    Unit.SECONDS,
    labels=("kind",),
    closed={"kind": KINDS},
)
WARM_LAST = Gauge(
    "cache_warming_last_success_timestamp_seconds",
    "When a round of a kind last ended without a failed key.",
    Unit.TIMESTAMP,
    labels=("kind",),
    absent="another process warms, or no round has ended yet",
)
WARM_LEADER = Gauge("cache_warming_leader", "1 in the one process that warms on schedule.", Unit.BOOL)

# -- loading ---------------------------------------------------------------------------------------------------------
LOADED = Counter(
    "cache_loads_total", "Loaders that ran, by result.", Unit.COUNT, labels=("result",), closed={"result": LOADS}
)  # fmt: skip
COALESCED = Counter(
    "cache_coalesced_loads_total",
    "Loads spared because another caller of this process, or another process, was loading the same value.",
    Unit.COUNT,
    labels=("scope",),
    closed={"scope": ("process", "processes")},
)
LOAD_DURATION = Histogram("cache_load_duration_seconds", "How long loaders took.", Unit.SECONDS)

# -- how layers feel -------------------------------------------------------------------------------------------------
ERRORS = Counter(
    "cache_errors_total",
    "Operations that a layer failed, by kind; poisoned: what it held was damaged, of another key or version, and was deleted.",
    Unit.COUNT,
    labels=("layer", "kind"),
    closed={"layer": REMOTE, "kind": ERROR_KINDS},
)
BREAKER_OPEN = Gauge(
    "cache_breaker_open",
    "1 while a layer does not answer, a probe neither, and is left alone until one is answered.",
    Unit.BOOL,
    labels=("layer",),
    closed={"layer": REMOTE},
)  # fmt: skip
BREAKER_OPENED = Counter(
    "cache_breaker_opened_total",
    "How often a layer failed and did not answer the probe after it either.",
    Unit.COUNT,
    labels=("layer",),
    closed={"layer": REMOTE},
)  # fmt: skip
COHERENT = Gauge(
    "cache_coherent", "1 while the process hears of other processes' writes, so that its memory holds no older values.", Unit.BOOL
)  # fmt: skip

COUNTED = (
    REQUESTS, HITS, MISSES, STALE, LATENCY, EVICTIONS, INVALIDATIONS, LOADED, COALESCED, LOAD_DURATION, ERRORS, BREAKER_OPENED,
    SINK_DROPPED, WARMED, WARM_DURATION, WARM_LAST,
)  # fmt: skip
METRICS = (*COUNTED, ENTRIES, BYTES, BREAKER_OPEN, COHERENT, SINK_WAITING, WARM_WAITING, WARM_LEADER)

# -- the original vocabulary -----------------------------------------------------------------------------------------
SIZE = Signal(
    "Values in memory",
    ENTRIES.select().sum(by=("cluster", "job", "instance")),
    Unit.COUNT,
    "Values held in the memory of all processes.",
    recorded_as="cache_size",
)
RECORDINGS = (
    Recording("cache_hit_count", "Questions that a layer answered.", Unit.COUNT, ((HITS.select(), ()),)),
    Recording("cache_miss_count", "Questions that a layer could not answer.", Unit.COUNT, ((MISSES.select(), ()),)),
    Recording("cache_eviction_count", "Values that left a process's memory.", Unit.COUNT, ((EVICTIONS.select(), ()),)),
)
