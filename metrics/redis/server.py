"""Whether the server answers, what it is, how the exporter fared; connections, configuration."""

from metrics.model import Counter, Gauge, Metric, Unit

UP = Gauge("redis_up", "1 when the last scrape reached the server and asked it, else 0.", Unit.BOOL)
INSTANCE = Gauge(
    "redis_instance_info",
    "Constant 1; the labels tell which server of which version runs as what.",
    Unit.INFO,
    labels=(
        "role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id", "process_id",
        "master_replid", "valkey_version", "valkey_release_stage", "availability_zone",
    ),
)  # fmt: skip
SCRAPES = Counter("redis_exporter_scrapes_total", "Scrapes of this target.", Unit.COUNT, compat=True)
SCRAPE_DURATION = Gauge(
    "redis_exporter_last_scrape_duration_seconds", "How long asking the server took.", Unit.SECONDS, compat=True
)
SCRAPE_SECONDS = Counter(
    "redis_exporter_scrape_duration_seconds_sum", "How long asking the server took in all.", Unit.SECONDS, compat=True
)
SCRAPE_COUNT = Counter("redis_exporter_scrape_duration_seconds_count", "How often the server was asked.", Unit.COUNT, compat=True)
SCRAPE_ERROR = Gauge(
    "redis_exporter_last_scrape_error",
    "1 when anything of the last scrape failed, else 0; `err` is the cause when the server could not be asked.",
    Unit.BOOL,
    labels=("err",),
    compat=True,
)
CONNECT_TIME = Gauge(
    "redis_exporter_last_scrape_connect_time_seconds",
    "How long the last scrape took to connect; 0 when its connection was there already.",
    Unit.SECONDS,
    compat=True,
)

UPTIME = Gauge("redis_uptime_in_seconds", "How long the server has run.", Unit.SECONDS, compat=True)
START_TIME = Gauge("redis_start_time_seconds", "Unix time at which the server started.", Unit.TIMESTAMP, compat=True)
PROCESS_ID = Gauge("redis_process_id", "The server's process id.", compat=True)
HZ = Gauge("redis_hz", "How often a second the server's background tasks run now.", Unit.HERTZ, compat=True)
CONFIGURED_HZ = Gauge(
    "redis_configured_hz", "How often a second the server's background tasks run when idle.", Unit.HERTZ, compat=True
)
IO_THREADS_ACTIVE = Gauge("redis_io_threads_active", "1 while I/O threads are in use, else 0.", Unit.BOOL, compat=True)

# -- clients ---------------------------------------------------------------------------------------------------------
CLIENTS = Gauge("redis_connected_clients", "Connections of clients, without those of replicas.", Unit.COUNT)
ACTIVE_CLIENTS = Gauge(
    "redis_active_clients", "Clients that were active lately.", Unit.COUNT, absent="from Redis 8.8 on", compat=True
)
MAX_CLIENTS = Gauge("redis_max_clients", "Connections that the server allows.", Unit.COUNT, compat=True)
BLOCKED_CLIENTS = Gauge("redis_blocked_clients", "Clients that wait in a blocking command.", Unit.COUNT)
TRACKING_CLIENTS = Gauge("redis_tracking_clients", "Clients whose keys are tracked for them.", Unit.COUNT, compat=True)
TIMEOUT_CLIENTS = Gauge("redis_clients_in_timeout_table", "Clients that wait with a timeout.", Unit.COUNT, compat=True)
PUBSUB_CLIENTS = Gauge(
    "redis_pubsub_clients", "Clients that are subscribed.", Unit.COUNT, absent="from Redis 7.4 on", compat=True
)
WATCHING_CLIENTS = Gauge(
    "redis_watching_clients", "Clients that watch keys.", Unit.COUNT, absent="from Redis 7.4 on", compat=True
)
WATCHED_KEYS = Gauge("redis_total_watched_keys", "Keys that are watched.", Unit.COUNT, absent="from Redis 7.4 on", compat=True)
BLOCKING_KEYS = Gauge(
    "redis_total_blocking_keys", "Keys that clients wait for.", Unit.COUNT, absent="from Redis 7.2 on", compat=True
)
BLOCKING_NO_KEYS = Gauge(
    "redis_total_blocking_keys_on_nokey",
    "Keys whose absence clients wait for.",
    Unit.COUNT,
    absent="from Redis 7.2 on",
    compat=True,
)
INPUT_BUFFER = Gauge(
    "redis_client_recent_max_input_buffer_bytes", "Largest recent input buffer of a client.", Unit.BYTES, compat=True
)
OUTPUT_BUFFER = Gauge(
    "redis_client_recent_max_output_buffer_bytes", "Largest recent output buffer of a client.", Unit.BYTES, compat=True
)

# -- processor time --------------------------------------------------------------------------------------------------
CPU_SYS = Counter("redis_cpu_sys_seconds_total", "Processor time in the kernel.", Unit.SECONDS)
CPU_USER = Counter("redis_cpu_user_seconds_total", "Processor time in the server's own code.", Unit.SECONDS)
CPU_SYS_CHILDREN = Counter(
    "redis_cpu_sys_children_seconds_total", "Processor time of children in the kernel.", Unit.SECONDS, compat=True
)
CPU_USER_CHILDREN = Counter("redis_cpu_user_children_seconds_total", "Processor time of children.", Unit.SECONDS, compat=True)
CPU_SYS_MAIN = Counter("redis_cpu_sys_main_thread_seconds_total", "Of the main thread in the kernel.", Unit.SECONDS, compat=True)
CPU_USER_MAIN = Counter(
    "redis_cpu_user_main_thread_seconds_total", "Of the main thread in its own code.", Unit.SECONDS, compat=True
)
ACTIVE_MAIN = Counter(
    "redis_active_time_main_thread_seconds_total",
    "Time in which the main thread worked.",
    Unit.SECONDS,
    absent="Valkey from 8.1 on, with I/O threads",
    compat=True,
)
ACTIVE_IO = Counter(
    "redis_active_time_io_thread_seconds_total",
    "Time in which an I/O thread worked.",
    Unit.SECONDS,
    labels=("thread",),
    absent="Valkey from 8.1 on, with I/O threads",
    compat=True,
)

# -- configuration ---------------------------------------------------------------------------------------------------
CONFIG_MAXMEMORY = Gauge("redis_config_maxmemory", "The setting maxmemory; 0: no limit.", Unit.BYTES, compat=True)
CONFIG_MAXCLIENTS = Gauge("redis_config_maxclients", "The setting maxclients.", Unit.COUNT)
CONFIG_IO_THREADS = Gauge("redis_config_io_threads", "The setting io-threads.", Unit.COUNT, compat=True)
CONFIG_BACKLOG = Gauge("redis_config_repl_backlog_size", "The setting repl-backlog-size.", Unit.BYTES, compat=True)
CONFIG_BUFFER_LIMIT = Gauge(
    "redis_config_client_output_buffer_limit_bytes",
    "The setting client-output-buffer-limit.",
    Unit.BYTES,
    labels=("class", "limit"),
    compat=True,
)
CONFIG_BUFFER_SECONDS = Gauge(
    "redis_config_client_output_buffer_limit_overcome_seconds",
    "How long a client may be above its soft limit.",
    Unit.SECONDS,
    labels=("class", "limit"),
    compat=True,
)
SAVES_ENABLED = Gauge("redis_rdb_save_enabled", "1 when the server saves snapshots by itself, else 0.", Unit.BOOL)

METRICS: tuple[Metric, ...] = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
