"""What an operator asks of a Redis or Valkey server: is it there, has it room, does it keep and pass on its data, is it quick.

Keys are the values of the label `signal` on alerts.
"""

from __future__ import annotations

from metrics.model import Signal, Unit
from metrics.query import raw
from metrics.redis import commands, keys, memory, persistence, replication, server, stats

TARGET = ("cluster", "job", "instance")
_SCOPED = 'cluster=~"$cluster", job=~"$job", instance=~"$instance"'

# -- is it there, has it room? ---------------------------------------------------------------------------------------
UP = Signal(
    "Redis up",
    server.UP.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the last scrape reached the server and asked it, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "RedisDown"},
)  # fmt: skip
# Without a limit of its own the machine's memory is the limit. One that throws out old keys is meant to be full.
_LIMIT = memory.MAX.select().compare(">", 0).binary("or", memory.SYSTEM.select(), "on(cluster, job, instance)").max(by=TARGET)
MEMORY = Signal(
    "Memory used",
    memory.USED.select().max(by=TARGET) / _LIMIT,
    Unit.RATIO,
    "Memory used, as a share of maxmemory; of the machine's memory where maxmemory is 0.",
)
FULL = Signal(
    "Memory used where nothing is evicted",
    MEMORY.expr.binary(
        "*", server.INSTANCE.select(maxmemory_policy="noeviction").max(by=TARGET), "on(cluster, job, instance)"
    ),
    Unit.RATIO,
    "Memory used, as a share of the limit, of servers that throw nothing out (maxmemory-policy noeviction).",
    warning=0.85, minimum=0.05, maximum=1,
    why="At the limit such a server refuses every write; a seventh of it is time to find out what grows.",
    alerts={"warning": "RedisMemoryNearLimit"},
)  # fmt: skip
EVICTED = Signal(
    "Keys evicted in 10 min",
    memory.EVICTED.increase("10m").sum(by=TARGET)
    / keys.KEYS.select().sum(by=TARGET).compare(">", 0),
    Unit.RATIO,
    "Keys thrown out for lack of memory within 10 min, as a share of the keys that are there.",
    warning=0.5, minimum=0.001, maximum=1000,
    why="When half of all keys go within ten minutes, most go before anybody has read them: the cache is too small.",
    alerts={"warning": "RedisEvictsMuch"},
)  # fmt: skip
FRAGMENTATION = Signal(
    "Memory fragmented",
    memory.FRAGMENTATION_BYTES.select().max(by=TARGET).compare(">", 100 * 2**20) / memory.USED.select().max(by=TARGET),
    Unit.RATIO,
    "Memory that the process has and does not use, as a share of what it uses; absent below 100 MiB.",
    warning=0.5, minimum=0.05, maximum=100,
    why="Half as much again as the data is more than allocators need; below 100 MiB the share says nothing.",
    alerts={"warning": "RedisMemoryFragmented"},
)  # fmt: skip
CLIENTS = Signal(
    "Clients against the limit",
    server.CLIENTS.select().max(by=TARGET) / server.CONFIG_MAXCLIENTS.select().max(by=TARGET).compare(">", 0),
    Unit.RATIO,
    "Connections of clients, as a share of maxclients.",
    warning=0.8, minimum=0.01, maximum=1,
    why="Above 80 % one deploy that doubles connections finds none left.",
    alerts={"warning": "RedisClientsNearLimit"},
)  # fmt: skip
REJECTED = Signal(
    "Connections rejected in 5 min",
    stats.REJECTED.increase("5m").sum(by=TARGET),
    Unit.COUNT,
    "Connections that were refused within 5 min, because maxclients was reached.",
    warning=1, minimum=0, maximum=1_000_000,
    why="Each one is a client without its data; a single one may be a scan of ports.",
    alerts={"warning": "RedisConnectionsRejected"},
)  # fmt: skip

# -- does it keep what it holds, and pass it on? ---------------------------------------------------------------------
SAVE = Signal(
    "Last snapshot succeeded",
    persistence.SAVE_OK.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the last snapshot (RDB) succeeded, else 0.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    why="Until one succeeds, everything since the last good one is lost with the process; by default writes are refused too.",
    alerts={"warning": "RedisSnapshotFails"},
)  # fmt: skip
SAVE_AGE = Signal(
    "Age of the last snapshot",
    raw(
        "max by (cluster, job, instance) (time() - redis_rdb_last_save_timestamp_seconds and on(cluster, job, instance)"
        " redis_rdb_changes_since_last_save > 0 and on(cluster, job, instance) redis_rdb_save_enabled == 1)",
        persistence.SAVED, persistence.CHANGES, server.SAVES_ENABLED,
        panel=f"max by (cluster, job, instance) (time() - redis_rdb_last_save_timestamp_seconds{{{_SCOPED}}}"
        f" and on(cluster, job, instance) redis_rdb_changes_since_last_save{{{_SCOPED}}} > 0"
        f" and on(cluster, job, instance) redis_rdb_save_enabled{{{_SCOPED}}} == 1)",
    ),
    Unit.SECONDS,
    "How old the last snapshot is, of servers that save by themselves and have changed since.",
    warning=86_400, minimum=60, maximum=31_536_000,
    why="The default settings save within an hour of a single change: a day means that saving is stuck.",
    alerts={"warning": "RedisSnapshotOld"},
)  # fmt: skip
AOF = Signal(
    "Append-only file written",
    persistence.WRITE_OK.select().min(by=TARGET) * persistence.REWRITE_OK.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the last write to the append-only file and its last rewrite succeeded, else 0.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    why="What is not in the file is lost with the process; a server that cannot write it refuses writes.",
    alerts={"warning": "RedisAppendOnlyFileFails"},
)  # fmt: skip
LINK = Signal(
    "Primary connected",
    replication.LINK_UP.select().min(by=(*TARGET, "master_host", "master_port")),
    Unit.BOOL,
    "1 while a replica is connected to its primary, else 0.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    why="A replica without its primary serves the past, and is none when it is needed.",
    alerts={"warning": "RedisReplicationBroken"},
)  # fmt: skip
LAG = Signal(
    "Replication lag",
    replication.REPLICA_LAG.select().max(by=(*TARGET, "slave_ip", "slave_port")),
    Unit.SECONDS,
    "How long ago a replica last confirmed what it has; it does so each second.",
    warning=30, minimum=1, maximum=86_400,
    why="After repl-timeout (60 s) the primary gives the replica up, and it must fetch everything anew.",
    alerts={"warning": "RedisReplicationLag"},
)  # fmt: skip
CLUSTER = Signal(
    "Cluster answers",
    replication.STATE.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the cluster answers, as its node sees it, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    why="By default a cluster that lacks one slot answers for none.",
    alerts={"critical": "RedisClusterFails"},
)  # fmt: skip
QUORUM = Signal(
    "Failover possible",
    replication.QUORUM_OK.select().min(by=(*TARGET, "master_name")),
    Unit.BOOL,
    "1 when enough Sentinels are there for a failover of the primary, else 0.",
    warning=1, bad_below=True, minimum=1, maximum=1,
    why="Nothing is broken yet; the next failure of the primary will be.",
    alerts={"warning": "RedisSentinelQuorumLost"},
)  # fmt: skip

# -- is it quick? ----------------------------------------------------------------------------------------------------
SLOW = Signal(
    "Slow commands in 10 min",
    commands.SLOW_ID.select().over("delta", "10m").max(by=TARGET),
    Unit.COUNT,
    "Commands that took longer than slowlog-log-slower-than (10 ms) within 10 min.",
    warning=20, minimum=0, maximum=1_000_000,
    why="While one runs everybody else waits; two a minute are a habit, not an accident.",
    alerts={"warning": "RedisSlowCommands"},
)  # fmt: skip
_HITS, _MISSES = stats.HITS.rate("5m").sum(by=TARGET), stats.MISSES.rate("5m").sum(by=TARGET)
HIT_RATIO = Signal(
    "Hit ratio",
    _HITS / (_HITS + _MISSES).compare(">", 0),
    Unit.RATIO,
    "Share of reads that found their key.",
)

SIGNALS: dict[str, Signal] = {
    "redis.up": UP,
    "redis.memory": MEMORY,
    "redis.full": FULL,
    "redis.evicted": EVICTED,
    "redis.fragmentation": FRAGMENTATION,
    "redis.clients": CLIENTS,
    "redis.rejected": REJECTED,
    "redis.save": SAVE,
    "redis.save_age": SAVE_AGE,
    "redis.aof": AOF,
    "redis.link": LINK,
    "redis.lag": LAG,
    "redis.cluster": CLUSTER,
    "redis.quorum": QUORUM,
    "redis.slow": SLOW,
    "redis.hit_ratio": HIT_RATIO,
}
