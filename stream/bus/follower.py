"""Reads the bus and hands its entries to the rooms: every instance does, whoever wrote them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from metrics import bus
from metrics.instruments import Instruments
from stream.bus import scripts
from stream.bus.entries import FIELD, MARK, Meaning, Position, epoch, judge, position, unpack
from stream.bus.link import AWAY, BLOCK_MS, Link, Place
from stream.fanout import now_ms
from stream.hub import Hub

COUNT = 500  # entries of a room that one call brings
_TURN = 100  # entries after which the loop may do something else
_FIRST, _LONGEST = 0.1, 2.0  # seconds between two attempts to reach it
_LOG = logging.getLogger("watchfloor.stream.bus")


class Follower:
    """Keeps an instance's rooms as the bus has them. `heard` is called with each room for which something has come."""

    def __init__(self, link: Link, places: dict[str, Place], hub: Hub, counts: Instruments) -> None:
        self._link, self._places, self._hub, self._counts = link, places, hub, counts
        self.heard: Callable[[str], None] = lambda _: None
        self.loaded = asyncio.Event()  # set once all has been read that was there
        self.settled = asyncio.Event()  # set then, or when the bus could not be reached

    async def run(self) -> None:
        """Reads until it is cancelled; while the bus is away, tries again and again."""
        wait = _FIRST
        while True:
            try:
                await self._link.open()
                await self._remember()
                wait = _FIRST
                while self._link.up:
                    await self._read()
            except AWAY as error:
                self._link.lost(error)
                self.settled.set()
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  # many instances must not come back at once
            wait = min(wait * 2, _LONGEST)

    async def _remember(self) -> None:
        """The latest entry of each symbol, for rooms that were not read yet: history may not reach back so far."""
        for room, place in self._places.items():
            if place.here.generation:
                continue
            for value in await self._link.command("HVALS", scripts.latest(room)):
                with contextlib.suppress(msgspec.MsgspecError):  # what is no entry is told of where it is read
                    self._hub.rooms.all[room].remember(unpack(room, 0, value).update)

    async def _read(self) -> None:
        streams = {scripts.entries(room): str(place.here) for room, place in self._places.items()}
        found = await self._link.command("XREAD", "COUNT", COUNT, "BLOCK", BLOCK_MS, "STREAMS", *streams, *streams.values())
        rooms = {scripts.entries(room).encode(): room for room in self._places}
        for stream, entries in found or ():
            await self._take_all(rooms[bytes(stream)], entries)
        if not self.loaded.is_set() and all(place.here >= self._link.targets[room] for room, place in self._places.items()):
            self.loaded.set()
            self.settled.set()

    async def _take_all(self, room: str, entries: Sequence[Any]) -> None:
        self.heard(room)
        for number, (written, fields) in enumerate(entries, 1):
            self._take(room, position(written), fields[0], fields[1])
            if number % _TURN == 0:
                await asyncio.sleep(0)

    def _take(self, room: str, there: Position, name: bytes, value: bytes) -> None:
        place = self._places[room]
        meaning = judge(place.here, there)
        if meaning is Meaning.OLD:
            return
        if meaning is Meaning.BEGIN:
            if place.here.generation:
                reason = value.decode(errors="replace") if name == MARK else "lost"
                self._counts.inc(bus.BROKEN, reason if reason in bus.BREAKS else "lost")
            self._hub.begin(room, epoch(self._link.dataset, there.generation), max(0, there.seq - 1))
        elif meaning is Meaning.SKIP:
            self._hub.skip(room, there.seq - 1)
        place.here, place.value = there, value
        if name == FIELD:
            self._hand_over(room, there.seq, value)

    def _hand_over(self, room: str, seq: int, value: bytes) -> None:
        self._counts.inc(bus.RECEIVED)
        try:
            read = unpack(room, seq, value)
        except msgspec.MsgspecError as error:
            _LOG.error("entry of %s is none of ours: %s", room, error, extra={"event": "entry_unusable"})
            self._hub.skip(room, seq)
            return
        self._counts.observe(bus.DELAY, max(0, now_ms() - read.entry.timestamp) / 1000)
        self._hub.take(read.update, read.entry, time.monotonic())
