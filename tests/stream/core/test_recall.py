"""What rooms begin with where nobody has told anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from stream.filters import EVERYTHING
from stream.history import Bounds
from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update
from stream.recall import Recall
from stream.rooms import Room
from stream.store.errors import UnavailableError


class Stored:
    """A source that is away at first."""

    def __init__(self, *values: dict[str, Any], away: int = 0) -> None:
        self._values, self.away, self.asked = values, away, 0

    async def keys(self) -> Sequence[str]:
        self.asked += 1
        if self.asked <= self.away:
            raise UnavailableError("no server answers")
        return [value["symbol"] for value in self._values]

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        return {value["symbol"]: value for value in self._values if value["symbol"] in keys}


def _rooms() -> dict[str, Room[object]]:
    return {name: Room(name, "epoch", Bounds(60, 100, 10_000)) for name in (MARKET, ONCHAIN, SENTIMENT)}


def test_a_room_that_knows_nothing_begins_with_what_is_stored_until_somebody_tells_more() -> None:
    rooms = _rooms()
    rooms[ONCHAIN].remember(Update(ONCHAIN, "ETH", {"symbol": "ETH", "mvrv": 2.0}, 9))
    market = Stored({"symbol": "BTC", "price": "1", "time": 5}, {"symbol": "ETH", "price": "2", "time": 6}, away=1)
    chain, mood = Stored({"symbol": "BTC", "mvrv": 1.0, "time": 5}), Stored()
    recall = Recall(rooms, {"market-data": market, "crypto-metrics": chain, "sentiment": mood})

    asyncio.run(recall.look())
    assert rooms[MARKET].initial(EVERYTHING) == []
    for _ in range(2):
        asyncio.run(recall.look())
    assert [(one.symbol, one.source_time) for one in rooms[MARKET].initial(EVERYTHING)] == [("BTC", 5), ("ETH", 6)]
    assert [one.symbol for one in rooms[ONCHAIN].initial(EVERYTHING)] == ["ETH"]
    assert (market.asked, chain.asked, mood.asked) == (2, 0, 1), "each is asked until it answers, and no more"
    assert rooms[MARKET].symbols == []

    rooms[MARKET].publish(Update(MARKET, "BTC", {"symbol": "BTC", "price": "3"}, 10), 10)
    assert [one.data["price"] for one in rooms[MARKET].initial(EVERYTHING)] == ["3"]
