"""The client that stays, in every room, over one connection: it counts what comes and what is lost, and resumes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from exporters.probe import talk
from exporters.probe.board import Board
from exporters.probe.causes import ProbeError, explained
from exporters.probe.goal import CANARY, Goal
from exporters.probe.link import Steps
from exporters.probe.track import Track
from exporters.probe.tries import identify
from metrics import probe as m

SILENCE = 5.0  # seconds without the canary, which comes once a second, after which the stream counts as stale
_WAITS = (0.2, 1.0, 2.0)  # seconds before the next attempt to connect; then the last one


class Follower:
    """Follows one target until cancelled. `timeout`: seconds for a connection to stand."""

    def __init__(self, goal: Goal, board: Board, timeout: float) -> None:
        self._goal, self._board, self._timeout = goal, board, timeout
        rooms = dict.fromkeys((*goal.target.rooms, CANARY))
        self._tracks = {room: Track(room) for room in rooms}
        self._failures = 0

    async def run(self) -> None:
        """Connects, follows, and connects again."""
        while True:
            failure = await self._once()
            self._board.counts.set(m.CONNECTED, 0)
            self._board.ended(m.STREAM, failure)
            self._failures += 1
            await asyncio.sleep(_WAITS[min(self._failures, len(_WAITS)) - 1])

    async def _once(self) -> ProbeError:
        """One connection, to its end; why it ended."""
        one: talk.Talk | None = None
        try:
            async with asyncio.timeout(self._timeout):
                place, token = self._goal.place, self._goal.token()
                one = await talk.opened(place, self._goal.trust(place), Steps())
                await identify(one, token)
                for track in self._tracks.values():
                    await one.say(track.request())
            self._board.counts.set(m.CONNECTED, 1)
            await self._follow(one)
        except TimeoutError:
            return ProbeError("timeout", f"no subscription within {self._timeout:g} s")
        except Exception as error:  # noqa: BLE001  # whatever a server does to a client, it connects again
            return explained(error)
        finally:
            if one:
                one.close()
                self._closed(one)
        return ProbeError("lost", "the connection ended")

    async def _follow(self, one: talk.Talk) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    message = await self._until_canary(one)
            except TimeoutError as error:
                raise ProbeError("stale", f"no message of the room {CANARY} within {SILENCE:g} s") from error
            self._failures = 0
            sent = message["data"]["sentAt"]
            self._board.counts.observe(m.CANARY, max(0.0, one.received - sent / 1000))
            self._board.ended(m.STREAM, None)

    async def _until_canary(self, one: talk.Talk) -> dict[str, Any]:
        """Takes messages up to the canary's next one, which comes back."""
        while True:
            message = await one.next()
            if message["type"] == "error":
                raise ProbeError("denied", f"the server says {message.get('code')!r} of a subscription")
            track = self._tracks.get(message.get("room", ""))
            if track is None:
                continue
            try:
                fresh = self._take(track, message)
                if fresh and track.room == CANARY and isinstance(message["data"]["sentAt"], int):
                    return message
            except (KeyError, TypeError) as error:
                raise ProbeError("protocol", f"a message of type {message['type']!r} lacks a field: {error}") from error

    def _take(self, track: Track, message: dict[str, Any]) -> bool:
        """Counts a message; whether it is data that the client did not have."""
        counts, found = self._board.counts, track.take(message)
        if found.kind == "gap":
            counts.inc(m.GAPS, track.room, found.reason)
            counts.inc(m.MISSED, track.room, by=found.missed)
        elif found.kind == "repeat":
            counts.inc(m.REPEATED, track.room)
        if message["type"] != "data" or found.kind == "repeat":
            return False
        counts.inc(m.MESSAGES, track.room)
        counts.set(m.LAST_MESSAGE, time.time(), track.room)
        return True

    def _closed(self, one: talk.Talk) -> None:
        code = str(one.code)
        self._board.counts.inc(m.CLOSES, code if code in m.CODES else "other")
