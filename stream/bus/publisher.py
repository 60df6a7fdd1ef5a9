"""Writes an instance's updates to the bus: in order, many at a time, each once, as long as it holds the room's lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError

from metrics import bus
from metrics.instruments import Instruments
from stream.bus import scripts
from stream.bus.entries import NOWHERE, Position, pack
from stream.bus.leases import Leases
from stream.bus.link import AWAY, Link, Place, replaced
from stream.fanout import now_ms
from stream.messages import Update

LIMIT, BATCH = 10_000, 200  # updates that wait, all rooms together; updates written at once
CONFIRM_MS = 100  # within which the replica has an entry too
_ASK_AGAIN = 1.0  # seconds between two questions whether a replica that did not confirm is back
_LOG = logging.getLogger("watchfloor.stream.bus")


class _Waiting(NamedTuple):
    since: float
    symbol: str
    value: bytes


class Publisher:
    """Takes updates of the rooms of `owners`, each of which has a lease, and writes them."""

    def __init__(
        self, link: Link, leases: Leases, places: Mapping[str, Place], owners: Mapping[str, str], *,
        counts: Instruments, replicas: int,
    ) -> None:  # fmt: skip
        self._link, self._leases, self._places, self._owners, self._counts = link, leases, places, owners, counts
        self._replicas = replicas
        self._rooms = {name: room for room, name in owners.items()}
        self._waiting: dict[str, deque[_Waiting]] = {room: deque() for room in owners}
        self._written = dict.fromkeys(owners, 0)  # updates of each room that were written, or given up
        self._accepted = dict.fromkeys(owners, NOWHERE)
        self._number = 0
        self._wake, self._empty = asyncio.Event(), asyncio.Event()
        self._writer = secrets.token_hex(6)
        self._ask_after = 0.0
        self.unconfirmed: set[str] = set()  # rooms whose entries the replica did not confirm

    def __len__(self) -> int:
        return self._number

    def publish(self, update: Update) -> bool:
        """Takes an update; False when too many wait, or another instance holds the room's lease.

        Raises KeyError for no such room, TypeError for data that JSON does not know.
        """
        waiting = self._waiting[update.room]
        if not self._leases.held(self._owners[update.room]):
            self._counts.inc(bus.REFUSED, "fenced")
            return False
        if self._number >= LIMIT:
            self._counts.inc(bus.REFUSED, "full")
            return False
        waiting.append(_Waiting(time.monotonic(), update.symbol, pack(update, now_ms())))
        self._number += 1
        self._wake.set()
        self._empty.clear()
        return True

    def fence(self, names: Sequence[str]) -> None:
        """Another instance holds these leases, or has held them since: what waits under them is stale."""
        for name in names:
            room = self._rooms[name]
            self._give_up(room, len(self._waiting[room]), "fenced")

    def _give_up(self, room: str, number: int, reason: str) -> None:
        if number:
            self._counts.inc(bus.REFUSED, reason, by=number)
            self._done(room, number)

    def _done(self, room: str, number: int) -> None:
        waiting = self._waiting[room]
        number = min(number, len(waiting))  # a fence that came while a batch was on its way has emptied it already
        for _ in range(number):
            waiting.popleft()
        self._number -= number
        self._written[room] += number
        if not self._number:
            self._empty.set()

    async def run(self) -> None:
        """Writes until it is cancelled."""
        while True:
            await self._wake.wait()
            await self._link.ready()
            self._wake.clear()
            for room, waiting in self._waiting.items():
                if waiting and self._leases.held(self._owners[room]):
                    await self._attempt(room)
            if self._number:
                self._wake.set()
                if not any(waiting and self._leases.held(self._owners[room]) for room, waiting in self._waiting.items()):
                    await asyncio.sleep(0.05)  # until the lease is back, or lost for good

    async def _attempt(self, room: str) -> None:
        try:
            await self._write(room)
        except ResponseError as error:
            await self._refused(room, error)
        except AWAY as error:
            self._link.lost(error)

    async def _refused(self, room: str, error: ResponseError) -> None:
        words = str(error)
        name = self._owners[room]
        if "FENCED" in words:
            self._leases.drop(name)  # what waits is stale when another one holds it: the next answer about leases tells
        elif isinstance(error, NoScriptError | ReadOnlyError):
            self._link.lost(error)
        elif "LOST" in words:
            try:
                known = max(self._places[room].here, self._accepted[room])
                await self._link.renew(room, known.generation, "lost")
                self._accepted[room] = NOWHERE
            except AWAY as away:
                self._link.lost(away)
        else:
            _LOG.error("the bus takes no entries: %s", words, extra={"event": "bus_refuses", "reason": words})
            self._give_up(room, min(BATCH, len(self._waiting[room])), "redis")

    async def _write(self, room: str) -> None:
        waiting, here = self._waiting[room], max(self._places[room].here, self._accepted[room])
        batch = [waiting[index] for index in range(min(BATCH, len(waiting)))]
        keys = [
            scripts.DATASET, scripts.lease(self._owners[room]), scripts.state(room), scripts.entries(room), scripts.latest(room)
        ]  # fmt: skip
        head = [
            self._link.dataset, self._leases.value(self._owners[room]), here.generation, here.seq, self._writer,
            self._written[room] + 1,
        ]  # fmt: skip
        asks = bool(self._replicas) and (room not in self.unconfirmed or time.monotonic() >= self._ask_after)
        after = ("WAIT", self._replicas, CONFIRM_MS) if asks else ()
        given = [word for item in batch for word in (item.symbol, item.value)]
        answers = await self._link.pipe(scripts.PUBLISH, keys, [*head, *given], *after)
        self._accepted[room] = accepted = Position(*map(int, replaced(answers[0])))
        if asks:
            await self._confirmed(room, accepted.generation, replaced(answers[1]) >= self._replicas)
        now = time.monotonic()
        for item in batch:
            self._counts.observe(bus.PUBLISH_DURATION, now - item.since)
        self._counts.inc(bus.PUBLISHED, by=len(batch))
        self._done(room, len(batch))

    async def _confirmed(self, room: str, generation: int, confirmed: bool) -> None:  # noqa: FBT001  # Redis's answer
        if confirmed:
            self.unconfirmed.clear()
            return
        self._ask_after = time.monotonic() + _ASK_AGAIN
        if room not in self.unconfirmed:
            self.unconfirmed.add(room)
            await self._link.renew(room, generation, "unconfirmed")

    async def drain(self, seconds: float) -> None:
        """Waits until all is written, but no longer."""
        if self._number:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
