"""What the workload's role may do with each table: exactly what its statements need, given by the owner after each migration.

A row reaches its partition through the table above, whose rights count: a partition needs none of its own. A PostgreSQL of the
site's own has no such role, and nobody there is given anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import psycopg
from psycopg import sql

from settings.paths import APP_USER

Rights: TypeAlias = frozenset[tuple[str, str]]  # of a table or sequence: its name, a right
_LOOKED_AT, _KEPT = ("SELECT",), ("SELECT", "INSERT")
TABLES: Mapping[str, tuple[str, ...]] = {
    "schema_version": _LOOKED_AT,
    "cryptocurrencies": _KEPT,
    "price_history": _KEPT,
    "on_chain_metrics": _KEPT,
    "technical_metrics": _KEPT,
    "sentiment_data": _KEPT,
    "analysis_history": _KEPT,
    "store_journals": (*_KEPT, "UPDATE"),
    "ai_predictions": (*_KEPT, "UPDATE", "DELETE"),
}
_COUNTING = ("price_history", "on_chain_metrics", "technical_metrics", "sentiment_data", "analysis_history")
_GIVEN = """
SELECT c.relname, c.relkind = 'S', a.privilege_type FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = to_regrole(current_user::text) AND a.grantee = to_regrole(%s)
"""


def wanted() -> Rights:
    """Every right that the role is to have."""
    tables = {(table, right) for table, rights in TABLES.items() for right in rights}
    return frozenset(tables | {(f"{table}_id_seq", "USAGE") for table in _COUNTING})


def give(connection: psycopg.Connection, role: str = APP_USER) -> None:
    """Gives the role what it lacks of the connected owner's tables, and takes what is too much; the caller commits."""
    if connection.execute("SELECT to_regrole(%s) <> to_regrole(current_user::text)", (role,)).fetchone() != (True,):
        return  # none there, or none but the owner itself
    rows = connection.execute(_GIVEN, (role,)).fetchall()
    sequences = {f"{table}_id_seq" for table in _COUNTING} | {name for name, sequence, _ in rows if sequence}
    given = frozenset((name, right) for name, _, right in rows)
    for verb, to, rights in (("REVOKE", "FROM", given - wanted()), ("GRANT", "TO", wanted() - given)):
        for name, right in sorted(rights):
            kind = "SEQUENCE" if name in sequences else "TABLE"
            words = f"{verb} {right} ON {kind} public.{{}} {to} {{}}"
            connection.execute(sql.SQL(words).format(sql.Identifier(name), sql.Identifier(role)))
