"""Memory: what is used for what, the limit, fragmentation, eviction and expiry."""

from metrics.model import Counter, Gauge, Metric, Unit

USED = Gauge("redis_memory_used_bytes", "Memory that the server has allocated.", Unit.BYTES)
RSS = Gauge("redis_memory_used_rss_bytes", "Memory of the process, as the kernel counts it.", Unit.BYTES, compat=True)
PEAK = Gauge("redis_memory_used_peak_bytes", "The most that was ever allocated.", Unit.BYTES, compat=True)
LUA = Gauge("redis_memory_used_lua_bytes", "Memory of the Lua engine.", Unit.BYTES, compat=True)
VM_EVAL = Gauge("redis_memory_used_vm_eval_bytes", "Memory of the engine for scripts.", Unit.BYTES, compat=True)
SCRIPTS_EVAL = Gauge("redis_memory_used_scripts_eval_bytes", "Overhead of cached scripts.", Unit.BYTES, compat=True)
OVERHEAD = Gauge("redis_memory_used_overhead_bytes", "Memory for everything but the data.", Unit.BYTES, compat=True)
STARTUP = Gauge("redis_memory_used_startup_bytes", "Memory that the server had used when it started.", Unit.BYTES, compat=True)
DATASET = Gauge("redis_memory_used_dataset_bytes", "Memory of the data.", Unit.BYTES, compat=True)
SCRIPTS = Gauge("redis_memory_used_scripts_bytes", "Overhead of scripts and functions.", Unit.BYTES, compat=True)
FUNCTIONS = Gauge("redis_memory_used_functions_bytes", "Overhead of functions.", Unit.BYTES, compat=True)
VM_FUNCTIONS = Gauge("redis_memory_used_vm_functions_bytes", "Memory of the engine for functions.", Unit.BYTES, compat=True)
VM_TOTAL = Gauge("redis_memory_used_vm_total", "Memory of both engines.", Unit.BYTES, compat=True)
CACHED_SCRIPTS = Gauge("redis_number_of_cached_scripts", "Scripts that are cached.", Unit.COUNT, compat=True)
FUNCTION_COUNT = Gauge("redis_number_of_functions", "Functions that are loaded.", Unit.COUNT, compat=True)
LIBRARY_COUNT = Gauge("redis_number_of_libraries", "Libraries that are loaded.", Unit.COUNT, compat=True)
MAX = Gauge("redis_memory_max_bytes", "The limit, maxmemory; 0: none.", Unit.BYTES)
SYSTEM = Gauge("redis_total_system_memory_bytes", "Memory of the machine.", Unit.BYTES)

ALLOCATED = Gauge("redis_allocator_allocated_bytes", "Memory that the allocator gave out.", Unit.BYTES, compat=True)
ACTIVE = Gauge("redis_allocator_active_bytes", "Memory in the allocator's pages, gaps included.", Unit.BYTES, compat=True)
RESIDENT = Gauge("redis_allocator_resident_bytes", "Memory that the allocator holds.", Unit.BYTES, compat=True)
MUZZY = Gauge(
    "redis_allocator_muzzy_bytes", "Memory that goes back when needed.", Unit.BYTES, absent="from Redis 7.4 on", compat=True
)
FRAGMENTED_RATIO = Gauge("redis_allocator_frag_ratio", "Active over allocated.", Unit.NONE, compat=True)
FRAGMENTED = Gauge("redis_allocator_frag_bytes", "Active less allocated.", Unit.BYTES, compat=True)
RSS_RATIO = Gauge("redis_allocator_rss_ratio", "Resident over active.", Unit.NONE, compat=True)
RSS_BYTES = Gauge("redis_allocator_rss_bytes", "Resident less active.", Unit.BYTES, compat=True)
FRAGMENTATION = Gauge("redis_mem_fragmentation_ratio", "Memory of the process over memory allocated.", Unit.NONE)
FRAGMENTATION_BYTES = Gauge("redis_mem_fragmentation_bytes", "Memory of the process less memory allocated.", Unit.BYTES)
REPLICA_BUFFERS = Gauge("redis_mem_clients_slaves", "Buffers of replicas.", Unit.BYTES, compat=True)
CLIENT_BUFFERS = Gauge("redis_mem_clients_normal", "Buffers of clients.", Unit.BYTES, compat=True)
CLUSTER_LINKS = Gauge("redis_mem_cluster_links_bytes", "Links to other nodes.", Unit.BYTES, compat=True)
AOF_BUFFER = Gauge("redis_mem_aof_buffer_bytes", "Buffers of the append-only file.", Unit.BYTES, compat=True)
BACKLOG = Gauge("redis_mem_replication_backlog_bytes", "The backlog for replicas.", Unit.BYTES, compat=True)
NOT_COUNTED = Gauge("redis_mem_not_counted_for_eviction_bytes", "Memory that the limit does not count.", Unit.BYTES, compat=True)
REPLICATION_BUFFERS = Gauge(
    "redis_mem_total_replication_buffers_bytes", "Backlog and buffers of replicas.", Unit.BYTES, compat=True
)
REHASHING = Gauge(
    "redis_mem_overhead_db_hashtable_rehashing_bytes",
    "Overhead of tables that are being resized.",
    Unit.BYTES,
    absent="from Redis 7.4 on",
    compat=True,
)
LAZY_PENDING = Gauge("redis_lazyfree_pending_objects", "Objects that wait to be freed.", Unit.COUNT, compat=True)
LAZY_FREED = Gauge("redis_lazyfreed_objects", "Objects that were freed in the background.", Unit.COUNT, compat=True)
DEFRAGMENTING = Gauge(
    "redis_active_defrag_running", "Share of the processor that defragmentation may use, 0 when it rests.", compat=True
)
DEFRAG_HITS = Gauge("redis_defrag_hits", "Values that defragmentation moved.", Unit.COUNT, compat=True)
DEFRAG_MISSES = Gauge("redis_defrag_misses", "Values that defragmentation left.", Unit.COUNT, compat=True)
DEFRAG_KEY_HITS = Gauge("redis_defrag_key_hits", "Keys that defragmentation moved.", Unit.COUNT, compat=True)
DEFRAG_KEY_MISSES = Gauge("redis_defrag_key_misses", "Keys that defragmentation left.", Unit.COUNT, compat=True)

EVICTED = Counter("redis_evicted_keys_total", "Keys thrown out because memory was at its limit.", Unit.COUNT)
EVICTED_CLIENTS = Counter(
    "redis_evicted_clients_total", "Clients disconnected because their buffers took too much.", Unit.COUNT, compat=True
)
EVICTED_SCRIPTS = Counter(
    "redis_evicted_scripts_total", "Scripts thrown out.", Unit.COUNT, absent="from Redis 7.4 on", compat=True
)
EVICTION_EXCEEDED = Counter("redis_eviction_exceeded_time_ms_total", "Milliseconds above the limit.", compat=True)
EVICTION_EXCEEDED_NOW = Gauge(
    "redis_current_eviction_exceeded_time_ms", "Milliseconds since memory rose above the limit.", compat=True
)
EXPIRED = Counter("redis_expired_keys_total", "Keys that ended by their time.", Unit.COUNT)
EXPIRED_SUBKEYS = Counter(
    "redis_expired_subkeys_total", "Fields that ended by their time.", Unit.COUNT, absent="from Redis 7.4 on", compat=True
)
EXPIRED_FIELDS = Counter(
    "redis_expired_fields_total", "Fields that ended by their time.", Unit.COUNT, absent="Valkey from 9 on", compat=True
)
EXPIRED_STALE = Gauge(
    "redis_expired_stale_percentage", "Share of keys that should have ended and are still there.", Unit.PERCENT, compat=True
)
EXPIRE_CAPPED = Counter(
    "redis_expired_time_cap_reached_total", "Expiry cycles that ended early for lack of time.", Unit.COUNT, compat=True
)
EXPIRE_CPU = Counter("redis_expire_cycle_cpu_time_ms_total", "Processor time of expiry, in milliseconds.", compat=True)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
