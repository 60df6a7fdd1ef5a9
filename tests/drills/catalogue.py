"""Which fault provokes which alert."""

from __future__ import annotations

from typing import Any

from metrics import catalog
from stream.analysis.messages import PREDICTIVE
from tests.drills.archive_faults import archive_nowhere
from tests.drills.client_drills import CLIENTS
from tests.drills.database_faults import read_far_pages, starve_pool
from tests.drills.drill import Drill
from tests.drills.faults import (
    ask_without_models,
    burn_cpu,
    fill_disk,
    fill_memory,
    grow_disk,
    memory_threshold,
    send_garbage,
    stop_service,
)
from tests.drills.feed_faults import break_source, silence_source, sources
from tests.drills.host_drills import HOST, open_files_threshold
from tests.drills.mail import receivers
from tests.drills.model_faults import corrupt_model
from tests.drills.postgres_faults import (
    deadlock,
    end_partitions,
    forget_slot,
    idle_transaction,
    long_transaction,
    pile_up_dead_rows,
    take_connections,
    use_up_sequence,
    wait_for_lock,
)
from tests.drills.redis_drills import REDIS
from tests.drills.server_drills import SERVER
from tests.drills.stack_drills import SERIES, STACK

# What a lock that nobody gives back brings along, the longer it lasts.
_OPEN = frozenset({"PostgresLongTransaction", "PostgresIdleInTransaction", "PostgresLockWait"})
_STUCK = _OPEN | {"DatabaseWritesDelayed", "CollectorFailing", "CacheHitRatioLow", "ProbeEndpointDown"}
_NO_DATABASE = frozenset({"ServiceDown", "PostgresDown", "DatabaseWritesDelayed", "ProbeEndpointDown"})
# A service that is scraped and gone.
_ROLLED_BACK = frozenset({"PostgresRollbacks"})  # each ends a transaction
_GONE = frozenset({"ServiceDown", "TargetAbsent", "TargetDown"})

DRILLS = (
    # Between the two thresholds: above 90 the critical alert would mute this one.
    Drill("HighCPUUsage", "all processors 85 % busy", burn_cpu(85), frozenset({"ProbeCanaryLate"})),
    Drill("CriticalCPUUsage", "all processors 100 % busy", burn_cpu(100), frozenset({"HighCPUUsage", "ProbeCanaryLate"})),
    # A machine in use has work to do in its memory: the drill lowers the threshold instead of taking all of it.
    Drill("HighMemoryUsage", "memory filled by 13 % more than is used, under a lowered threshold", fill_memory(3)),
    Drill(
        "TargetDown",
        "the system exporter is stopped",
        stop_service("exporter-system"),
        frozenset({"ServiceDown", "TargetAbsent"}),
    ),
    Drill("DiskAlmostFull", "a filesystem of 64 MB filled to 97 %", fill_disk(97), frozenset({"DiskFillingUp"})),
    Drill("DiskFillingUp", "a filesystem of 64 MB, 65 % full, fills by 0.04 % a second", grow_disk(65, 0.04)),
    Drill("WebSocketConnectionIssues", "a broken client sends 20 bad messages a second to the stream", send_garbage(20)),
    Drill(
        "HighErrorRate",
        "a program asks for 40 analyses a second while the models are away",
        ask_without_models(40),
        _GONE | {"ProbeEndpointDown"},
    ),
    Drill(
        "SLOBurnRate1h",
        "a program asks for 40 analyses a second while the models are away",
        ask_without_models(40),
        _GONE | {"ProbeEndpointDown"},
    ),
    Drill(
        "DatabaseConnectionPoolExhausted",
        "a transaction locks the table of currencies, while 120 clients page through the API",
        starve_pool(),
        _STUCK,
    ),
    Drill(
        "DatabaseWritesDelayed",
        "PostgreSQL is stopped for a minute and longer",
        stop_service("postgres"),
        _NO_DATABASE | {"CollectorFailing"},
    ),
    Drill("PostgresDown", "PostgreSQL is stopped", stop_service("postgres"), _NO_DATABASE),
    Drill("PostgresConnectionsNearLimit", "a program opens nine tenths of the connections", take_connections(0.9)),
    # Half an hour, and five minutes, of waiting are no part of an alert's way: the drills lower these two thresholds.
    Drill("PostgresLongTransaction", "a transaction whose statement does not end", long_transaction(), _OPEN),
    Drill("PostgresIdleInTransaction", "a transaction with which nobody goes on", idle_transaction(), _OPEN),
    Drill("PostgresLockWait", "an ALTER TABLE waits behind a reader", wait_for_lock(), _OPEN | {"CollectorFailing"}),
    Drill("PostgresDeadlocks", "two programs lock two rows in opposite order", deadlock(), _ROLLED_BACK),
    Drill("PostgresDeadRows", "300,000 rows deleted where autovacuum is off", pile_up_dead_rows(), still=True),
    Drill("PostgresSequenceNearEnd", "a sequence of small numbers is nearly used up", use_up_sequence(), still=True),
    Drill("PostgresPartitionMissing", "a table's last partition ends within two hours", end_partitions(), still=True),
    # Under a lowered threshold: 5 GB of log would fill the disks of some.
    Drill("PostgresSlotGrowing", "a slot that nobody reads keeps the log of 400,000 rows", forget_slot(), still=True),
    Drill("CacheHitRatioLow", "programs read 30 pages a second that nobody has asked for before", read_far_pages()),
    Drill(
        "CacheRedisAway",
        "the cache's Redis is stopped",
        stop_service("cache-redis"),
        frozenset({"ServiceDown", "ProbeEndpointDown", "RedisDown"}),
    ),
    Drill(
        "RedisDown",
        "the cache's Redis is stopped",
        stop_service("cache-redis"),
        frozenset({"ServiceDown", "ProbeEndpointDown", "CacheRedisAway"}),
    ),
    Drill("CacheEdgeAway", "Varnish is stopped", stop_service("edge"), frozenset({"ServiceDown", "ProbeEndpointDown"})),
    Drill(
        "BusDown",
        "the Redis that joins stream servers is stopped",
        stop_service("bus"),
        frozenset({"ServiceDown", "FeedStale", "RedisDown", "ProbeStreamFailing", "ProbeGaps", "ProbeCanaryLate"}),
    ),
    Drill("ProbeStreamFailing", "the stream server is stopped", stop_service("stream"), _GONE | {"ProbeEndpointDown"}),
    Drill("ProbeEndpointDown", "the models are stopped", stop_service("analysis"), _GONE),
    Drill("FeedStale", "a source answers with nothing in it", silence_source()),
    Drill("FeedSourceFailed", "a source refuses", break_source(), frozenset({"FeedStale"})),
    Drill("AIModelAccuracyDrop", "a version with wrong weights is chosen to answer", corrupt_model(PREDICTIVE)),
    Drill(
        "PostgresArchivingFails",
        "a backup was cut off, and the place is gone to which the server still archives for it",
        archive_nowhere(),
    ),
    *SERVER,
    *REDIS,
    *STACK,
    *HOST,
    *CLIENTS,
)

# What other work on the machine brings along.
OF_LOAD = frozenset({
    "HighCPUUsage", "CriticalCPUUsage", "HighMemoryUsage", "OutOfMemoryKill", "ProbeCanaryLate", "CacheHitRatioLow", "RulesLate",
    "ScrapeSlow",
})  # fmt: skip
# Why an alert has none; names may be patterns.
NOT_DRILLED = {
    "Watchdog": "fires always: that it arrives is what every drill relies on",
    "ClockSkew": "the clock is the whole machine's: setting it wrong would harm everything else on it",
    "MachineRestarted": "a machine that starts anew ends the drill, and all that runs on it",
    "DiskSlow": "takes a block device of which one can say how slow it is: the kernel's (dm-delay, null_blk) are modules that"
    " many machines lack, loop devices are not watched, and slowing down the disk that all share would harm everything on it",
    "ProbeGaps": "a probe that hangs is started anew within seconds of a drill, before a room's history has passed it by",
    "RuleEvaluationFailing": "a rule that fails is a defect of the rule: no fault outside of Prometheus is known that makes one"
    " fail; tested on series",
    "RulesLate": "takes a Prometheus that is starved of processor time for minutes, and with it everything else on the machine",
    "PrometheusStorageFails": "what Prometheus compacts and truncates it does every two hours; a file damaged sooner would be a"
    " fault in Prometheus",
    "BackupTooOld": "takes two intervals, of which the shortest is ten minutes; proven on series",
    "BackupFailed": "a backup stops Prometheus, by which drills are timed: tests/live/test_backup.py makes one fail, and waits",
    "AIModelDrift": "takes a day of another market to compare with",
    **dict.fromkeys(
        ("SLOBurnRate6h", "SLOBurnRate1d", "SLOBurnRate3d"),
        "windows of six hours to three days: proven on backfilled blocks in a real Prometheus",
    ),
}


def settings() -> dict[str, Any]:
    """What the drills change in site.yaml: how large a fault must be, and how soon models are judged."""
    declared = catalog.signals()["system.memory_usage"].warning
    assert declared
    return {
        "alerts": {
            "HighMemoryUsage": {"threshold": memory_threshold(10, declared)},
            "PostgresLongTransaction": {"threshold": 20},
            "PostgresIdleInTransaction": {"threshold": 20},
            "PostgresSlotGrowing": {"threshold": 20 << 20},
            "RedisSnapshotOld": {"threshold": 60},
            "DatabasePartitionsMissing": {"threshold": 32 * 86_400},
            "OpenFilesNearLimit": {"threshold": open_files_threshold()},
            "PostgresPendingRestart": {"for": "10m"},
            "ScrapeSlow": {"threshold": 0.2},
            "AIModelStale": {"threshold": 60},
        },
        # As many predictions within that minute (the window is scaled, too) as an hour has otherwise.
        "analysis": {"every": "10s"},
        "exporters": {"model_quality": {"window": "10m"}, "series_limit": SERIES},
        "stream": {"sources": sources()},
        "receivers": receivers(),
        # Of 46 connections that end each second there is always one on its way back: a scrape would see 45 now and then.
        "database": {"statement_timeout": "5s", "maintain": "5s"},
    }


def find(name: str) -> Drill | None:
    """The drill of that alert."""
    return next((drill for drill in DRILLS if drill.alert == name), None)
