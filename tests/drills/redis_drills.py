"""The drills of what watches Redis servers: on servers of their own, which the site names as targets."""

from __future__ import annotations

from collections.abc import Iterable

from tests.drills.drill import Drill
from tests.drills.faults import Fault
from tests.drills.fleet import REPLICA
from tests.drills.redis_faults import (
    break_replication,
    evict,
    fill_append_only_disk,
    fill_redis,
    forbid,
    forget_snapshots,
    fragment,
    hang,
    lose_sentinel,
    lose_slot,
    obstruct_snapshot,
    reject_clients,
    run_slow_commands,
    take_clients,
)

_FULL_DISK = ("DiskAlmostFull", "DiskFillingUp")


def _drill(alert: str, what: str, fault: Fault, beside: Iterable[str] = (), *, still: bool = False) -> Drill:
    return Drill(alert, what, fault, frozenset(beside), fleet=True, still=still)


REDIS = (
    _drill("RedisMemoryNearLimit", "a program fills a server that evicts nothing", fill_redis()),
    _drill("RedisEvictsMuch", "programs put far more into a cache than it holds", evict()),
    _drill("RedisMemoryFragmented", "four of five of a million small values are deleted", fragment(), still=True),
    _drill("RedisClientsNearLimit", "a program holds nine tenths of the connections", take_clients(), still=True),
    _drill(
        "RedisConnectionsRejected", "all connections are taken, and a client goes on trying", reject_clients(),
        ["RedisClientsNearLimit", "RedisDown"],
    ),
    _drill("RedisSnapshotFails", "a folder stands where the snapshot goes", obstruct_snapshot()),
    # Under a lowered threshold: nobody waits for a day.
    _drill("RedisSnapshotOld", "snapshots are asked for once a day, after a million changes", forget_snapshots(), still=True),
    _drill("RedisAppendOnlyFileFails", "the append-only file's disk is full", fill_append_only_disk(), _FULL_DISK),
    _drill("RedisReplicationBroken", "a replica is given a wrong password", break_replication()),
    _drill(
        "RedisReplicationLag", "a replica hangs", hang(REPLICA), ["RedisDown", "RedisReplicationBroken", "CollectorFailing"]
    ),
    _drill("RedisClusterFails", "a slot of the cluster is nobody's", lose_slot(), still=True),
    _drill(
        "RedisSentinelQuorumLost", "one of two Sentinels hangs", lose_sentinel(), ["RedisDown", "CollectorFailing", "ScrapeSlow"]
    ),
    _drill("RedisSlowCommands", "a program runs two slow scripts a second", run_slow_commands(), still=True),
    _drill("CollectorFailing", "an operator takes SLOWLOG from the exporter's user", forbid("slowlog")),
)  # fmt: skip
