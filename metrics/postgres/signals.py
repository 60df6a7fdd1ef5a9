"""What an operator asks of a PostgreSQL server: is it there, has it room, what stands in the way, is it kept in order.

Keys are the values of the label `signal` on alerts.
"""

from __future__ import annotations

from metrics.model import Signal, Unit
from metrics.postgres import activity, database, indexes, replication, server, tables, writing
from metrics.query import raw

TARGET = ("cluster", "job", "instance")
DATABASE = (*TARGET, "datname")
TABLE = (*DATABASE, "schemaname", "relname")
SLOT = (*TARGET, "slot_name")
_LAST_XID = 2**31  # transactions; the server refuses to write some millions before

# -- is it there, has it room? ---------------------------------------------------------------------------------------
UP = Signal(
    "PostgreSQL up",
    server.UP.select().min(by=TARGET),
    Unit.BOOL,
    "1 when the last scrape reached the server and asked it, else 0.",
    critical=1, bad_below=True, minimum=1, maximum=1,
    alerts={"critical": "PostgresDown"},
)  # fmt: skip
_USED = database.BACKENDS.select().sum(by=TARGET)
_FREE_TO_ALL = server.MAX_CONNECTIONS.select().max(by=TARGET) - server.RESERVED_CONNECTIONS.select().max(by=TARGET)
CONNECTIONS = Signal(
    "Connections used",
    _USED / _FREE_TO_ALL.compare(">", 0),
    Unit.RATIO,
    "Connections, as a share of those that the server allows to anybody but superusers.",
    warning=0.8, minimum=0.1, maximum=1,
    why="Above 80 % one more pool, or one deploy that doubles them, finds none left.",
    alerts={"warning": "PostgresConnectionsNearLimit"},
)  # fmt: skip
CACHE_HIT = Signal(
    "Cache hit ratio",
    database.BLOCKS_HIT.rate().sum(by=DATABASE)
    / (database.BLOCKS_HIT.rate().sum(by=DATABASE) + database.BLOCKS_READ.rate().sum(by=DATABASE)).compare(">", 0),
    Unit.RATIO,
    "Share of blocks that were found in the server's own cache.",
    warning=0.9, bad_below=True, minimum=0.1, maximum=1,
    why="A working set that fits into memory is found there nearly always; below 90 % disks decide how fast queries are.",
    alerts={"warning": "PostgresCacheHitLow"},
)  # fmt: skip

_BLOCKS = database.BLOCKS_HIT.rate().sum(by=DATABASE) + database.BLOCKS_READ.rate().sum(by=DATABASE)
BLOCKS_NEEDED = Signal(
    "Databases that read",
    _BLOCKS.compare(">", 1000),
    Unit.PER_SECOND,
    "Databases that need more than 1,000 blocks a second: of fewer a share says nothing.",
)
RESTARTED = Signal(
    "Restarted",
    server.START_TIME.select().max(by=TARGET) - server.START_TIME.select().over("min_over_time", "15m").max(by=TARGET),
    Unit.SECONDS,
    "How much later the server started than it had started 15 min ago: 0 but after a restart.",
    warning=1, minimum=0.1, maximum=86_400, why="The time of the start changes by a restart alone.",
    alerts={"warning": "PostgresRestarted"},
)  # fmt: skip

# -- does anything stand in the way? ---------------------------------------------------------------------------------
LONG_TRANSACTION = Signal(
    "Oldest transaction",
    activity.TRANSACTION_AGE.select().max(by=DATABASE),
    Unit.SECONDS,
    "Age of the oldest transaction under way.",
    warning=1800, minimum=1, maximum=604_800,
    why="While it runs, vacuum removes no row that died since; half an hour leaves room for reports and small dumps.",
    alerts={"warning": "PostgresLongTransaction"},
)  # fmt: skip
IDLE_TRANSACTION = Signal(
    "Idle in transaction",
    activity.IDLE_AGE.select().max(by=DATABASE),
    Unit.SECONDS,
    "How long the longest idle connection with an open transaction has been idle.",
    warning=300, minimum=1, maximum=86_400,
    why="A transaction that nobody goes on with is forgotten: it holds its locks, and keeps vacuum off.",
    alerts={"warning": "PostgresIdleInTransaction"},
)  # fmt: skip
LOCK_WAIT = Signal(
    "Longest wait for a lock",
    activity.WAIT_AGE.select().max(by=DATABASE),
    Unit.SECONDS,
    "How long the longest query that waits for a lock has run.",
    warning=60, minimum=1, maximum=86_400,
    why="A minute is longer than any client waits; behind one that waits others queue.",
    alerts={"warning": "PostgresLockWait"},
)  # fmt: skip
DEADLOCKS = Signal(
    "Deadlocks in 10 min",
    database.DEADLOCKS.increase("10m").sum(by=DATABASE),
    Unit.COUNT,
    "Deadlocks of the last ten minutes: each ended a transaction with an error.",
    warning=3, minimum=0, maximum=1_000_000,
    why="One is bad luck; several within minutes are two programs that lock in opposite order.",
    alerts={"warning": "PostgresDeadlocks"},
)  # fmt: skip

_ROLLBACKS, _COMMITS = database.ROLLBACKS.rate().sum(by=DATABASE), database.COMMITS.rate().sum(by=DATABASE)
ROLLBACKS = Signal(
    "Rollback ratio",
    _ROLLBACKS / (_ROLLBACKS + _COMMITS).compare(">", 0),
    Unit.RATIO,
    "Share of transactions that were rolled back.",
    warning=0.2, minimum=0.01, maximum=1,
    why="Some programs end every reading by a rollback; where most commit, one in five means that they fail.",
    alerts={"warning": "PostgresRollbacks"},
)  # fmt: skip
TRANSACTIONS = Signal(
    "Databases in use",
    (_ROLLBACKS + _COMMITS).compare(">", 1),
    Unit.PER_SECOND,
    "Databases with more than one transaction a second: of fewer a share says nothing.",
)

# -- is it kept in order? --------------------------------------------------------------------------------------------
XID = Signal(
    "Transaction ids used",
    database.XID_AGE.select().max(by=DATABASE) / _LAST_XID,
    Unit.RATIO,
    "Age of the oldest transaction id that is not frozen, as a share of 2^31, where the server refuses to write.",
    warning=0.6, minimum=0.05, maximum=0.95,
    why="Autovacuum freezes at 10 %, whatever it is set to otherwise: at 60 % it has not managed to for very long.",
    alerts={"warning": "PostgresXidWraparound"},
)  # fmt: skip
_DEAD = tables.DEAD.select().max(by=TABLE)
DEAD_ROWS = Signal(
    "Dead rows",
    _DEAD / (_DEAD + tables.LIVE.select().max(by=TABLE)).compare(">", 0),
    Unit.RATIO,
    "Share of a table's rows that are dead and not yet removed.",
    warning=0.4, minimum=0.01, maximum=1,
    why="Autovacuum comes at 20 %; at twice that it is off, blocked, or too slow for this table.",
    alerts={"warning": "PostgresDeadRows"},
)  # fmt: skip
MANY_DEAD_ROWS = Signal(
    "Tables with many dead rows",
    _DEAD.compare(">", 100_000),
    Unit.COUNT,
    "Tables with more than 100,000 dead rows: in smaller ones the share says nothing.",
)
SEQUENCE = Signal(
    "Sequence used",
    indexes.SEQUENCE_USED.select().max(by=(*DATABASE, "schemaname", "sequencename")),
    Unit.RATIO,
    "Share of its values that a sequence has given out.",
    warning=0.8, minimum=0.5, maximum=1,
    why="At the end every insert fails; changing the column's type rewrites the table, which takes planning.",
    alerts={"warning": "PostgresSequenceNearEnd"},
)  # fmt: skip
PARTITION_TIME_LEFT = Signal(
    "Time left in partitions",
    raw(
        "max by (cluster, job, instance, datname, schemaname, relname) (pg_partitions_end_timestamp_seconds) - time()",
        tables.PARTITION_END,
        panel="max by (cluster, job, instance, datname, schemaname, relname) "
        '(pg_partitions_end_timestamp_seconds{cluster=~"$cluster", job=~"$job", instance=~"$instance"}) - time()',
    ),
    Unit.SECONDS,
    "How long until rows of now fit into no partition of the table.",
    warning=86_400, bad_below=True, minimum=3600, maximum=31_536_000,
    why="A day is time enough to make one by hand, and later than anything that makes them ahead of time would leave it.",
    alerts={"warning": "PostgresPartitionMissing"},
)  # fmt: skip

PENDING_RESTART = Signal(
    "Settings that wait for a restart",
    server.PENDING_RESTART.select().sum(by=TARGET),
    Unit.COUNT,
    "Settings that were changed and count from the next restart on.",
    warning=0, minimum=0, maximum=1000, why="Whoever changed it believes that it counts.",
    alerts={"warning": "PostgresPendingRestart"},
)  # fmt: skip

# -- does it write, archive, replicate? ------------------------------------------------------------------------------
REPLICATION_LAG = Signal(
    "Replication lag",
    replication.LAG.select().max(by=TARGET),
    Unit.SECONDS,
    "How far a standby's replay is behind its primary.",
    warning=30, minimum=0.1, maximum=86_400,
    why="Readers of the standby see the past, and a failover loses or waits for as much.",
    alerts={"warning": "PostgresReplicationLag"},
)  # fmt: skip
SLOT_BEHIND = Signal(
    "WAL kept for a slot",
    replication.SLOT_BEHIND.select().max(by=SLOT),
    Unit.BYTES,
    "WAL that the server keeps because the slot's reader has not confirmed it.",
    warning=5 * 2**30, minimum=2**20, maximum=2**50,
    why="It grows until the disk is full, and then the server stops.",
    alerts={"warning": "PostgresSlotGrowing"},
)  # fmt: skip
_UP_TO_16, _FROM_17 = (one.increase("30m").sum(by=TARGET) for one in (writing.REQUESTED, writing.NUM_REQUESTED))
CHECKPOINTS = Signal(
    "Checkpoints asked for",
    _UP_TO_16.binary("or", _FROM_17, ""),
    Unit.COUNT,
    "Checkpoints of the last 30 min that came because WAL was full, or somebody asked, not by time.",
    warning=6, minimum=0, maximum=1000,
    why="One in five minutes: each writes every changed page, and then whole pages into WAL again.",
    alerts={"warning": "PostgresCheckpointsRequested"},
)  # fmt: skip
ARCHIVE_FAILURES = Signal(
    "WAL files not archived",
    writing.ARCHIVE_FAILED.increase("15m").sum(by=TARGET),
    Unit.COUNT,
    "Attempts to archive a WAL file that failed in the last 15 min.",
    warning=2, minimum=0, maximum=1_000_000,
    why="The server tries again after a minute at most: more than two are no accident.",
    alerts={"warning": "PostgresArchivingFails"},
)  # fmt: skip

SIGNALS: dict[str, Signal] = {
    "postgres.up": UP,
    "postgres.connections": CONNECTIONS,
    "postgres.cache_hit": CACHE_HIT,
    "postgres.blocks_needed": BLOCKS_NEEDED,
    "postgres.restarted": RESTARTED,
    "postgres.rollbacks": ROLLBACKS,
    "postgres.transactions": TRANSACTIONS,
    "postgres.pending_restart": PENDING_RESTART,
    "postgres.checkpoints": CHECKPOINTS,
    "postgres.long_transaction": LONG_TRANSACTION,
    "postgres.idle_transaction": IDLE_TRANSACTION,
    "postgres.lock_wait": LOCK_WAIT,
    "postgres.deadlocks": DEADLOCKS,
    "postgres.xid": XID,
    "postgres.dead_rows": DEAD_ROWS,
    "postgres.many_dead_rows": MANY_DEAD_ROWS,
    "postgres.sequence": SEQUENCE,
    "postgres.partition_time_left": PARTITION_TIME_LEFT,
    "postgres.replication_lag": REPLICATION_LAG,
    "postgres.slot_behind": SLOT_BEHIND,
    "postgres.archive_failures": ARCHIVE_FAILURES,
}
