"""One connection as the fan-out sees it, and the cohort it belongs to: all connections that get exactly the same frames."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from stream.direct import descriptor
from stream.frames import Form
from stream.rooms import Group


@dataclass(eq=False, slots=True)
class Kept:
    """A message that waits for a slow client: the latest of its symbol."""

    seq: int
    frame: bytes


@dataclass(eq=False, slots=True)
class Backlog:
    """What waits for a slow client beyond its transport's buffer: the latest message per room and symbol. Pure.

    `lost` has, by room, the first and last number of what was replaced by something newer.
    """

    since: float
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    lost: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 0

    def keep(self, room: str, symbol: str, seq: int, frame: bytes) -> bool:
        """Keeps a message instead of an older one of its symbol; whether there was one."""
        older = self.kept.pop((room, symbol), None)
        self.kept[room, symbol] = Kept(seq, frame)
        self.size += len(frame)
        if older is None:
            return False
        self.size -= len(older.frame)
        first, last = self.lost.get(room, (older.seq, older.seq))
        self.lost[room] = (min(first, older.seq), max(last, older.seq))
        return True

    def forget(self, room: str) -> None:
        """A room was left: nothing of it waits any more."""
        for key in [key for key in self.kept if key[0] == room]:
            self.size -= len(self.kept.pop(key).frame)
        self.lost.pop(room, None)

    def drop(self, room: str, last: int) -> int:
        """The same; the last number before all that waited, or that was replaced, of that room: `last` if nothing did."""
        waited = [kept.seq for (name, _), kept in self.kept.items() if name == room]
        if room in self.lost:
            waited.append(self.lost[room][0])
        self.forget(room)
        return min([last + 1, *waited]) - 1

    def frames(self) -> list[bytes]:
        """What waits, in the order in which it was published within each room."""
        return [kept.frame for kept in self.kept.values()]


class Owner(Protocol):
    """Whoever owns a connection."""

    def drained(self) -> None:
        """The client was slow and is not any more."""
        ...

    def overflown(self) -> None:
        """More waits for the client than is kept, or writing to it fails: it must go."""
        ...


class Outlet:
    """Where one connection's frames leave; `fd` is its socket, or `direct.NONE` where the transport alone may write."""

    __slots__ = ("backlog", "cohort", "fd", "form", "owner", "transport", "write")

    def __init__(self, transport: asyncio.WriteTransport, form: Form, owner: Owner) -> None:
        self.transport = transport
        self.write = transport.write
        self.fd = descriptor(transport)
        self.form = form
        self.owner = owner
        self.backlog: Backlog | None = None  # while the client is slow
        self.cohort: Cohort | None = None


class Cohort:
    """Connections of one form in the same groups: their pending frames are joined once.

    `ahead` tells of a connection how many of the pending frames it must not get again: it came later, or was written to
    in between. `idle` has the sockets of those in `live` whose transports are known to hold nothing.
    """

    __slots__ = ("ahead", "form", "groups", "idle", "live", "pending", "slow")

    def __init__(self, groups: frozenset[Group[Outlet]], form: Form) -> None:
        self.groups = groups
        self.form = form
        self.live: dict[Outlet, None] = {}  # in order of arrival
        self.idle: dict[Outlet, int] = {}
        self.slow: set[Outlet] = set()
        self.pending: list[bytes] = []
        self.ahead: dict[Outlet, int] = {}

    def look_idle(self) -> list[Outlet]:
        """Notes which transports hold nothing any more; the connections that their transports must write to."""
        if len(self.idle) == len(self.live):
            return []
        held = []
        for outlet in self.live:
            if outlet not in self.idle:
                if outlet.fd < 0 or outlet.transport.get_write_buffer_size():
                    held.append(outlet)
                else:
                    self.idle[outlet] = outlet.fd
        return held

    def rest(self, outlet: Outlet) -> bytes:
        """The pending frames that the connection has not had."""
        return b"".join(self.pending[self.ahead.get(outlet, 0) :])
