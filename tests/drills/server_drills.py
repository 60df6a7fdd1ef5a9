"""The drills of PostgreSQL as a server: its own, a standby and one that is old."""

from __future__ import annotations

from tests.drills.drill import Drill
from tests.drills.server_faults import (
    ask_for_checkpoints,
    change_without_restart,
    grow_old,
    pause_standby,
    restart_server,
    roll_back,
    scan,
)

_DISK = frozenset({"DiskFillingUp", "HighCPUUsage", "ProbeCanaryLate"})

SERVER = (
    Drill("PostgresRestarted", "somebody starts PostgreSQL anew", restart_server(), frozenset({"CacheHitRatioLow"})),
    Drill("PostgresRollbacks", "two hundred transactions a second of a program fail", roll_back(200)),
    Drill("PostgresCacheHitLow", "reports read 160 MB from end to end, again and again", scan(), _DISK),
    Drill("PostgresCheckpointsRequested", "a program asks for a checkpoint after each change", ask_for_checkpoints(), _DISK),
    # Its `for` is an hour, which is cut to ten minutes: a drill in which nothing happens for six proves no more than one of one.
    Drill("PostgresPendingRestart", "a setting is changed that the next start takes", change_without_restart(), still=True),
    Drill(
        "PostgresReplicationLag",
        "a standby stops replaying, while its primary writes on",
        pause_standby(),
        fleet=True,
        still=True,
    ),
    Drill(
        "PostgresXidWraparound",
        "a server is 1.4 billion transactions old, and never frozen",
        grow_old(),
        frozenset({"PostgresDown"}),
        fleet=True,
        still=True,
    ),
)
