"""What rooms begin with where neither the feed nor the cache knows anything: the newest that the data store has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import psycopg

from stream.cache.kinds import OF_ROOM
from stream.cache.warming import Source
from stream.messages import Update
from stream.rooms import Room
from stream.store.errors import StoreError

_PATIENCE = 1.0  # seconds for one room
_AGAIN = 5.0  # seconds until a store that was away is asked again
_LOG = logging.getLogger("watchfloor.stream")


class Recall:
    """Asks `sources` (by kind, as `stream.warmed` makes them) for each room that knows nothing, until each was answered once."""

    def __init__(self, rooms: Mapping[str, Room[Any]], sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._left = {name: rooms[name] for name in OF_ROOM if OF_ROOM[name].name in sources}

    async def look(self) -> None:
        """One attempt, for all rooms together."""
        await asyncio.gather(*(self._ask(name, room) for name, room in tuple(self._left.items())))

    async def run(self) -> None:
        """More attempts, while any is left."""
        while self._left:
            await asyncio.sleep(_AGAIN)
            await self.look()

    async def _ask(self, name: str, room: Room[Any]) -> None:
        if not room.latest:
            source = self._sources[OF_ROOM[name].name]
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = await source.load(await source.keys())
            except (StoreError, psycopg.Error, TimeoutError) as error:
                _LOG.debug("%s: nothing is known of before: %s", name, error)
                return
            for value in found.values():
                room.recall(Update(name, value["symbol"], value, value["time"]))
        del self._left[name]
