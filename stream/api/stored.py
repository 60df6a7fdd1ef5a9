"""What the API asks of the data store, through the cache where there is one; no answer is one error, whatever the cause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
import psycopg

from stream.api.endpoints import StoreAwayError
from stream.api.types import AnalysisTold, Currency, Listed, Market, OnChain, Sentiment, Technical
from stream.cache.answer import Answer
from stream.store import queries, records
from stream.store.database import Database
from stream.store.errors import StoreError

_PATIENCE = 1.0  # seconds for an answer: the feed knows more than a store that is slow
_AGAIN = 2.0  # seconds until a store that was away is asked again
_ANALYSES = 20
_TTL = {"listed": 60.0, "currencies": 10.0, "analyses": 10.0}  # seconds
_LOG = logging.getLogger("watchfloor.stream.api")
_T = TypeVar("_T")
_Part = TypeVar("_Part", Market, Technical, OnChain, Sentiment)


class Loads(Protocol):
    """The part of the cache that is used here."""

    async def load(self, key: str, loader: Callable[[], Awaitable[Any]], ttl: float | None = None) -> Answer:
        """A value, from the cache or the loader."""
        ...


class Stored:
    """The API's store over a database. `cache` None: every question goes to the database."""

    def __init__(self, database: Database, cache: Loads | None = None) -> None:
        self._database, self._cache = database, cache
        self._away_until = 0.0

    async def listed(self, active: bool | None, limit: int, offset: int) -> list[Listed]:  # noqa: FBT001  # a column's value
        """Currencies by symbol. Raises StoreAwayError."""

        async def load() -> list[Listed]:
            found = await queries.cryptocurrencies(self._database, active=active, limit=limit, offset=offset)
            return [
                Listed(id=one.id, symbol=one.symbol, name=one.name, is_active=one.is_active, coin_gecko_id=one.coin_gecko_id)
                for one in found
            ]

        return await self._asked("listed", f"{active}:{limit}:{offset}", list[Listed], load)

    async def currencies(self) -> list[Currency]:
        """The newest that is stored of every currency, of the last day. Raises StoreAwayError."""
        return await self._asked("currencies", "all", list[Currency], self._currencies)

    async def analyses(self) -> list[AnalysisTold]:
        """The latest analyses. Raises StoreAwayError."""

        async def load() -> list[AnalysisTold]:
            return [_analysis(one) for one in await queries.recent_analyses(self._database, limit=_ANALYSES)]

        return await self._asked("analyses", "latest", list[AnalysisTold], load)

    async def _currencies(self) -> list[Currency]:
        known = await queries.cryptocurrencies(self._database, active=True, limit=queries.MOST)
        prices = {one.crypto_id: one for one in await queries.latest(self._database, records.Price)}
        chains = {one.crypto_id: one for one in await queries.latest(self._database, records.OnChain)}
        technicals = {one.crypto_id: one for one in await queries.latest(self._database, records.Technical)}
        moods = {one.crypto_id: one for one in await queries.latest(self._database, records.Sentiment)}
        return [
            Currency(
                symbol=one.symbol, market=_taken(Market, prices.get(one.id)), technical=_taken(Technical, technicals.get(one.id)),
                onchain=_taken(OnChain, chains.get(one.id)), sentiment=_taken(Sentiment, moods.get(one.id)),
            )
            for one in known
        ]  # fmt: skip

    async def _asked(self, what: str, key: str, kind: type[_T], load: Callable[[], Awaitable[_T]]) -> _T:
        async def guarded() -> _T:
            # Nobody waits for a store that is known to be away; what the cache has is told all the same.
            if not self._database.answers or time.monotonic() < self._away_until:
                raise StoreAwayError("the data store does not answer")
            return await load()

        try:
            async with asyncio.timeout(_PATIENCE):
                if self._cache is None:
                    return await guarded()
                answer = await self._cache.load(f"api:{what}:{key}", _plain(guarded), _TTL[what])
        except (StoreError, psycopg.Error, TimeoutError) as error:
            self._away_until = time.monotonic() + _AGAIN
            if isinstance(error, psycopg.Error):
                _LOG.exception("the data store refused a question", extra={"event": "store_refused", "question": what})
            raise StoreAwayError("the data store does not answer") from error
        return msgspec.convert(answer.data, kind)


def _plain(load: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """The loader with values as the cache wants them."""

    async def plain() -> Any:
        return msgspec.to_builtins(await load())

    return plain


def _taken(kind: type[_Part], row: Any) -> _Part | None:
    """A row's columns that the API tells, with its time in ms; decimals as text."""
    if row is None:
        return None
    found: Mapping[str, Any] = msgspec.to_builtins(row, builtin_types=(datetime,))
    return kind(**{name: found[name] for name in kind.__struct_fields__ if name in found}, at=_ms(row.timestamp))


def _analysis(row: records.Analysis) -> AnalysisTold:
    return AnalysisTold(
        crypto_id=row.crypto_id, type=row.analysis_type, signal=row.signal, confidence=row.confidence, risk_level=row.risk_level,
        reasoning=row.reasoning, at=_ms(row.timestamp),
    )  # fmt: skip


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
