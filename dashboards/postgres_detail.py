"""The lower rows of Database Tables and Queries: tables, indexes, statements, writing, replication."""

from __future__ import annotations

from dashboards.layout import Cell, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics.model import Counter, Gauge, Unit
from metrics.postgres import activity, database, indexes, replication, server, statements, tables, writing
from metrics.postgres import signals as ask
from metrics.query import Expr
from settings import look

_TABLE = ("datname", "schemaname", "relname")
_NAME = "{{datname}} {{schemaname}}.{{relname}}"
_INSTANCE = ("instance",)


def rows(panels: Panels) -> list[Row]:
    """The rows, folded but for the statements."""
    return [_statements(panels), _tables(panels), _order(panels), _indexes(panels), _writing(panels), _replication(panels)]


def _row(title: str, found: list[Panel], *, folded: bool = True) -> Row:
    return Row(title, [Cell(panel, width=8) for panel in found], folded=folded)


def _busiest(counter: Counter, by: tuple[str, ...]) -> Expr:
    return counter.rate().sum(by=by).topk(MAX_SERIES)


def _largest(gauge: Gauge, by: tuple[str, ...]) -> Expr:
    return gauge.select().max(by=by).topk(MAX_SERIES)


def _statements(panels: Panels) -> Row:
    by, name = ("user", "datname", "queryid"), "{{user}}@{{datname}} {{queryid}}"
    text = "`select query from pg_stat_statements where queryid = …` shows it."
    found = [
        panels.timeseries(
            "Time by statement",
            "Seconds that statements ran, a second: the most. Normal: well below 1 together, which is one processor's worth. "
            + text,
            Query(_busiest(statements.SECONDS, by), name), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Calls by statement",
            f"Executions a second, the most. Normal: in step with the applications' requests. {text}",
            Query(_busiest(statements.CALLS, by), name), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Mean time by statement",
            f"Seconds an execution, the longest. Normal: as yesterday; a step is a new plan or a new release. {text}",
            Query(
                (statements.SECONDS.rate().sum(by=by) / statements.CALLS.rate().sum(by=by).compare(">", 0)).topk(MAX_SERIES), name
            ),
            unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return _row("Statements", found, folded=False)


def _tables(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Largest tables", "Size with indexes and TOAST. Normal: grows with the data. A jump without data: bloat.",
            Query(_largest(tables.SIZE, _TABLE), _NAME), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Sequential reads",
            "Rows a second read by scans of whole tables. Normal: small tables only. A large one: an index is missing.",
            Query(_busiest(tables.SEQ_READ, _TABLE), _NAME), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Rows written by table",
            "Rows inserted, updated and deleted, a second: the most. Normal: the tables that the applications write, in step "
            "with their requests. A jump without more requests: a job or a loop writes; Calls by statement names it.",
            Query(
                (tables.INSERTED.rate() + tables.UPDATED.rate() + tables.DELETED.rate()).sum(by=_TABLE).topk(MAX_SERIES), _NAME
            ),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Blocks read from disk by table",
            "Blocks of tables and indexes that were not in the cache, a second: the most. Normal: near 0 when the data in use "
            "fit into memory; a burst at a start or a backup. Steady: shared_buffers is small for the data in use, or a "
            "query scans the whole table.",
            Query((tables.HEAP_READ.rate() + tables.INDEX_READ.rate()).sum(by=_TABLE).topk(MAX_SERIES), _NAME),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Database sizes",
            "Disk space of the databases. Normal: rises slowly or is flat. A jump: Rows written by table tells which table "
            "grew.",
            Query(_largest(database.SIZE, ("instance", "datname")), "{{instance}} {{datname}}"), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Temporary files",
            "Bytes a second that queries wrote because work_mem was too small for them. Normal: 0. More: the server's "
            "log_temp_files names the queries; raise work_mem for them, or give them an index.",
            Query(_busiest(database.TEMP_BYTES, ("instance", "datname")), "{{instance}} {{datname}}"), unit=Unit.BYTES_PER_SECOND,
        ),
    ]  # fmt: skip
    return _row("Tables", found)


def _order(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Dead rows",
            "Dead rows that vacuum has yet to remove, the most. Normal: a saw. A ramp: something keeps vacuum off.",
            Query(_largest(tables.DEAD, _TABLE), _NAME), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Share of dead rows",
            "Share of rows that are dead, the largest. Normal: below 20 %; small tables jump.",
            Query(ask.DEAD_ROWS.expr.topk(MAX_SERIES), _NAME), unit=Unit.RATIO, signal=ask.DEAD_ROWS,
        ),
        panels.timeseries(
            "Bloat",
            "Space in tables that live rows do not need, estimated. Normal: some. Vacuum reuses it, it does not give it back.",
            Query(_largest(tables.BLOAT, _TABLE), _NAME), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Vacuums under way",
            "Share of the table that vacuums have scanned. Normal: empty most of the time; a line that rises to 1 and ends. "
            "One that stands still: autovacuum_vacuum_cost_limit slows it; raise it while it matters.",
            Query(tables.VACUUM_SCANNED.select().max(by=("datname", "relname"))
            / tables.VACUUM_BLOCKS.select().max(by=("datname", "relname")).compare(">", 0), "{{datname}} {{relname}}"),
            unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Oldest snapshot",
            "Age in transactions of the oldest snapshot: rows that died since cannot be removed. Normal: thousands. Millions: "
            "end the transaction that Oldest transaction shows, or drop a replication slot that nobody reads.",
            Query(_largest(activity.XMIN_AGE, ("instance", "datname")), "{{instance}} {{datname}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Prepared transactions",
            "Age of the oldest prepared transaction. Normal: 0. A forgotten one keeps locks and vacuum.",
            Query(_largest(database.PREPARED_AGE, ("instance", "datname")), "{{instance}} {{datname}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Time left in partitions", "Until rows of now fit into no partition. Normal: periods ahead.",
            Query(ask.PARTITION_TIME_LEFT, _NAME),
        ),
        panels.timeseries(
            "Rows in default partitions",
            "Rows that fitted into no other partition. Normal: 0. More: a partition was missing when they came; make it and "
            "move them there.",
            Query(_largest(tables.DEFAULT_ROWS, _TABLE), _NAME), unit=Unit.COUNT,
        ),
        panels.statetimeline(
            "Settings that wait for a restart",
            "Settings that were changed and count from the next restart on. Normal: none. Some: `SELECT name FROM pg_settings "
            "WHERE pending_restart` names them; restart when users can spare it.",
            Query(server.PENDING_RESTART.select().max(by=("instance", "name")), "{{instance}} {{name}}"),
            states=States("waits", "in force", one_colour=look.WARNING, zero_colour="transparent"),
        ),
    ]  # fmt: skip
    return _row("Is it kept in order?", found)


def _indexes(panels: Panels) -> Row:
    index, name = (*_TABLE, "indexrelname"), "{{relname}} {{indexrelname}}"
    found = [
        panels.timeseries("Largest indexes",
        "Size of the largest indexes. Normal: flat, or grows with its table. Grows while its table does not: `REINDEX INDEX "
        "CONCURRENTLY NAME` gives the room back.",
            Query(_largest(indexes.SIZE, index), name), unit=Unit.BYTES),
        panels.timeseries("Index scans",
        "Scans a second, the most used. Normal: the same indexes at the top, in step with the load. One that is gone from the "
        "top: run ANALYZE on its table, then EXPLAIN its query.",
            Query(_busiest(indexes.SCANS, index), name), unit=Unit.PER_SECOND),
        panels.timeseries(
            "Indexes of no use",
            "Indexes that are invalid, and those that no query has used since the statistics began. Normal: 0 invalid; a "
            "few unused ones on a young server. Invalid: make them anew.",
            Query(indexes.INVALID.select().sum(by=("instance", "datname")), "{{datname}} invalid"),
            Query(indexes.UNUSED.select().sum(by=("instance", "datname")), "{{datname}} unused"), unit=Unit.COUNT,
        ),
        panels.timeseries("Space of unused indexes",
        "Disk space that they take; each also costs every write. Normal: small beside Database sizes. Large: drop those that "
        "no standby uses and that guard no uniqueness.",
            Query(indexes.UNUSED_SIZE.select().sum(by=("instance", "datname")), "{{datname}}"), unit=Unit.BYTES),
        panels.timeseries("Sequences",
        "Share of its values that a sequence has given out, above a half. Normal: empty, as none is above a half.",
            Query(ask.SEQUENCE, "{{datname}} {{schemaname}}.{{sequencename}}")),
    ]  # fmt: skip
    return _row("Indexes and sequences", found)


def _writing(panels: Panels) -> Row:
    found = [
        panels.timeseries("WAL written",
        "Bytes of WAL a second. Normal: in step with Rows written by table. Bulk loads and full pages after checkpoints "
        "show.",
            Query(writing.WAL_POSITION.rate().sum(by=_INSTANCE)), unit=Unit.BYTES_PER_SECOND),
        panels.timeseries("WAL files",
            "Bytes in pg_wal. Normal: near max_wal_size. Above: archiving fails, or a slot keeps them.",
            Query(writing.WAL_SIZE.select().max(by=_INSTANCE)), unit=Unit.BYTES),
        panels.timeseries(
            "Checkpoints up to 16", "Checkpoints an hour. Normal: by time. Many requested: raise max_wal_size.",
            Query(writing.TIMED.increase("1h").sum(by=_INSTANCE), "{{instance}} by time"),
            Query(writing.REQUESTED.increase("1h").sum(by=_INSTANCE), "{{instance}} requested"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Checkpoints from 17 on", "Checkpoints an hour. Normal: by time. Many requested: raise max_wal_size.",
            Query(writing.NUM_TIMED.increase("1h").sum(by=_INSTANCE), "{{instance}} by time"),
            Query(writing.NUM_REQUESTED.increase("1h").sum(by=_INSTANCE), "{{instance}} requested"), unit=Unit.COUNT,
        ),
        panels.timeseries("Archiving failures",
        "Attempts to archive WAL that failed in the last hour. Normal: 0. More: the server's log has the words of "
        "archive_command; WAL piles up until it succeeds.",
            Query(writing.ARCHIVE_FAILED.increase("1h").sum(by=_INSTANCE)), unit=Unit.COUNT),
        panels.timeseries("I/O by process",
        "Reads and writes a second by kind of process, from 16 on. Normal: the checkpointer writes, client backends read "
        "little. Client backends that write much: the checkpointer is behind; raise bgwriter_lru_maxpages or shared_buffers.",
            Query(_busiest(writing.IO_READS, ("instance", "backend_type")), "{{backend_type}} read"),
            Query(_busiest(writing.IO_WRITES, ("instance", "backend_type")), "{{backend_type}} written"), unit=Unit.PER_SECOND),
    ]  # fmt: skip
    return _row("Writing", found)


def _replication(panels: Panels) -> Row:
    found = [
        panels.timeseries("Replication lag", "How far standbys are behind, as they see it. Normal: below a second.",
            Query(ask.REPLICATION_LAG)),
        panels.timeseries("Standbys behind",
        "Bytes of WAL that each connected standby has not replayed. Normal: near 0; empty without a standby. Grows without "
        "end: look at the standby's log, its disk, and the network to it.",
            Query(_largest(replication.BEHIND, ("instance", "application_name")), "{{instance}} {{application_name}}"),
            unit=Unit.BYTES),
        panels.timeseries("WAL kept for a slot",
            "WAL that is kept because a slot's reader has not confirmed it. Normal: near 0; empty without a slot. A ramp: "
            "it is gone.",
            Query(ask.SLOT_BEHIND, "{{instance}} {{slot_name}}")),
    ]  # fmt: skip
    return _row("Replication", found)
