"""What a room keeps of its messages, so that clients can resume: bounded by age, number and bytes. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_OVERHEAD = 250  # bytes of an entry beside its data, as sys.getsizeof tells of its parts


@dataclass(frozen=True, slots=True)
class Entry:
    """One numbered message: its data as JSON, which is small, and what else replaying it needs (times in ms UTC)."""

    seq: int
    symbol: str
    data: bytes
    timestamp: int
    source_time: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """At least so many seconds and messages are kept, but never more bytes."""

    seconds: float = 60.0
    messages: int = 10_000
    bytes: int = 64 * 1024 * 1024


class History:
    """The latest messages of one room, numbered without holes."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._entries: deque[Entry] = deque()
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first(self) -> int:
        """The number of the oldest message that is kept; 0 when none is."""
        return self._entries[0].seq if self._entries else 0

    def add(self, entry: Entry) -> None:
        """Keeps a message, numbered one above the last, and forgets what is too old or too much."""
        entries, bounds = self._entries, self._bounds
        entries.append(entry)
        self.size += len(entry.data) + _OVERHEAD
        expired = entry.timestamp - bounds.seconds * 1000
        while self.size > bounds.bytes or (len(entries) > bounds.messages and entries[0].timestamp < expired):
            self.size -= len(entries.popleft().data) + _OVERHEAD

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        self.size = 0

    def holds(self, after: int, latest: int) -> bool:
        """Whether every message above `after` up to `latest`, the room's last number, is kept."""
        if after >= latest:
            return after == latest
        return bool(self._entries) and self._entries[0].seq <= after + 1

    def since(self, after: int) -> Iterator[Entry]:
        """The kept messages above `after`, in order; nothing may be added while this runs."""
        if not self._entries:
            return iter(())
        return islice(self._entries, max(0, after + 1 - self._entries[0].seq), None)

    def count(self, after: int, symbols: frozenset[str]) -> int:
        """How many of the kept messages above `after` are of these symbols."""
        return sum(entry.symbol in symbols for entry in self.since(after))
