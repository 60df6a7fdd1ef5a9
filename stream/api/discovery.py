"""`GET /api/rooms`: what can be subscribed to. It is open to everybody: whoever must bring a token learns here which."""

from __future__ import annotations

import time
from collections.abc import Callable

from stream.api.operations import Answer, Asked, Operation
from stream.cache.kinds import OF_ROOM
from stream.cache.sink import room_key
from stream.messages import Rooms

_LIFETIME = 1  # seconds: its numbers count messages


def discovery(rooms: Callable[[], Rooms]) -> Operation:
    """The operation; `rooms` tells what is so now."""

    async def tell(_asked: Asked) -> Answer:
        told = rooms()
        return Answer(told, time.time(), lifetime=_LIFETIME, identity=(told.rooms, told.formats, told.protocol))

    return Operation(
        "/api/rooms", "What can be subscribed to: rooms, symbols, formats, scopes.",
        "The stream's `list` answers the same. `seq` is the number of a room's newest message.",
        Rooms, tell, tags=tuple(room_key(room) for room in OF_ROOM), open=True,
    )  # fmt: skip
