"""What the workload asks of its data store. Every function may raise what `stream.store.errors` lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from psycopg import sql
from psycopg.types.json import Jsonb

from stream.store.database import Database
from stream.store.records import TABLES, Analysis, Cryptocurrency, NewAnalysis, OnChain, Price, Sentiment, Technical

Row = TypeVar("Row", Price, OnChain, Technical, Sentiment)
MOST = 10_000  # rows that one question may ask for
_ANALYSIS = sql.SQL("id, crypto_id, timestamp, analysis_type, signal, confidence, reasoning, risk_level, analysis_data")
_ADD = sql.SQL(
    "INSERT INTO analysis_history "
    "(crypto_id, analysis_type, signal, confidence, reasoning, risk_level, analysis_data, timestamp) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, coalesce(%s, now())) RETURNING {}"
).format(_ANALYSIS)


def _columns(kind: type[msgspec.Struct], table: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, field.encode_name) for field in msgspec.structs.fields(kind))


def _latest_query(kind: type[Any]) -> sql.Composed:
    # One look into (crypto_id, timestamp) a currency: a DISTINCT ON would read every row of the table.
    return sql.SQL(
        "SELECT {columns} FROM cryptocurrencies c CROSS JOIN LATERAL ("
        "SELECT * FROM {table} WHERE crypto_id = c.id AND timestamp > now() - %(within)s::interval "
        "ORDER BY timestamp DESC LIMIT 1) AS newest "
        "WHERE %(ids)s::text[] IS NULL OR c.id = ANY(%(ids)s) ORDER BY c.id"
    ).format(columns=_columns(kind, "newest"), table=sql.Identifier(TABLES[kind]))


_LATEST = {kind: _latest_query(kind) for kind in TABLES}


async def cryptocurrencies(
    database: Database, *, active: bool | None = None, limit: int = 100, offset: int = 0
) -> list[Cryptocurrency]:
    """Currencies by symbol; `active` None: all of them."""
    return await database.fetch(
        "cryptocurrencies", Cryptocurrency,
        "SELECT id, symbol, name, coin_gecko_id, is_active, created_at, updated_at FROM cryptocurrencies "
        "WHERE %(active)s::boolean IS NULL OR is_active = %(active)s ORDER BY symbol LIMIT %(limit)s OFFSET %(offset)s",
        {"active": active, "limit": min(limit, MOST), "offset": offset},
    )  # fmt: skip


async def latest(database: Database, kind: type[Row], ids: Sequence[str] | None = None, *, within: str = "1 day") -> list[Row]:
    """The newest row of a kind of each currency (of `ids`), by id; `within` is an interval of PostgreSQL, older rows are none."""
    return await database.fetch(
        "latest", kind, _LATEST[kind], {"ids": list(ids) if ids is not None else None, "within": within}
    )  # fmt: skip


async def price_range(database: Database, crypto_id: str, start: datetime, end: datetime, *, limit: int = 1000) -> list[Price]:
    """Prices from `start` (in) to `end` (out), the newest first, at most `limit` (10,000)."""
    return await database.fetch(
        "prices", Price,
        "SELECT crypto_id, timestamp, price, volume_24h, market_cap, change_24h FROM price_history "
        "WHERE crypto_id = %s AND timestamp >= %s AND timestamp < %s ORDER BY timestamp DESC LIMIT %s",
        (crypto_id, start, end, min(limit, MOST)),
    )  # fmt: skip


async def recent_analyses(
    database: Database, crypto_id: str | None = None, analysis_type: str | None = None, *, limit: int = 50
) -> list[Analysis]:
    """Analyses, the newest first; of one currency, of one type, where given."""
    given = {"crypto_id": crypto_id, "analysis_type": analysis_type}
    conditions = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name, value in given.items() if value
    ]
    query = sql.SQL("SELECT {} FROM analysis_history {} {} ORDER BY timestamp DESC LIMIT %(limit)s").format(
        _ANALYSIS, sql.SQL("WHERE" if conditions else ""), sql.SQL(" AND ").join(conditions)
    )
    return await database.fetch("analyses", Analysis, query, given | {"limit": min(limit, MOST)})


async def add_analysis(database: Database, new: NewAnalysis) -> Analysis:
    """Keeps what a model said; the row as it stands. Raises psycopg's ForeignKeyViolation for an unknown currency."""
    async with database.writing("add_analysis") as connection:
        cursor = await connection.execute(
            _ADD,
            (
                new.crypto_id, new.analysis_type, new.signal, new.confidence, new.reasoning, new.risk_level,
                Jsonb(new.analysis_data, dumps=msgspec.json.encode), new.timestamp,
            ),
        )  # fmt: skip
        row = await cursor.fetchone()
    database.rows("add_analysis", 1)
    return msgspec.convert(row, Analysis)
