"""The optimization service: reads, judges, reports; and, only when asked, runs what is safe.

What it runs, it runs one statement at a time outside a transaction (DROP INDEX CONCURRENTLY and VACUUM demand that), and gives up
a lock that it does not get within two seconds. Bytes freed are counted in the catalog, before and after.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from msgspec import Struct, field

from stream.store.pool import Connection
from stream.store.upkeep import catalog
from stream.store.upkeep.findings import Finding, findings
from stream.store.upkeep.hypothetical import ABSENT, with_gains

_LOCK_WAIT = "2s"


class Applied(Struct, frozen=True):
    """A statement that was run; `error` tells why it did nothing."""

    kind: str
    sql: str
    bytes_freed: int = 0
    error: str = ""


class Report(Struct, frozen=True):
    """What one run found and did; seconds, counts, bytes."""

    seconds: float
    slow_queries: int
    indexes_handled: int
    indexes_dropped: int
    statistics_updated: int
    bytes_freed: int
    findings: list[Finding]
    gains_known: bool = False  # hypopg was there
    applied: list[Applied] = field(default_factory=list)


async def optimize(connection: Connection, *, apply: bool = False) -> Report:
    """One run on a connection in autocommit whose rows are dicts. Raises psycopg.Error where it cannot read the catalog."""
    began = time.monotonic()
    await connection.execute(f"SET statement_timeout = 0; SET lock_timeout = '{_LOCK_WAIT}'".encode())
    try:
        read = await catalog.read(connection)
        found = findings(read)
        judged = await with_gains(connection, read, found)
        found = found if judged is None else judged
        applied = [await _apply(connection, finding) for finding in found if apply and finding.safe and finding.sql]
    finally:
        await connection.execute("RESET statement_timeout; RESET lock_timeout")
    done = [one for one in applied if not one.error]
    return Report(
        seconds=time.monotonic() - began,
        slow_queries=sum(finding.kind == "slow-query" for finding in found),
        indexes_handled=len(read.indexes),
        indexes_dropped=sum(one.kind == "unused-index" for one in done),
        statistics_updated=sum(one.kind in ("stale-statistics", "vacuum-behind") for one in done),
        bytes_freed=sum(one.bytes_freed for one in done),
        findings=found,
        gains_known=judged is not None,
        applied=applied,
    )


async def _apply(connection: Connection, finding: Finding) -> Applied:
    try:
        before = await _size(connection)
        await connection.execute(finding.sql.encode())
        return Applied(finding.kind, finding.sql, max(0, before - await _size(connection)))
    except psycopg.Error as error:
        return Applied(finding.kind, finding.sql, error=str(error).strip().splitlines()[0])


async def _size(connection: Connection) -> int:
    """Bytes of all tables and indexes outside the catalog."""
    query = (
        "SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint AS bytes "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'i', 'm')"
    )
    row: Any = await (await connection.execute(query)).fetchone()
    return int(row["bytes"])


def text(report: Report) -> str:
    """The report for a person."""
    lines = []
    for finding in report.findings:
        lines += [f"{finding.kind}: {finding.what}", f"    {finding.evidence}"]
        if finding.sql:
            lines.append(f"    {finding.sql};" + ("" if finding.safe else "   -- by hand"))
        if finding.risk:
            lines.append(f"    risk: {finding.risk}")
    for one in report.applied:
        lines.append(f"ran {one.sql}: " + (f"failed: {one.error}" if one.error else f"freed {one.bytes_freed} bytes"))
    if not report.gains_known and any(finding.kind == "missing-index" for finding in report.findings):
        lines.append(ABSENT)
    lines.append(
        f"{len(report.findings)} findings in {report.seconds:.2f} s: {report.slow_queries} slow queries, "
        f"{report.indexes_handled} indexes looked at, {report.indexes_dropped} dropped, {report.statistics_updated} statistics "
        f"updated, {report.bytes_freed} bytes freed"
    )
    return "\n".join(lines)
