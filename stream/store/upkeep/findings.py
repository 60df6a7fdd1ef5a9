"""From the catalog to findings: what is slow, unused, missing or behind; the evidence; the SQL that helps; what may go wrong.

Pure. A finding is `safe` when `--apply` may run its SQL: nothing that could change an answer, block for long, or be missed by
somebody. An index is never proposed to be dropped when a constraint or a foreign key needs it, and never safe to drop while a
standby is attached (its reads are not counted here), while the statistics are young, or while it belongs to a partitioned table
(PostgreSQL drops those only under a lock).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from stream.store.upkeep.catalog import Catalog, Index, Relation

SLOW_MS, SLOW_MOST = 100.0, 10
STATISTICS_AGE = 7 * 86_400.0  # seconds after which "never used" means something
IDLE_SHARE = 0.1  # of the table's scans
_SEQUENTIAL, _LARGE = 50, 10_000  # scans; rows of a table for which they are a loss
_DEAD_SHARE, _DEAD = 0.2, 10_000
_MODIFIED_SHARE, _MODIFIED = 0.1, 1_000
_BLOATED, _BLOAT_BYTES = 2.0, 10 * 2**20


class Finding(Struct, frozen=True):
    """One finding; `sql` empty: a person has to look. `bytes`: what its SQL may free.

    `subject` are the names that a statement mentions which its SQL would serve; `gain` is the share of the planner's cost of such
    statements that it would save, None: unknown.
    """

    kind: str
    what: str
    evidence: str
    sql: str = ""
    risk: str = ""
    safe: bool = False
    bytes: int = 0
    subject: tuple[str, ...] = ()
    gain: float | None = None


def quoted(*names: str) -> str:
    """Identifiers as SQL takes them, joined by dots."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def findings(catalog: Catalog) -> list[Finding]:
    """Everything that is worth a look, by kind."""
    found = [
        *_statements(catalog), *_indexes(catalog), *_missing(catalog), *_foreign_keys(catalog), *_relations(catalog),
    ]  # fmt: skip
    return sorted(found, key=lambda finding: (finding.kind, -finding.bytes))


def _statements(catalog: Catalog) -> Iterator[Finding]:
    if catalog.statements is None:
        yield Finding(
            "no-statistics", "pg_stat_statements", "the extension is not made, or not preloaded: slow queries cannot be found",
            "CREATE EXTENSION pg_stat_statements", "needs a superuser, and shared_preload_libraries with a restart",
        )  # fmt: skip
        return
    slow = sorted((one for one in catalog.statements if one.mean_ms > SLOW_MS), key=lambda one: -one.mean_ms)
    for statement in slow[:SLOW_MOST]:
        text = " ".join(statement.query.split())
        yield Finding("slow-query", text[:500], f"{statement.mean_ms:.0f} ms on average, {statement.calls} calls")


def _indexes(catalog: Catalog) -> Iterator[Finding]:
    for index in catalog.indexes:
        name = quoted(index.schema, index.name)
        if not index.valid and not index.partitioned and not index.constraint:
            yield Finding(
                "invalid-index", name, f"of {index.table}: an attempt to make it was cut off; it costs and helps nobody",
                f"DROP INDEX CONCURRENTLY {name}", "it may still be in the making: look at pg_stat_progress_create_index",
                bytes=index.bytes,
            )  # fmt: skip
        elif index.valid and not index.constraint and not index.foreign_key:
            yield from _usage(index, name, catalog)


def _usage(index: Index, name: str, catalog: Catalog) -> Iterator[Finding]:
    days = catalog.age / 86_400
    if index.scans == 0 and index.read == 0:
        risks = []
        if catalog.age < STATISTICS_AGE:
            risks.append(f"the statistics are {days:.1f} days old only")
        if catalog.standbys:
            risks.append(f"{catalog.standbys} standbys are attached, whose reads are not counted here")
        if index.partitioned:
            risks.append("an index of a partitioned table is dropped under a lock")
        concurrently = "" if index.partitioned else "CONCURRENTLY "
        yield Finding(
            "unused-index", name, f"of {index.table}: not read once in {days:.1f} days, {index.bytes} bytes",
            f"DROP INDEX {concurrently}{name}", "; ".join(risks) or f"to have it back: {index.definition}",
            safe=not risks, bytes=index.bytes,
        )  # fmt: skip
    elif index.scans < IDLE_SHARE * index.table_scans:
        yield Finding(
            "idle-index", name, f"of {index.table}: {index.scans} of its {index.table_scans} scans in {days:.1f} days",
            risk="the few queries that use it may be the ones that need it", bytes=index.bytes,
        )  # fmt: skip


def _missing(catalog: Catalog) -> Iterator[Finding]:
    for relation in catalog.relations:
        frequent = relation.sequential >= _SEQUENTIAL and relation.sequential > relation.by_index
        if not frequent or relation.sequential_rows / relation.sequential < _LARGE:
            continue
        rows = relation.sequential_rows // relation.sequential
        evidence = f"{relation.sequential} scans of the whole table, {rows} rows each; {relation.by_index} by index"
        column = _asked_for(relation, catalog)
        table = quoted(relation.schema, relation.name)
        sql = f"CREATE INDEX CONCURRENTLY ON {table} ({quoted(column)})" if column else ""
        risk = "each index slows down writing" if sql else "no column stands out"
        yield Finding("missing-index", table, evidence, sql, risk, subject=(relation.name, column) if column else ())


def _asked_for(relation: Relation, catalog: Catalog) -> str:
    """The column that statements on the table compare most often and that no index begins with; empty when there is none."""
    first = {index.columns[0] for index in catalog.indexes if (index.schema, index.table) == (relation.schema, relation.name)}
    counts: Counter[str] = Counter()
    for statement in catalog.statements or ():
        if re.search(rf"\b{re.escape(relation.name)}\b", statement.query):
            for column in relation.columns:
                if column not in first and re.search(rf'\b{re.escape(column)}"?\s*(?:=|<|>|\bIN\b|\bBETWEEN\b)', statement.query):
                    counts[column] += statement.calls
    return counts.most_common(1)[0][0] if counts else ""


def _foreign_keys(catalog: Catalog) -> Iterator[Finding]:
    for key in catalog.foreign_keys:
        if not key.indexed:
            table, columns = quoted(key.schema, key.table), ", ".join(map(quoted, key.columns))
            yield Finding(
                "foreign-key-without-index", f"{table} {quoted(key.name)}",
                f"no index begins with {columns}: deleting what they refer to reads the whole table",
                f"CREATE INDEX CONCURRENTLY ON {table} ({columns})", "each index slows down writing",
            )  # fmt: skip


def _relations(catalog: Catalog) -> Iterator[Finding]:
    for relation in catalog.relations:
        name = quoted(relation.schema, relation.name)
        rows = relation.live + relation.dead
        if relation.dead >= _DEAD and relation.dead > _DEAD_SHARE * rows:
            yield Finding(
                "vacuum-behind", name, f"{relation.dead} of {rows} rows are dead", f"VACUUM (ANALYZE) {name}",
                "reads and writes the table beside the others", safe=True,
            )  # fmt: skip
        elif relation.modified >= _MODIFIED and (not relation.analyzed or relation.modified > _MODIFIED_SHARE * rows):
            yield Finding(
                "stale-statistics", name, f"{relation.modified} of {rows} rows have changed since the planner looked",
                f"ANALYZE {name}", "reads a sample of the table", safe=True,
            )  # fmt: skip
        waste = relation.bytes - relation.expected
        if relation.expected and relation.bytes > _BLOATED * relation.expected and waste > _BLOAT_BYTES:
            yield Finding(
                "bloat", name, f"{relation.bytes} bytes for rows that need about {relation.expected}", f"VACUUM (FULL) {name}",
                "nobody can read or write the table while it runs", bytes=waste,
            )  # fmt: skip
