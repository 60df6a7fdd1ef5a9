"""One instance's part in the bus: it follows all rooms, and writes those whose lease it holds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

from redis.exceptions import ResponseError

from metrics import bus
from metrics.instruments import Instruments
from metrics.model import Sample
from settings import Paths, Site
from settings.paths import BUS_USER
from settings.secrets import bus_password
from stream.bus import scripts
from stream.bus.entries import epoch
from stream.bus.follower import Follower
from stream.bus.leases import EVERY, LENGTH, Leases
from stream.bus.link import AWAY, Address, Link, Place
from stream.bus.publisher import Publisher
from stream.hub import Hub
from stream.loop import ended
from stream.messages import CANARY, MARKET, ONCHAIN, SENTIMENT, Update

OWNERS = {MARKET: "market", ONCHAIN: "onchain", SENTIMENT: "sentiment", CANARY: "canary"}  # room -> lease
JOIN_WITHIN = 5.0  # seconds that a start waits for the bus; it goes on without it
_STOP_WITHIN = 1.0
_TRIM_EVERY = 2.0  # seconds
_LOG = logging.getLogger("watchfloor.stream.bus")


class Bus:
    """Make it within the loop. `replicas`: so many must have an entry for it to be accepted."""

    def __init__(self, address: Address, hub: Hub, replicas: int = 0) -> None:
        self._counts = Instruments(bus.COUNTED)
        self._hub = hub
        self._places = {room: Place() for room in OWNERS}
        self._link = Link(address, self._places, self._counts)
        self.leases = Leases(OWNERS.values(), time.monotonic, self._counts)
        self._publisher = Publisher(self._link, self.leases, self._places, OWNERS, counts=self._counts, replicas=replicas)
        self._follower = Follower(self._link, self._places, hub, self._counts)
        self._me = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._tasks: list[asyncio.Task[None]] = []
        self._trimmed = 0.0

    def on_heard(self, told: Callable[[str], None]) -> None:
        """Has `told` called with each room for which something has come."""
        self._follower.heard = told

    def publish(self, update: Update) -> bool:
        """Takes an update for all instances; False when it is refused, which is counted. Raises KeyError and TypeError."""
        return self._publisher.publish(update)

    async def join(self, within: float = JOIN_WITHIN) -> None:
        """Begins, and waits until all that the bus holds is read, or it turns out to be away, or that time is over."""
        self._tasks = [
            asyncio.create_task(self._forever(part)) for part in (self._follower.run, self._publisher.run, self._lease)
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._follower.settled.wait()

    async def _forever(self, part: Callable[[], Awaitable[None]]) -> None:
        """Runs a part; should it raise, which it does not by design, that is told, and it goes on from a new connection."""
        while True:
            try:
                await part()
            except Exception as error:  # noqa: BLE001  # a task's edge: without it an instance would stand still unsaid
                _LOG.exception("bus failed, it begins anew", extra={"event": "bus_failed"})
                self._link.lost(error)
                await asyncio.sleep(1.0)

    async def stop(self) -> None:
        """Writes what waits, frees the leases for others, lets go."""
        if self._link.up:
            await self._publisher.drain(_STOP_WITHIN)
        await ended(self._tasks)
        if self._link.up:
            with contextlib.suppress(TimeoutError, *AWAY):  # they expire by themselves
                keys = [scripts.lease(name) for name in self.leases.names]
                async with asyncio.timeout(_STOP_WITHIN):
                    await self._link.run(scripts.RELEASE, keys, self.leases.values)
        await self._link.close()

    async def _lease(self) -> None:
        """Asks for the leases, again and again; ends those that could not be prolonged in time."""
        keys = [scripts.DATASET] + [key for name in self.leases.names for key in (scripts.lease(name), scripts.token(name))]
        while True:
            self.leases.expire()
            if self._link.up and self._follower.loaded.is_set():
                await self._ask(keys)
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.0))  # noqa: S311  # instances must not ask all at once

    async def _ask(self, keys: list[str]) -> None:
        asked = time.monotonic()
        arguments = [self._link.dataset, self._me, round(LENGTH * 1000), *self.leases.values]
        try:
            values = await self._link.run(scripts.LEASES, keys, arguments)
            self._publisher.fence(self.leases.answered([value.decode() for value in values], asked))
            if asked > self._trimmed + _TRIM_EVERY:
                self._trimmed = asked
                await self._trim()
        except AWAY as error:
            if not isinstance(error, ResponseError) or "OOM" not in str(error):
                self._link.lost(error)

    async def _trim(self) -> None:
        """The streams of the rooms that are ours keep what our history keeps."""
        for room, name in OWNERS.items():
            kept, here = self._hub.rooms.all[room], self._places[room].here
            if self.leases.held(name) and kept.epoch == epoch(self._link.dataset, here.generation) and kept.history.first:
                least = f"{here.generation}-{kept.history.first}"
                await self._link.command("XTRIM", scripts.entries(room), "MINID", "~", least)

    @property
    def degraded(self) -> list[str]:
        """What is wrong with it, in sentences; empty when nothing is."""
        if not self._link.up:
            return [self._link.trouble]
        rooms = ", ".join(sorted(self._publisher.unconfirmed))
        return [f"bus: the replica does not confirm entries of {rooms}"] if rooms else []

    def collect(self) -> Iterator[Sample]:
        """The samples of now."""
        yield bus.UP.sample(int(self._link.up))
        yield bus.JOINED.sample(1)
        yield bus.PENDING.sample(len(self._publisher))
        yield bus.UNCONFIRMED.sample(int(bool(self._publisher.unconfirmed)))
        yield from self.leases.collect()
        yield from self._counts.collect()


def alone() -> Iterator[Sample]:
    """The same of a process that needs no bus: it runs everything."""
    yield bus.UP.sample(1)
    yield bus.JOINED.sample(0)
    yield bus.PENDING.sample(0)
    yield bus.UNCONFIRMED.sample(0)
    for name in bus.LEASES:
        yield bus.LEASE.sample(1, name)
    yield from Instruments(bus.COUNTED).collect()


def build_bus(site: Site, hub: Hub) -> Bus:
    """The bus of a site. Raises SettingsError for a password's file that cannot be used."""
    given = site.stream.bus
    url = given.url or f"redis://{site.host_of(site.ports.bus)}:{site.ports.bus}"
    password = bus_password(site, Paths.from_environment())
    user = given.username if given.url or not password else BUS_USER
    return Bus(Address(url, user, password), hub, given.replicas)
