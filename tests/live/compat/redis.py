"""Our Redis exporter beside redis_exporter: what may differ, each with its reason."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metrics import redis as declared
from tests.exporters.redis.servers import Redis, exporter, target
from tests.exporters.servers import REDIS_EXPORTER, Server, their_redis
from tests.live.compat.peer import Peer

MISSING = {
    "redis_exporter_build_info": "tells of redis_exporter itself; ours is watchfloor_build_info",
    "redis_last_key_groups_scrape_duration_milliseconds": "key groups take a Lua script on the server, which a user of least "
    "privilege may not run; counts by pattern are in their place",
    "redis_target_scrape_request_errors_total": "errors of /scrape?target=; ours answers /probe with names of site.yaml only",
    "redis_db_keys_cached": "1.69 takes Redis 8's `subexpiry` for KeyDB's cached keys; in 1.89, and in ours, that is "
    "redis_db_keys_with_expiring_items",
}
RESTLESS = {
    "redis_exporter_.*": "each one's own",
    "redis_latency_percentiles_usec": "each exporter's own commands are among those of the server",
    "redis_commands_latencies_usec_sum": "1.69 adds the time of every command whose name begins alike (`set`, `setex`)",
    "redis_(allocator|mem)_.*": "each connection has buffers, and comes and goes with theirs",
    "redis_(client_recent|connected_clients|clients_in|instantaneous).*": "each one's own connection is counted",
    "redis_instance_info": "on Valkey 1.69 leaves `redis_mode` empty; in 1.89, and in ours, it is the server's mode",
    "redis_start_time_seconds": "the server tells whole seconds since",
}

_NOT_THERE = (
    "Not there, of what 1.89 tells of newer servers: slow log counts by command (Redis 8.8), hash templates (8.10), COMMANDLOG's "
    "settings, certificates (Valkey 9), a cluster's messages by kind."
)
_NOT_ASKED = (
    "Nor of what 1.89 tells when asked: slot statistics, CLIENT LIST, modules, all settings (passwords are among them), values "
    "as text, Lua scripts, key groups."
)
_RUN = (
    "Debian 12's release 1.45 on Redis 7.0 and Debian 13's 1.69 on Redis 7.0, 8.0 and Valkey 8.1 were compared, those "
    "of Debian 13 by its packages unpacked in Debian 12: 97.7 % to 98.2 % of the names."
)


_WALKS = "sizes and counts by pattern, and streams: theirs would walk all keys at each scrape; ours has a budget"
UNTOLD = {
    "redis_(keys|key|stream)_.*": _WALKS,
    "redis_rdb_save_enabled": "whether snapshots are on: ours alone",
}
LATER = {"redis_commands_latencies_usec_.*": "Debian 12's 1.45 does not ask for latency histograms, Debian 13's 1.69 does"}


@contextmanager
def pair() -> Iterator[tuple[Server, Server]]:
    """Both ask one server: theirs as the default user, who may do all that it does; ours as the user of least privilege."""
    with tempfile.TemporaryDirectory() as folder, Redis() as server:
        fill(server)
        with (
            exporter(Path(folder), [target(server.port, Path(folder))]) as left,
            their_redis(f"redis://127.0.0.1:{server.port}") as right,
        ):
            for one in (left, right):  # the commands of a first scrape are in the statistics of the second
                one.text()
            yield left, right


def fill(server: Redis) -> None:
    """What makes statistics: reads, writes, an expiry, an error, a slow command, a stream."""
    client = server.client
    for index in range(200):
        client.set(f"key:{index}", index)
        client.get(f"key:{index * 2}")
    client.expire("key:1", 3600)
    client.xadd("events", {"a": "b"})
    client.config_set("slowlog-log-slower-than", 1000)
    server.ask("DEBUG", "SLEEP", "0.005")
    client.config_set("slowlog-log-slower-than", 1_000_000)


PEER = Peer(
    name="redis_exporter",
    program=REDIS_EXPORTER,
    command="prometheus-redis-exporter",
    prefix="redis_",
    metrics=declared.METRICS,
    pair=pair,
    missing=MISSING,
    uncompared=RESTLESS,
    new_labels=frozenset({"master_replid", "valkey_version", "valkey_release_stage", "availability_zone"}),
    elsewhere={"le=": "bounds are written `8.0`, as Prometheus itself keeps them from 3.0 on, and all are there from the start"},
    notes=(
        "`redis_latency_percentiles_usec` is a gauge, its `_sum` and `_count` are counters: the series are a summary's.",
        "`redis_exporter_last_scrape_error{err}` holds a cause (`auth`, `refused`, …), never the server's words.",
        "`redis_expired_time_cap_reached_total` is a counter, as in releases after 1.45.",
        "Ours alone: `redis_total_system_memory_bytes` (upstream when asked), `redis_rdb_save_enabled`, `redis_keys_scan_…`.",
        _NOT_THERE,
        _NOT_ASKED,
        _RUN,
    ),
    untold=UNTOLD,
    later=LATER,
    older=(1, 69),
)
