"""Carries out what `rooms` decides: tells subscribers, replays history, hands messages to the fan-out. It awaits nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from metrics import websocket as ws
from metrics.model import Sample
from stream.codes import ErrorCode
from stream.fanout import Fanout, now_ms
from stream.filters import Canonical, canonical
from stream.history import Entry
from stream.messages import (
    DataWriter,
    Gap,
    InitialData,
    RefusedError,
    Subscribe,
    Subscription,
    Told,
    Unsubscription,
    Update,
    select,
)
from stream.outlet import Outlet
from stream.replays import Replays
from stream.rooms import Lost, Rooms
from stream.tally import Tally

_PORTION = 250  # messages that one catching up client gets in one turn of the loop


class Hub:
    """The rooms of one server and the connections in them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rooms: Rooms[Outlet], fanout: Fanout, tally: Tally) -> None:
        self._loop, self.rooms, self.fanout, self._tally = loop, rooms, fanout, tally
        self._replays = Replays()

    # -- publishing --------------------------------------------------------------------------------------------------
    def publish(self, update: Update, since: float | None = None) -> int:
        """Numbers an update and gives it to the room; its number. `since` is when it came (monotonic s; now).

        Raises KeyError for no such room, and TypeError for data that JSON does not know; then nothing was numbered.
        """
        published = self.rooms.publish(update, now_ms())
        self.fanout.publish(update, published, time.monotonic() if since is None else since)
        return published.seq

    def take(self, update: Update, entry: Entry, since: float) -> None:
        """An update that has its number already, the one after its room's last. Raises KeyError for no such room."""
        self.fanout.publish(update, self.rooms.all[update.room].take(update, entry), since)

    def skip(self, name: str, to: int) -> None:
        """A room's numbers up to `to` were numbered elsewhere and cannot be had: subscribers are told."""
        room = self.rooms.all[name]
        gap = Gap(room=name, from_=room.seq + 1, to=to, reason="history", timestamp=now_ms())
        room.skip(to)
        for member in [*room.members, *room.catching]:
            self._gap(member, gap)

    def begin(self, name: str, epoch: str, seq: int = 0) -> None:
        """A room's numbering begins anew, at `seq`: subscribers are told, and get the latest data as it is known."""
        room = self.rooms.all[name]
        due = room.begin(epoch, seq)
        for member, last in due.items():
            self.fanout.place(member, self.rooms.groups_of(member))
            had = last if member.backlog is None else member.backlog.drop(name, last)
            filters = room.members[member].filters
            self._initial(member, name, filters, room.initial(filters), Lost(had + 1, seq, "epoch"))

    def lose(self, name: str) -> None:
        """A message of a room that was accepted will not come: subscribers are told."""
        room = self.rooms.all[name]
        seq = room.lose()
        gap = Gap(room=name, from_=seq, to=seq, reason="dropped", timestamp=now_ms())
        for member in [*room.members, *room.catching]:
            self._gap(member, gap)

    def filtered(self, name: str, filters: Canonical, message: Told) -> int:
        """One message, without a number, to the members of a room that have these filters; how many. Raises KeyError."""
        group = self.rooms.all[name].groups.get(filters)
        members = list(group.members) if group else []
        for member in members:
            self.tell(member, message, name)
        return len(members)

    # -- clients -----------------------------------------------------------------------------------------------------
    def attach(self, outlet: Outlet) -> None:
        """A new connection, in no room."""
        self.fanout.place(outlet, frozenset())

    def detach(self, outlet: Outlet) -> None:
        """A connection is gone."""
        self.rooms.disconnect(outlet)
        self.fanout.remove(outlet)

    def tell(self, outlet: Outlet, message: Told, room: str | None = None) -> None:
        """One message to one client, counted under its type."""
        self._tally.told(room, str(message.__struct_config__.tag))
        self.fanout.send(outlet, message)

    def subscribe(self, outlet: Outlet, asked: Subscribe) -> None:
        """Answers a subscription: its confirmation, then what was missed or the room's latest data. Raises RefusedError."""
        name, filters = asked.room, canonical(asked.filters)
        if name not in self.rooms.all:
            raise RefusedError(ErrorCode.UNKNOWN_ROOM, room=name)
        self._release(outlet, name)
        joined = self.rooms.join(outlet, name, filters, asked.after, asked.epoch)
        confirmed = Subscription(
            room=name, timestamp=now_ms(), epoch=joined.epoch, seq=joined.seq, resumed=joined.missed or 0
        )  # fmt: skip
        self.tell(outlet, confirmed, name)
        if asked.after is not None:
            self._tally.instruments.inc(ws.RESUMES, joined.lost.reason if joined.lost else "resumed")
        if joined.missed is None:
            self._initial(outlet, name, filters, joined.initial, joined.lost)
        self.fanout.place(outlet, self.rooms.groups_of(outlet))
        if joined.missed:
            self.pump(outlet)

    def unsubscribe(self, outlet: Outlet, name: str) -> None:
        """Ends a subscription. Raises RefusedError where there is no such room or subscription."""
        if name not in self.rooms.all:
            raise RefusedError(ErrorCode.UNKNOWN_ROOM, room=name)
        if name not in self.rooms.of(outlet):
            raise RefusedError(ErrorCode.NOT_SUBSCRIBED, room=name)
        self._release(outlet, name)
        self.tell(outlet, Unsubscription(room=name, timestamp=now_ms()), name)

    def _release(self, outlet: Outlet, name: str) -> None:
        """Ends a subscription, if there is one; what was due before is written first."""
        if self.rooms.leave(outlet, name):
            self.fanout.place(outlet, self.rooms.groups_of(outlet))
            if outlet.backlog is not None:
                outlet.backlog.forget(name)

    def _initial(self, outlet: Outlet, name: str, filters: Canonical, latest: list[Update], lost: Lost | None) -> None:
        room = self.rooms.all[name]
        now = now_ms()
        if lost is not None:
            self._gap(outlet, Gap(room=name, from_=lost.first, to=lost.last, reason=lost.reason, timestamp=now))
        data = [select(update.data, filters.fields) for update in latest]
        self.tell(outlet, InitialData(room=name, data=data, timestamp=now, epoch=room.epoch, seq=room.seq), name)

    def _gap(self, outlet: Outlet, gap: Gap) -> None:
        self._tally.gaps[gap.reason] += 1
        self.tell(outlet, gap, gap.room)

    # -- catching up -------------------------------------------------------------------------------------------------
    def pump(self, outlet: Outlet) -> None:
        """Gives a client the next portion of what it missed, unless it is slow: then again when it has drained."""
        if outlet.cohort is None or outlet.backlog is not None:
            return
        catching = [name for name in self.rooms.of(outlet) if outlet in self.rooms.all[name].catching]
        for name in catching:
            self._portion(outlet, name)
        if catching:
            self.fanout.place(outlet, self.rooms.groups_of(outlet))
            if any(outlet in self.rooms.all[name].catching for name in catching):
                self._loop.call_soon(self.pump, outlet)

    def _portion(self, outlet: Outlet, name: str) -> None:
        room = self.rooms.all[name]
        filters = room.catching[outlet].filters
        portion = self.rooms.catch_up(outlet, name, _PORTION, self.fanout.backlog // 2)
        if portion.lost is not None:
            self._initial(outlet, name, filters, portion.initial, portion.lost)
        if not portion.entries:
            return
        form, entries = outlet.form, portion.entries

        def make() -> bytes:
            writers = ((DataWriter(name, room.epoch, entry), prev) for entry, prev in entries)
            return self.fanout.framed((writer.payload(filters.fields, prev, form.format) for writer, prev in writers), form)

        self.fanout.replay(outlet, name, len(entries), self._replays.portion(room.epoch, filters, form, entries, make))

    # -- figures -----------------------------------------------------------------------------------------------------
    def collect(self) -> Iterator[Sample]:
        """The samples of now that are read off the rooms and connections."""
        for name, room in self.rooms.all.items():
            yield ws.SUBSCRIPTIONS.sample(len(room.members) + len(room.catching), name)
            yield ws.GROUPS.sample(len(room.groups), name)
            yield ws.HISTORY_MESSAGES.sample(len(room.history), name)
            yield ws.HISTORY_BYTES.sample(room.history.size, name)
        slow = self.fanout.slow
        yield ws.SLOW.sample(len(slow))
        yield ws.BACKLOG.sample(
            sum(outlet.transport.get_write_buffer_size() + (outlet.backlog.size if outlet.backlog else 0) for outlet in slow)
        )
