"""What the rooms know now, as the API tells it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeAlias, TypeVar

import msgspec

from stream.api.types import Currency, Market, OnChain, Sentiment, Technical, Totals
from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update

Snapshot: TypeAlias = Callable[[str], Sequence[Update]]  # a room's newest update of each symbol
_Part = TypeVar("_Part", Market, Technical, OnChain, Sentiment)
_REQUIRED: Mapping[type[Any], frozenset[str]] = {
    kind: frozenset(field.name for field in msgspec.structs.fields(kind) if field.required)
    for kind in (Market, Technical, OnChain, Sentiment)
}


def currencies(snapshot: Snapshot) -> list[Currency]:
    """Every symbol of which a room knows something, by symbol."""
    rooms = {room: {update.symbol: update for update in snapshot(room)} for room in (MARKET, ONCHAIN, SENTIMENT)}
    symbols = sorted({symbol for known in rooms.values() for symbol in known})
    return [_currency(symbol, {room: known.get(symbol) for room, known in rooms.items()}) for symbol in symbols]


def _currency(symbol: str, rooms: Mapping[str, Update | None]) -> Currency:
    market, chain, mood = rooms[MARKET], rooms[ONCHAIN], rooms[SENTIMENT]
    return Currency(
        symbol=symbol,
        market=_taken(Market, market),
        technical=_taken(Technical, market),
        onchain=_taken(OnChain, chain),
        sentiment=_taken(Sentiment, mood),
    )


def _taken(kind: type[_Part], update: Update | None) -> _Part | None:
    """The part of an update that a type tells; None where the update lacks what the type must have.

    What tells no time of its own (a publisher of another kind, a value of an older version) is as old as its source said.
    """
    if update is None:
        return None
    data = update.data
    names = kind.__struct_fields__
    told = {name: data[name] for name in names if name in data} | {"at": data.get("time") or update.source_time}
    return kind(**told) if told.keys() >= _REQUIRED[kind] else None


def totals(known: Sequence[Currency]) -> Totals:
    """The market at one look."""
    changes = [one.market.change_24h for one in known if one.market and one.market.change_24h is not None]
    moods = [one.sentiment.fear_greed_index for one in known if one.sentiment and one.sentiment.fear_greed_index is not None]
    return Totals(
        symbols=len(known), rising=sum(change > 0 for change in changes), falling=sum(change < 0 for change in changes),
        mean_change_24h=round(fmean(changes), 4) if changes else None, fear_greed_index=round(fmean(moods), 2) if moods else None,
    )  # fmt: skip
