"""One connection as the fan-out sees it, and the cohort it belongs to: all connections that get exactly the same frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

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
    """Where one connection's frames leave."""

    __slots__ = ("backlog", "cohort", "form", "owner", "transport", "write")

    def __init__(self, transport: asyncio.WriteTransport, form: Form, owner: Owner) -> None:
        self.transport = transport
        self.write = transport.write
        self.form = form
        self.owner = owner
        self.backlog: Backlog | None = None  # while the client is slow
        self.cohort: Cohort | None = None


class Cohort:
    """Connections of one form in the same groups: their pending frames are joined once.

    `ahead` tells of a connection how many of the pending frames it must not get again: it came later, or was written to
    in between.
    """

    __slots__ = ("ahead", "form", "groups", "live", "pending", "slow")

    def __init__(self, groups: frozenset[Group[Outlet]], form: Form) -> None:
        self.groups = groups
        self.form = form
        self.live: dict[Outlet, Callable[[bytes], object]] = {}  # in order of arrival, with what writes to it
        self.slow: set[Outlet] = set()
        self.pending: list[bytes] = []
        self.ahead: dict[Outlet, int] = {}

    def rest(self, outlet: Outlet) -> bytes:
        """The pending frames that the connection has not had."""
        return b"".join(self.pending[self.ahead.get(outlet, 0) :])
