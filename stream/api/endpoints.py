"""The operations on data: currencies, dashboard, signals, market conditions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET

from stream.api import live
from stream.api.asking import Asking
from stream.api.codes import ApiCode
from stream.api.fresh import CONDITIONS, SIGNALS, Fresh, Made
from stream.api.live import Snapshot
from stream.api.operations import Answer, Asked, Operation
from stream.api.types import (
    AnalysisTold,
    Chosen,
    ChosenAlerts,
    Conditions,
    Cryptocurrencies,
    Currency,
    Dashboard,
    Listed,
    Page,
    Signals,
    Source,
)
from stream.cache.kinds import ANALYSIS, OF_ROOM
from stream.cache.sink import room_key
from stream.messages import MARKET
from stream.problems import ProblemError

_KEEP = 1.0  # seconds for which the same bytes serve
_LIFETIME = 5  # seconds after an answer's content was made, for which the edge may keep it; it is purged when the data change
_OWN = 1  # the same for clients, whom no purge reaches
_STALE = 10  # seconds for which the edge may tell what is past that while it asks anew
_RETRY = {"Retry-After": "1"}
_T = TypeVar("_T")


class StoreAwayError(Exception):
    """The data store does not answer, or there is none."""


class Store(Protocol):
    """What is asked of the data store; each raises StoreAwayError."""

    async def listed(self, active: bool | None, limit: int, offset: int) -> list[Listed]:  # noqa: FBT001  # a column's value
        """Currencies by symbol."""
        ...

    async def currencies(self) -> list[Currency]:
        """The newest that is stored of every currency."""
        ...

    async def analyses(self) -> list[AnalysisTold]:
        """The latest analyses."""
        ...


@dataclass(frozen=True)
class Data:
    """What the operations tell from."""

    snapshot: Snapshot
    fresh: Fresh
    store: Store
    asking: Asking = field(default_factory=lambda: Asking(None))


def operations(data: Data) -> tuple[Operation, ...]:
    """All of them, for these data."""
    away = (HTTPStatus.SERVICE_UNAVAILABLE,)
    return (
        Operation(
            "/api/cryptocurrencies", "The currencies that are followed, by symbol, page by page.",
            "From the data store; while it is away, the symbols of which the feed tells.",
            Cryptocurrencies, Lists(data).cryptocurrencies, query=Page, errors=away,
            tags=(*_tags(MARKET), "api:listed"), rooms=(MARKET,),
        ),
        Operation(
            "/api/dashboard", "The market at one look: totals, every symbol, the latest analyses.",
            "From the feed as it is now; without one, the newest that the data store has of the last day.",
            Dashboard, Lists(data).dashboard, query=Chosen, errors=away,
            tags=(*_tags(*OF_ROOM), ANALYSIS.name, "api:currencies", "api:analyses"), rooms=tuple(OF_ROOM),
        ),
        data.asking.operation(),
        Operation(
            "/api/trading-signals-fast", "Trading signals, from the cache only.",
            "Made once a second; `age` and the header `Age` tell how old they are. Votes of indicators, no advice.",
            Signals, Fast(data).signals, query=Chosen, errors=away, tags=(SIGNALS,), rooms=(MARKET,),
        ),
        Operation(
            "/api/alerts-fast", "Market conditions past their limits, from the cache only.",
            "Moves, volume, sentiment, risk beyond `stream.api.conditions`; not the appliance's alerts. Made once a second.",
            Conditions, Fast(data).alerts, query=ChosenAlerts, errors=away, tags=(CONDITIONS,), rooms=tuple(OF_ROOM),
        ),
    )  # fmt: skip


def _tags(*rooms: str) -> tuple[str, ...]:
    """The keys under which rooms are kept, which each of their updates purges, and their kinds, for who invalidates these."""
    return tuple(tag for room in rooms for tag in (room_key(room), OF_ROOM[room].name))


class Lists:
    """Answers from the feed and the data store."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def cryptocurrencies(self, asked: Asked) -> Answer:
        """A page of currencies, with the price of now."""
        page: Page = asked.query
        now = time.time()
        known = {one.symbol: one for one in live.currencies(self._data.snapshot)}
        source: Source = "database"
        active = None if page.active is UNSET else page.active
        try:
            found: list[Listed] | None = await self._data.store.listed(active, page.limit + 1, page.offset)
        except StoreAwayError as error:
            if not known:
                raise _away(error) from None
            found = None
        if found is None or (known and not found and page.offset == 0):  # a store that has heard of nobody yet
            source = "live"
            symbols = list(known) if active is not False else []
            chosen = symbols[page.offset : page.offset + page.limit + 1]
            found = [Listed(id=symbol, symbol=symbol, name=symbol, is_active=True) for symbol in chosen]
        more = len(found) > page.limit
        told = Cryptocurrencies(
            cryptocurrencies=[_priced(one, known.get(one.symbol)) for one in found[: page.limit]],
            limit=page.limit, offset=page.offset, next=page.offset + page.limit if more else None, source=source,
            generated_at=round(now * 1000), age=0.0,
        )  # fmt: skip
        return _answer(told, now, now, told.cryptocurrencies)

    async def dashboard(self, asked: Asked) -> Answer:
        """Totals, symbols, analyses."""
        query: Chosen = asked.query
        now, source = time.time(), "live"
        known = live.currencies(self._data.snapshot)
        analyses: list[AnalysisTold] = []
        try:
            if not known:
                source, known = "database", await self._data.store.currencies()
            analyses = await self._data.store.analyses()
        except StoreAwayError as error:
            if not known:
                raise _away(error) from None
        chosen = _chosen(known, query)
        told = Dashboard(
            totals=live.totals(known), currencies=chosen, analyses=analyses, source=msgspec.convert(source, Source),
            generated_at=round(now * 1000), age=0.0,
        )  # fmt: skip
        return _answer(told, now, now, (told.totals, chosen, analyses))


class Fast:
    """Answers from the cache alone."""

    def __init__(self, data: Data) -> None:
        self._fresh = data.fresh

    async def signals(self, asked: Asked) -> Answer:
        """The trading signals of the chosen symbols."""
        made, now = _there(await self._fresh.signals()), time.time()
        chosen = _chosen(made.values, asked.query)
        told = Signals(signals=chosen, generated_at=round(made.at * 1000), age=_age(made, now))
        return _answer(told, made.at, now, chosen)

    async def alerts(self, asked: Asked) -> Answer:
        """The market conditions of the chosen symbols."""
        query: ChosenAlerts = asked.query
        made, now = _there(await self._fresh.conditions()), time.time()
        chosen = [one for one in _chosen(made.values, query) if query.severity in (UNSET, one.severity)]
        told = Conditions(alerts=chosen, generated_at=round(made.at * 1000), age=_age(made, now))
        return _answer(told, made.at, now, chosen)


def _answer(told: msgspec.Struct, made: float, now: float, identity: Any) -> Answer:
    lifetime = _LIFETIME if now - made < _LIFETIME else 0
    return Answer(told, made, keep=_KEEP, lifetime=lifetime, own=_OWN, stale=_STALE, identity=identity)


def _age(made: Made, now: float) -> float:
    return round(max(0.0, now - made.at), 3)


def _there(made: Made | None) -> Made:
    if made is None:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, ApiCode.NO_DATA, headers=_RETRY)
    return made


def _away(error: StoreAwayError) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, ApiCode.UNAVAILABLE, str(error), _RETRY)


def _chosen(values: Sequence[_T], query: Chosen) -> list[_T]:
    wanted = query.wanted
    return [one for one in values if wanted is None or one.symbol in wanted]  # type: ignore[attr-defined]  # all of them have one


def _priced(listed: Listed, known: Currency | None) -> Listed:
    market = known.market if known else None
    if market is None:
        return listed
    return msgspec.structs.replace(listed, price=market.price, change_24h=market.change_24h, price_at=market.at)


class NoStore:
    """For a server without a data store."""

    async def listed(self, active: bool | None, limit: int, offset: int) -> list[Listed]:  # noqa: FBT001, ARG002  # the protocol's
        """Raises StoreAwayError."""
        raise StoreAwayError("this server has no data store")

    async def currencies(self) -> list[Currency]:
        """Raises StoreAwayError."""
        raise StoreAwayError("this server has no data store")

    async def analyses(self) -> list[AnalysisTold]:
        """Raises StoreAwayError."""
        raise StoreAwayError("this server has no data store")
