"""What the rooms know now, as the API tells it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeAlias

from stream.api.types import Currency, Market, OnChain, Sentiment, Technical, Totals
from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update

Snapshot: TypeAlias = Callable[[str], Sequence[Update]]  # a room's newest update of each symbol


def currencies(snapshot: Snapshot) -> list[Currency]:
    """Every symbol of which a room knows something, by symbol."""
    rooms = {room: {update.symbol: update.data for update in snapshot(room)} for room in (MARKET, ONCHAIN, SENTIMENT)}
    symbols = sorted({symbol for known in rooms.values() for symbol in known})
    return [_currency(symbol, {room: known.get(symbol) for room, known in rooms.items()}) for symbol in symbols]


def _currency(symbol: str, rooms: Mapping[str, Mapping[str, Any] | None]) -> Currency:
    market, chain, mood = rooms[MARKET], rooms[ONCHAIN], rooms[SENTIMENT]
    return Currency(
        symbol=symbol,
        market=Market(**_taken(Market, market)) if market else None,
        technical=Technical(**_taken(Technical, market)) if market else None,
        onchain=OnChain(**_taken(OnChain, chain)) if chain else None,
        sentiment=Sentiment(**_taken(Sentiment, mood)) if mood else None,
    )


def _taken(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in kind.__struct_fields__ if name in data} | {"at": data["time"]}


def totals(known: Sequence[Currency]) -> Totals:
    """The market at one look."""
    changes = [one.market.change_24h for one in known if one.market and one.market.change_24h is not None]
    moods = [one.sentiment.fear_greed_index for one in known if one.sentiment and one.sentiment.fear_greed_index is not None]
    return Totals(
        symbols=len(known), rising=sum(change > 0 for change in changes), falling=sum(change < 0 for change in changes),
        mean_change_24h=round(fmean(changes), 4) if changes else None, fear_greed_index=round(fmean(moods), 2) if moods else None,
    )  # fmt: skip
