"""What PostgreSQL's catalog and statistics say of our tables: read once, as plain rows, for `findings` to judge."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from stream.store.pool import Connection


class Statement(Struct, frozen=True):
    """A normalised statement of pg_stat_statements; times in milliseconds."""

    query: str
    calls: int
    mean_ms: float
    rows: int


class Index(Struct, frozen=True):
    """An index; that of a partitioned table stands for those of its partitions, whose figures are added up."""

    schema: str
    table: str
    name: str
    definition: str
    columns: list[str]
    bytes: int
    scans: int
    read: int
    table_scans: int
    constraint: bool  # primary key, unique or exclusion constraint, or unique without one
    foreign_key: bool  # its first columns are those of a foreign key of the table
    partitioned: bool
    valid: bool


class Relation(Struct, frozen=True):
    """A table, or a partition; `expected` are the bytes that its rows would need, by their mean widths (0: unknown)."""

    schema: str
    name: str
    bytes: int
    expected: int
    live: int
    dead: int
    modified: int  # rows since the last ANALYZE
    analyzed: bool
    sequential: int
    sequential_rows: int
    by_index: int
    columns: list[str]


class ForeignKey(Struct, frozen=True):
    """A foreign key, and whether an index begins with its columns."""

    schema: str
    table: str
    name: str
    columns: list[str]
    indexed: bool


class Catalog(Struct, frozen=True):
    """All of it. `statements` None: pg_stat_statements is not there. `age` of the statistics in seconds."""

    statements: list[Statement] | None
    indexes: list[Index]
    relations: list[Relation]
    foreign_keys: list[ForeignKey]
    age: float
    standbys: int


_STATEMENTS = """
SELECT query, calls, mean_exec_time AS mean_ms, rows FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY mean_exec_time DESC LIMIT 500
"""
# Of a partitioned index the children's figures count, at any depth.
_INDEXES = """
WITH RECURSIVE tree AS (
  SELECT i.indexrelid AS root, i.indexrelid AS child FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT c.relispartition
  UNION ALL SELECT tree.root, inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.child
), figures AS (
  SELECT root, sum(pg_relation_size(child))::bigint AS bytes, coalesce(sum(idx_scan), 0)::bigint AS scans,
         coalesce(sum(idx_tup_read), 0)::bigint AS read,
         coalesce(sum((SELECT coalesce(seq_scan, 0) + coalesce(t.idx_scan, 0) FROM pg_stat_all_tables t
                       WHERE t.relid = s.relid)), 0)::bigint AS table_scans
  FROM tree LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = tree.child GROUP BY root
), described AS (
  SELECT i.*, ARRAY(SELECT coalesce(a.attname::text, '(expression)') FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (num, place)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num AND k.num <> 0 ORDER BY place) AS columns
  FROM pg_index i
)
SELECT n.nspname AS schema, t.relname AS table, c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, i.columns,
       f.bytes, f.scans, f.read, f.table_scans, c.relkind = 'I' AS partitioned, i.indisvalid AS valid,
       i.indisunique OR i.indisexclusion OR EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) AS constraint,
       EXISTS (SELECT 1 FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = i.indrelid
               AND k.conkey <@ (i.indkey::int2[])[0:cardinality(k.conkey) - 1]) AS foreign_key
FROM figures f JOIN described i ON i.indexrelid = f.root JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2, 3
"""
# Bytes that rows would need: their columns' mean widths, 28 bytes of header and line pointer, and a tenth for alignment.
_RELATIONS = """
SELECT s.schemaname AS schema, s.relname AS name, pg_relation_size(s.relid)::bigint AS bytes,
       coalesce((SELECT sum(w.avg_width * (1 - w.null_frac)) + 28 FROM pg_stats w
                 WHERE w.schemaname = s.schemaname AND w.tablename = s.relname) * s.n_live_tup * 1.1, 0)::bigint AS expected,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS modified,
       s.last_analyze IS NOT NULL OR s.last_autoanalyze IS NOT NULL AS analyzed,
       coalesce(s.seq_scan, 0) AS sequential, coalesce(s.seq_tup_read, 0) AS sequential_rows, coalesce(s.idx_scan, 0) AS by_index,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = s.relid AND attnum > 0 AND NOT attisdropped) AS columns
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE c.relkind = 'r' ORDER BY 1, 2
"""
_FOREIGN_KEYS = """
SELECT n.nspname AS schema, t.relname AS table, k.conname AS name,
       ARRAY(SELECT attname::text FROM unnest(k.conkey) WITH ORDINALITY c (num, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.num ORDER BY place) AS columns,
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
               AND k.conkey <@ (i.indkey::int2[])[0:cardinality(k.conkey) - 1]) AS indexed
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype = 'f' AND NOT t.relispartition ORDER BY 1, 2, 3
"""
_STATE = """
SELECT extract(epoch FROM now() - coalesce(stats_reset, (SELECT pg_postmaster_start_time())))::float8 AS age,
       (SELECT count(*) FROM pg_stat_replication) AS standbys,
       EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements')
         AND current_setting('shared_preload_libraries') ~ 'pg_stat_statements' AS statements
FROM pg_stat_database WHERE datname = current_database()
"""


async def read(connection: Connection) -> Catalog:
    """Reads it on a connection in autocommit whose rows are dicts. Raises psycopg.Error."""
    (state,) = await _rows(connection, _STATE)
    found: dict[str, Any] = {
        "statements": await _rows(connection, _STATEMENTS) if state["statements"] else None,
        "indexes": await _rows(connection, _INDEXES),
        "relations": await _rows(connection, _RELATIONS),
        "foreign_keys": await _rows(connection, _FOREIGN_KEYS),
        "age": state["age"] or 0.0,
        "standbys": state["standbys"],
    }
    return msgspec.convert(found, Catalog)


async def _rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await (await connection.execute(query.encode())).fetchall()]
