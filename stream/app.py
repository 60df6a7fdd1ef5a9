"""Wiring of one stream server; it decides nothing."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from metrics import app
from metrics.model import Sample
from metrics.process import ProcessSamples
from settings import Site
from settings.hosts import known_names
from stream.admin import Admin, Source
from stream.analysis.client import AnalysisClient
from stream.analysis.horizons import horizons
from stream.api.asking import Asking
from stream.api.endpoints import Data, NoStore, operations
from stream.api.fresh import Fresh
from stream.api.stored import Stored
from stream.bus.bus import Bus, alone
from stream.cache.service import CacheService
from stream.canary import beat
from stream.events import ClientSubscription, Event
from stream.fanout import Fanout, now_ms
from stream.guard import Guard, GuardedRunner
from stream.history import Bounds
from stream.http import Door, Figures, public
from stream.hub import Hub
from stream.keeper import Times
from stream.limits import PerAddress, networks
from stream.listening import BoundedSite
from stream.loop import ended
from stream.manager import Publish, StreamManager, Turns
from stream.messages import ROOMS, RoomInfo, Rooms, Update
from stream.outlet import Outlet
from stream.pulse import Pulse
from stream.queue import PublisherQueue
from stream.recall import Recall
from stream.rooms import Rooms as RoomSet
from stream.session import Checker, Desk
from stream.store.database import Database
from stream.store.sink import StoreSink
from stream.tally import Tally
from stream.tls import Certificate
from stream.warmed import sources as stored
from stream.websocket import Endpoint

MakeFeed: TypeAlias = Callable[[Site, Publish, Turns | None], StreamManager]
MakeBus: TypeAlias = Callable[[Site, Hub], Bus]
_LOG = logging.getLogger("watchfloor.stream")


@dataclass(frozen=True)
class Sockets:
    """Listening sockets: for clients, and for metrics and health."""

    public: socket.socket
    admin: socket.socket


class Server:
    """One stream server on one event loop; make it within the loop.

    `feed` makes what fills the rooms; None: only the canary. `bus` makes what joins it with others; None: it is on its own.
    `database` is the data store, which the server closes, and `store` the feed's sink into it; None: there is none.
    Raises SettingsError for a certificate, or a password of the bus, that cannot be used.
    """

    def __init__(
        self, site: Site, checker: Checker | None = None, times: Times | None = None, *, feed: MakeFeed | None = None,
        database: Database | None = None, store: StoreSink | None = None, bus: MakeBus | None = None,
        cache: CacheService | None = None,
    ) -> None:  # fmt: skip
        loop = asyncio.get_running_loop()
        stream = site.stream
        self.site, self._scopes = site, stream.rooms.scopes()
        self.database, self.store, self.cache = database, store, cache
        self.tally = Tally(ROOMS)
        kept = Bounds(stream.history.seconds, stream.history.messages, stream.history.size)
        rooms: RoomSet[Outlet] = RoomSet(ROOMS, kept, lambda: secrets.token_hex(6))
        self.hub = Hub(loop, rooms, Fanout(loop, self.tally, stream.backlog_bytes), self.tally)
        self._trusted = networks(stream.trusted_proxies)
        self._hosts = known_names(site) | {name.lower() for name in stream.allowed_hosts}
        guard = self._guard()
        desk = Desk(self.hub, self.tally, stream, checker, self.rooms)
        desk.subscribed = self._subscribed
        self.endpoint = Endpoint(desk, guard, self._hosts, times)
        self.queue = PublisherQueue(loop, self.hub, self.endpoint.outlet, self.tally.instruments)
        self.bus = bus(site, self.hub) if bus else None
        self._publish = self.bus.publish if self.bus else self.queue.publish
        self.feed = feed(site, self._publish, self.bus.leases if self.bus else None) if feed else None
        if self.bus and self.feed:
            self.bus.on_heard(self.feed.heard)
        self.figures = Figures(guard)
        self.fresh = Fresh(self._last, stream.api.conditions, cache.cache if cache else None)
        self._analyst = AnalysisClient(site.local_url(site.ports.analysis))
        self._public = self._entrance(guard, checker)
        self._certificate = Certificate(stream.tls) if stream.tls.certificate else None
        told = Admin(self._sources(), lambda: not self._stopping, self.degraded)
        self._admin = web.AppRunner(told.application(), access_log=None)
        self._pulse = Pulse(self.figures.counts)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def _guard(self) -> Guard:
        limits = self.site.stream.limits
        return Guard(
            limits.handshake_seconds, limits.header_bytes, limits.message_bytes,
            PerAddress(limits.connections_per_address), self._trusted, self.cache.secret if self.cache else "",
        )  # fmt: skip

    def _entrance(self, guard: Guard, checker: Checker | None) -> GuardedRunner:
        """What clients reach: discovery, the API, the WebSocket."""
        stream, values = self.site.stream, self.cache.cache if self.cache else None
        kept = Stored(self.database, values) if self.database else NoStore()
        data = Data(self._last, self.fresh, kept, Asking(self._analyst, horizons(self.site)))
        door = Door(
            self.endpoint.connect, self.rooms, self.figures, tuple(stream.allowed_origins), self._hosts, self._trusted,
            stream.api, operations(data), checker, stream.anonymous, self._scopes,
            cached=self.cache.handler if self.cache else None, edge_secret=guard.edge_secret,
        )  # fmt: skip
        inner = public(door)
        return GuardedRunner(inner.app, guard, inner.before, handler_cancellation=False, shutdown_timeout=1.0)

    def _sources(self) -> Sequence[Source]:
        """Everything that has figures."""
        always = [self.tally.collect, self.hub.collect, self.queue.collect, self.figures.collect]
        always += [ProcessSamples("stream").collect, self.bus.collect if self.bus else alone, self._samples]
        return always + [part.samples for part in (self.feed, self.database, self.store, self.cache) if part]

    def _last(self, room: str) -> Sequence[Update]:
        return list(self.hub.rooms.all[room].latest.values())  # whichever server runs the source

    def rooms(self) -> Rooms:
        """What discovery tells."""
        return Rooms(rooms=[self._room(name) for name in self.hub.rooms.all], timestamp=now_ms())

    def _subscribed(self, client: str, room: str, filtered: bool) -> None:  # noqa: FBT001  # the event's fields
        if self.feed:
            self.feed.bus.emit(Event.CLIENT_SUBSCRIPTION, ClientSubscription(client, room, filtered))

    def _room(self, name: str) -> RoomInfo:
        room = self.hub.rooms.all[name]
        source = self.feed.describe(name) if self.feed else None
        return RoomInfo(
            room=name, symbols=room.symbols, epoch=room.epoch, seq=room.seq, scope=self._scopes.get(name, ""),
            replay=source is not None and source.kind == "replay", source=source.text if source else "",
        )  # fmt: skip

    def degraded(self) -> Sequence[str]:
        """What does not work as it should, though clients are served."""
        parts = (self.bus, self.feed, self.database, self.store, self.cache)
        return [sentence for part in parts if part for sentence in part.degraded]

    def _samples(self) -> Iterator[Sample]:
        yield app.DEGRADED.sample(len(self.degraded()))

    async def _canary(self) -> None:
        """Beats all the time, or while it is this instance's turn."""
        while self.bus:
            await self.bus.leases.turn("canary")
            beating = asyncio.create_task(beat(self._publish))
            try:
                await self.bus.leases.end("canary")
            finally:
                beating.cancel()
        await beat(self._publish)

    async def start(self, sockets: Sockets) -> None:
        """Serves on these sockets."""
        self._pulse.__enter__()
        await self._public.setup()
        await self._admin.setup()
        if self.bus:
            await self.bus.join()
        always = (self.endpoint.keeper.run(), self._canary(), self.fresh.run())
        self._tasks = [asyncio.create_task(one) for one in always]
        if self.cache:
            await self.cache.start()
            for update in await self.cache.known():  # what a room begins with, until its source has told more
                self.hub.rooms.all[update.room].remember(update)
        if self.database:
            recall = Recall(self.hub.rooms.all, stored(self.database))
            await recall.look()
            self._tasks.append(asyncio.create_task(recall.run()))
        if self.feed:
            self.feed.start()
        tls, patience = self._certificate, self.site.stream.limits.handshake_seconds
        context = tls.context if tls else None
        await BoundedSite(self._public, sockets.public, patience, context).start()
        await web.SockSite(self._admin, sockets.admin).start()

    async def stop(self) -> None:
        """Takes nobody any more, says goodbye to every client, frees the ports."""
        self._stopping = True
        await ended(self._tasks)
        for site in list(self._public.sites):
            await site.stop()
        if self.feed:
            await self.feed.stop()
        if self.bus:
            await self.bus.stop()
        if self.cache:
            await self.cache.stop()
        self.queue.flush()
        await self.endpoint.stop()
        await self._public.cleanup()
        await self._admin.cleanup()
        await self._analyst.close()
        if self.database:
            await self.database.close()
        self._pulse.__exit__()
        _LOG.info("stopped", extra={"event": "stopped"})
