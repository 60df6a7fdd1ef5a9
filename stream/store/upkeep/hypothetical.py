"""What an index would gain, by hypopg: the planner is asked with an index that does not exist, and nothing is made or run.

Costs are the planner's, without a unit: their share tells, and is an estimate. Statements of pg_stat_statements have `$1` for
values, so that they are planned for any value (a generic plan).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from msgspec import structs

from stream.store.pool import Connection
from stream.store.upkeep.catalog import Catalog, Statement
from stream.store.upkeep.findings import Finding

_MOST = 5  # statements of a finding that are planned: those that are called most often
_THERE = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'hypopg') AS there"
_NAME = "watchfloor_hypothetical"
ABSENT = (
    "hypothetical gains are unknown: the extension hypopg is not there: install Debian's postgresql-VERSION-hypopg, then "
    "`make up`, or CREATE EXTENSION hypopg as a superuser"
)


async def with_gains(connection: Connection, catalog: Catalog, found: Sequence[Finding]) -> list[Finding] | None:
    """The findings, those that would make an index with what it would gain; None where hypopg is not there.

    `connection` is in autocommit, its rows are dicts.
    """
    row: Any = await (await connection.execute(_THERE)).fetchone()
    if not row["there"]:
        return None
    return [await _judged(connection, finding, _concerned(finding, catalog)) for finding in found]


def _concerned(finding: Finding, catalog: Catalog) -> list[Statement]:
    """The statements that a missing index would serve."""
    if finding.kind != "missing-index" or not finding.sql:
        return []
    words = [re.escape(word) for word in finding.subject]
    asked = [one for one in catalog.statements or () if all(re.search(rf"\b{word}\b", one.query) for word in words)]
    return sorted(asked, key=lambda one: -one.calls)[:_MOST]


async def _judged(connection: Connection, finding: Finding, statements: Sequence[Statement]) -> Finding:
    before = after = 0.0
    for statement in statements:
        try:
            plain, helped = await _costs(connection, statement.query, finding.sql.replace(" CONCURRENTLY", "", 1))
        except psycopg.Error:  # what cannot be planned so (a utility statement, a table that is gone) tells nothing
            await _clean(connection)
            continue
        before, after = before + plain * statement.calls, after + helped * statement.calls
    if not before:
        return finding
    gain = max(0.0, 1 - after / before)
    told = f"{finding.evidence}; with it the planner expects {gain:.0%} less cost of the statements that ask for it"
    return structs.replace(finding, evidence=told, gain=gain)


async def _costs(connection: Connection, query: str, index: str) -> tuple[float, float]:
    """The planner's cost without the index, and with it. Raises psycopg.Error, and then leaves things behind: `_clean`."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION READ ONLY; SET LOCAL plan_cache_mode = force_generic_plan")
        plain = await _cost(connection, query)
        await connection.execute("SELECT hypopg_create_index(%s)", (index,), prepare=False)
        helped = await _cost(connection, query)
        await connection.execute("SELECT hypopg_reset()", prepare=False)
    return plain, helped


async def _clean(connection: Connection) -> None:
    """Neither prepared statements nor hypothetical indexes end with the transaction that failed."""
    await connection.execute("SELECT hypopg_reset()", prepare=False)
    with contextlib.suppress(psycopg.errors.InvalidSqlStatementName):
        await connection.execute(f"DEALLOCATE {_NAME}")


async def _cost(connection: Connection, query: str) -> float:
    """The cost of one plan. The text is another program's: by the extended protocol, which takes one statement and no more."""
    count = max(map(int, re.findall(r"\$(\d+)", query)), default=0)
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    await connection.execute(f"PREPARE {_NAME} AS {query}".encode(), binary=True, prepare=False)
    row: Any = await (await connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {_NAME}{given}".encode())).fetchone()
    await connection.execute(f"DEALLOCATE {_NAME}")
    return float(row["QUERY PLAN"][0]["Plan"]["Total Cost"])
