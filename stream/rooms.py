"""Rooms: who gets what, under which number. Pure: methods decide and return, the caller carries out.

A member is whatever the caller uses for a connection. Members of a room whose filters are equal form a group, which shares
what was sent last (`prev`, figures). A member that resumes is catching up: it gets history in portions, and joins its
group when nothing is missing. Rooms that may be joined are given at the start; a room is *occupied* while it has members.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Literal, TypeVar

from stream.filters import EVERYTHING, Canonical, changed
from stream.history import Bounds, Entry, History
from stream.messages import DataWriter, Format, Update, encode

M = TypeVar("M", bound=Hashable)
PORTION = 500  # messages that a catching up member gets at once
PORTION_BYTES = 1024 * 1024  # of their data; the one that passes it is the last


@dataclass(eq=False, slots=True)
class Group(Generic[M]):
    """The members of a room with equal filters. `last` is the number of the last message that they were due."""

    room: str
    filters: Canonical
    last: int
    figures: dict[str, float | None]
    members: set[M] = field(default_factory=set)

    def takes(self, update: Update) -> bool:
        """Whether the update passes the filters; remembers its figure if so."""
        filters = self.filters
        if filters is EVERYTHING:
            return True
        if not filters.takes(update.symbol):
            return False
        if filters.min_change:
            if not changed(self.figures.get(update.symbol), update.figure, filters.min_change):
                return False
            self.figures[update.symbol] = update.figure
        return True


@dataclass(frozen=True, slots=True)
class Delivery(Generic[M]):
    """A group gets a message; `prev` is what it got before."""

    group: Group[M]
    prev: int


@dataclass(frozen=True, slots=True)
class Published(Generic[M]):
    """A message has its number: who gets it, and what writes it for them."""

    seq: int
    writer: DataWriter
    deliveries: list[Delivery[M]]


@dataclass(frozen=True, slots=True)
class Lost:
    """The numbers `first` to `last` cannot be had."""

    first: int
    last: int
    reason: Literal["history", "epoch"]


@dataclass(frozen=True, slots=True)
class Joined(Generic[M]):
    """A member has a subscription: where the room stands.

    `missed` counts the messages it will get by `catch_up`; None where it does not resume, and gets `initial`.
    """

    epoch: str
    seq: int
    missed: int | None
    lost: Lost | None
    initial: list[Update]


@dataclass(frozen=True, slots=True)
class Portion:
    """Messages of a catching up member, each with its `prev`; `done`: it gets live ones from here on.

    `lost`: history did not reach back far enough any more; `initial` stands for it.
    """

    entries: list[tuple[Entry, int]]
    done: bool
    lost: Lost | None = None
    initial: list[Update] = field(default_factory=list)


@dataclass(slots=True)
class _Catching:
    """How far a catching up member is: the room's number, and the last message of its own."""

    filters: Canonical
    cursor: int
    prev: int


class Room(Generic[M]):
    """One room: its numbering, what it remembers, its members."""

    def __init__(self, name: str, epoch: str, bounds: Bounds) -> None:
        self.name, self.epoch, self.seq = name, epoch, 0
        self.history = History(bounds)
        self.latest: dict[str, Update] = {}
        self._recalled: dict[str, Update] = {}
        self.groups: dict[Canonical, Group[M]] = {}
        self.members: dict[M, Group[M]] = {}
        self.catching: dict[M, _Catching] = {}
        self._last_of: dict[str, int] = {}  # symbol -> its last number

    @property
    def symbols(self) -> list[str]:
        """The symbols that it has data of."""
        return sorted(self.latest)

    def publish(self, update: Update, now: int) -> Published[M]:
        """Numbers an update at `now` (ms UTC). Raises TypeError, and numbers nothing, for data that JSON does not know."""
        return self.take(update, Entry(self.seq + 1, update.symbol, encode(update.data, Format.JSON), now, update.source_time))

    def take(self, update: Update, entry: Entry) -> Published[M]:
        """An update that has its number, the one after the room's last, already; `entry.data` is its data as JSON."""
        self.seq = seq = entry.seq
        self.latest[update.symbol] = update
        self._last_of[update.symbol] = seq
        self.history.add(entry)
        deliveries = []
        for group in self.groups.values():
            if group.takes(update):
                deliveries.append(Delivery(group, group.last))
                group.last = seq
        return Published(seq, DataWriter(update.room, self.epoch, entry), deliveries)

    def remember(self, update: Update) -> None:
        """The latest of a symbol, of which only that is known."""
        self.latest.setdefault(update.symbol, update)

    def recall(self, update: Update) -> None:
        """What is stored of a symbol: initial data while the room knows nothing better."""
        self._recalled[update.symbol] = update

    def lose(self) -> int:
        """A message that was promised will not come: it takes a number, and nobody can resume across it. The number."""
        self.skip(self.seq + 1)
        return self.seq

    def skip(self, seq: int) -> None:
        """The numbers up to `seq` will not come: nobody can resume across them."""
        self.seq = seq
        self.history.clear()
        for group in self.groups.values():
            group.last = seq

    def begin(self, epoch: str, seq: int = 0) -> dict[M, int]:
        """A new numbering, at `seq`; what was is no longer kept. By member, the last number of the old one that it was due.

        Who was catching up is not any more: it gets live messages from here on.
        """
        due = dict.fromkeys(self.members, self.seq)
        for member, state in tuple(self.catching.items()):
            due[member] = state.cursor
            del self.catching[member]
            self.enter(member, state.filters)
        self.epoch = epoch
        self._last_of.clear()
        self.skip(seq)
        for group in self.groups.values():
            group.figures.clear()
        return due

    def last_due(self, filters: Canonical) -> int:
        """The number of the last message that the filters let through, whatever it changed."""
        if not filters.symbols:
            return self.seq
        return max((self._last_of.get(symbol, 0) for symbol in filters.symbols), default=0)

    def enter(self, member: M, filters: Canonical) -> None:
        """Makes a member of the group of its filters."""
        group = self.groups.get(filters)
        if group is None:
            figures = {symbol: update.figure for symbol, update in self.latest.items()} if filters.min_change else {}
            group = self.groups[filters] = Group(self.name, filters, self.last_due(filters), figures)
        group.members.add(member)
        self.members[member] = group

    def remove(self, member: M) -> bool:
        """Ends a membership; whether there was one. A group without members is gone."""
        caught = self.catching.pop(member, None)
        group = self.members.pop(member, None)
        if group is not None:
            group.members.discard(member)
            if not group.members:
                del self.groups[group.filters]
        return caught is not None or group is not None

    def initial(self, filters: Canonical) -> list[Update]:
        """The latest update of each symbol that the filters let through."""
        known = self.latest or self._recalled
        return [update for symbol, update in sorted(known.items()) if filters.takes(symbol)]


class Rooms(Generic[M]):
    """All rooms of one server. `new_epoch` gives a text that no other numbering has."""

    def __init__(self, names: Iterable[str], bounds: Bounds, new_epoch: Callable[[], str]) -> None:
        self.all: dict[str, Room[M]] = {name: Room(name, new_epoch(), bounds) for name in names}
        self.occupied: dict[str, Room[M]] = {}
        self._of: dict[M, set[str]] = {}

    def join(
        self, member: M, name: str, filters: Canonical = EVERYTHING, after: int | None = None, epoch: str | None = None
    ) -> Joined[M]:
        """Gives a member a subscription, instead of the one it may have to that room. Raises KeyError for no such room.

        A member that resumes, and missed something, must be given portions by `catch_up` until one is `done`.
        """
        room = self.all[name]
        room.remove(member)
        self.occupied[name] = room
        self._of.setdefault(member, set()).add(name)
        lost = None
        if after is not None:
            if epoch != room.epoch or after > room.seq:
                lost = Lost(after + 1, room.seq, "epoch")
            elif not room.history.holds(after, room.seq):
                lost = Lost(after + 1, room.seq, "history")
            else:
                missed = room.history.count(after, filters.symbols) if filters.symbols else room.seq - after
                if missed:
                    room.catching[member] = _Catching(filters, after, after)
                else:
                    room.enter(member, filters)
                return Joined(room.epoch, room.seq, missed, None, [])
        room.enter(member, filters)
        return Joined(room.epoch, room.seq, None, lost, room.initial(filters))

    def catch_up(self, member: M, name: str, most: int = PORTION, most_bytes: int = PORTION_BYTES) -> Portion:
        """The next messages of a member that is catching up, one at least. Raises KeyError for one that is not.

        The filter `min_change` does not hold here: every missed message of the symbols is given.
        """
        room = self.all[name]
        state = room.catching[member]
        if not room.history.holds(state.cursor, room.seq):
            del room.catching[member]
            room.enter(member, state.filters)
            return Portion([], done=True, lost=Lost(state.cursor + 1, room.seq, "history"), initial=room.initial(state.filters))
        entries, size = [], 0
        for entry in islice(room.history.since(state.cursor), most):
            state.cursor = entry.seq
            if state.filters.takes(entry.symbol):
                entries.append((entry, state.prev))
                state.prev = entry.seq
                size += len(entry.data)
                if size > most_bytes:
                    break
        if state.cursor < room.seq:
            return Portion(entries, done=False)
        del room.catching[member]
        room.enter(member, state.filters)
        return Portion(entries, done=True)

    def leave(self, member: M, name: str) -> bool:
        """Ends a subscription; whether there was one."""
        room = self.occupied.get(name)
        if room is None or not room.remove(member):
            return False
        if not room.members and not room.catching:
            del self.occupied[name]
        mine = self._of[member]
        mine.discard(name)
        if not mine:
            del self._of[member]
        return True

    def disconnect(self, member: M) -> None:
        """A member leaves all of its rooms."""
        for name in tuple(self._of.get(member, ())):
            self.leave(member, name)

    def publish(self, update: Update, now: int) -> Published[M]:
        """Numbers an update. Raises KeyError for no such room, TypeError for data that JSON does not know."""
        return self.all[update.room].publish(update, now)

    def of(self, member: M) -> frozenset[str]:
        """The rooms that a member is in."""
        return frozenset(self._of.get(member, ()))

    def groups_of(self, member: M) -> frozenset[Group[M]]:
        """The groups from which a member gets live messages."""
        found = (self.all[name].members.get(member) for name in self._of.get(member, ()))
        return frozenset(group for group in found if group is not None)
