"""What the warmer loads: the store's newest rows, in the shape in which the feed puts its values into the cache.

So a reader of `market-data:BTC` cannot tell who wrote it, and finds a value also while a source is away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from stream.cache.kinds import ANALYSIS, CRYPTO_METRICS, MARKET_DATA, SENTIMENT_DATA, Kind, key
from stream.cache.warming import Source
from stream.store.database import Database
from stream.store.queries import MOST, cryptocurrencies, latest, recent_analyses
from stream.store.records import Analysis, OnChain, Price, Sentiment, Technical

_RECENT = 500  # analyses that one round looks at: a hundred currencies' latest by each of five models

Load = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]


def sources(database: Database) -> dict[str, Source]:
    """One source a kind, all on that store; while it is away their calls raise what `stream.store.errors` lists."""
    return {
        MARKET_DATA.name: Rows(database, MARKET_DATA, (Price, Technical)),
        CRYPTO_METRICS.name: Rows(database, CRYPTO_METRICS, (OnChain,)),
        SENTIMENT_DATA.name: Rows(database, SENTIMENT_DATA, (Sentiment,)),
        ANALYSIS.name: Analyses(database),
    }


class Rows:
    """The newest row of each table of a kind, joined, by the currency's symbol."""

    def __init__(self, database: Database, kind: Kind, tables: Sequence[type[Any]]) -> None:
        self._database, self._kind, self._tables = database, kind, tables

    async def keys(self) -> Sequence[str]:
        """One key for each active currency."""
        found = await cryptocurrencies(self._database, active=True, limit=MOST)
        return [key(self._kind, currency.symbol) for currency in found]

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        """The values of those of which the first table has a row."""
        symbols = {
            currency.id: currency.symbol
            for currency in await cryptocurrencies(self._database, active=True, limit=MOST)
            if key(self._kind, currency.symbol) in set(keys)
        }
        main, *more = [await latest(self._database, table, list(symbols)) for table in self._tables]
        values = {row.crypto_id: {"symbol": symbols[row.crypto_id], **_plain(row)} for row in main}
        for row in (row for rows in more for row in rows if row.crypto_id in values):
            values[row.crypto_id] = _plain(row) | values[row.crypto_id]
        return {key(self._kind, symbols[crypto_id]): value for crypto_id, value in values.items()}


class Analyses:
    """The newest analysis of each type of each currency, by the currency's id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self) -> Sequence[str]:
        """The keys of what was analysed of late."""
        return list(await self._recent())

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        """Those of these keys that were analysed of late."""
        found = await self._recent()
        return {name: _plain(found[name]) for name in keys if name in found}

    async def _recent(self) -> dict[str, Analysis]:
        newest: dict[str, Analysis] = {}
        for row in await recent_analyses(self._database, limit=_RECENT):  # the newest first
            newest.setdefault(key(ANALYSIS, row.crypto_id, row.analysis_type), row)
        return newest


def _plain(row: msgspec.Struct) -> dict[str, Any]:
    """A row as the feed tells it: exact decimals as text, its time in ms UTC, nothing that is not known."""
    fields = msgspec.structs.asdict(row)
    moment: datetime = fields.pop("timestamp")
    told = {
        name: format(value, "f") if isinstance(value, Decimal) else value for name, value in fields.items() if value is not None
    }
    return told | {"time": round(moment.timestamp() * 1000)}
