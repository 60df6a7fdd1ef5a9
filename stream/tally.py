"""What happens at the sockets, counted in plain numbers on the event loop's thread and read by a scrape."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from metrics import websocket as ws
from metrics.instruments import Instruments
from metrics.model import Distribution, Sample
from stream.codes import CloseCode, ErrorCode

_COUNTED_APART = frozenset(
    {ws.CONNECTIONS, ws.BYTES, ws.BROADCASTS, ws.DELIVERIES, ws.CONFLATED, ws.GAPS, ws.SLOWED, ws.MESSAGES,
     ws.PUBLISH_TO_SOCKET, ws.SOURCE_TO_SOCKET}
)  # fmt: skip
ABNORMAL = 1006  # RFC 6455: what to call the end of a connection without a close frame
CODES = (*(str(code.value) for code in CloseCode), str(ABNORMAL), "other")


class _RoomTally:
    """One room's hot counters."""

    __slots__ = ("broadcasts", "deliveries", "last", "published", "published_sum", "replayed", "source", "source_sum")

    def __init__(self) -> None:
        self.broadcasts = self.deliveries = self.replayed = 0
        self.last = 0.0
        self.published = [0] * (len(ws.PUBLISH_TO_SOCKET.buckets) + 1)
        self.source = [0] * (len(ws.SOURCE_TO_SOCKET.buckets) + 1)
        self.published_sum = self.source_sum = 0.0


class Tally:
    """The counters of one server; those that are not hot are `instruments`."""

    def __init__(self, rooms: Iterable[str]) -> None:
        self.rooms = {room: _RoomTally() for room in rooms}
        self.conflated = dict.fromkeys(self.rooms, 0)
        self.gaps = dict.fromkeys(ws.GAP_REASONS, 0)
        self.bytes_in = self.bytes_out = self.slowed = 0
        self.messages_in: dict[tuple[str, str], int] = {(ws.NO_ROOM, kind): 0 for kind in ("ping", "auth", "list", "unusable")}
        self.messages_out: dict[tuple[str, str], int] = {
            (ws.NO_ROOM, kind): 0 for kind in ("connection", "pong", "auth", "rooms", "error")
        }
        for room in self.rooms:
            self.messages_in |= {(room, kind): 0 for kind in ("subscribe", "unsubscribe")}
            self.messages_out |= {(room, kind): 0 for kind in ("subscription", "unsubscription", "initial-data", "gap")}
        self.open = {(kind, packed): 0 for kind in ws.FORMATS for packed in ("no", "yes")}
        self.instruments = Instruments(metric for metric in ws.METRICS if metric not in _COUNTED_APART)
        for code in ("accepted", *(str(code) for code in ErrorCode)):
            self.instruments.inc(ws.HANDSHAKES, code, by=0)
        for code in ErrorCode:
            self.instruments.inc(ws.ERRORS, str(code), by=0)
        for name in CODES:
            for who in ("client", "server"):
                self.instruments.inc(ws.CLOSES, name, who, by=0)

    def closed(self, code: int, who: str) -> None:
        """A connection ended; `who` closed first: "client" or "server"."""
        name = str(code)
        self.instruments.inc(ws.CLOSES, name if name in CODES else "other", who)

    def received(self, room: str | None, kind: str, size: int) -> None:
        """A client's message of `size` bytes."""
        key = (room if room in self.rooms else ws.NO_ROOM, kind)
        self.messages_in[key] = self.messages_in.get(key, 0) + 1
        self.bytes_in += size

    def told(self, room: str | None, kind: str) -> None:
        """A message to one client."""
        key = (room if room in self.rooms else ws.NO_ROOM, kind)
        self.messages_out[key] = self.messages_out.get(key, 0) + 1

    def published(self, room: str, count: int) -> None:
        """A message of a room, for `count` connections."""
        mine = self.rooms[room]
        mine.broadcasts += 1
        mine.deliveries += count
        mine.last = time.time()

    def written(self, turn: Iterable[tuple[str, float, int, int]], now: float, wall: float) -> None:
        """The messages of a turn have left: (room, monotonic s of arrival, source's ms, deliveries); now in s, wall in ms."""
        buckets = ws.PUBLISH_TO_SOCKET.buckets
        for room, since, source_time, count in turn:
            mine = self.rooms[room]
            waited = now - since
            mine.published[bisect_left(buckets, waited)] += count
            mine.published_sum += waited * count
            age = max(0.0, (wall - source_time) / 1000)
            mine.source[bisect_left(buckets, age)] += count
            mine.source_sum += age * count

    def collect(self) -> Iterator[Sample]:
        """The samples of now."""
        for labels, number in self.open.items():
            yield ws.CONNECTIONS.sample(number, *labels)
        yield ws.BYTES.sample(self.bytes_in, ws.DIRECTION_IN)
        yield ws.BYTES.sample(self.bytes_out, ws.DIRECTION_OUT)
        yield ws.SLOWED.sample(self.slowed)
        for reason, number in self.gaps.items():
            yield ws.GAPS.sample(number, reason)
        for (room, kind), number in self.messages_in.items():
            yield ws.MESSAGES.sample(number, ws.DIRECTION_IN, room, kind)
        for (room, kind), number in self.messages_out.items():
            yield ws.MESSAGES.sample(number, ws.DIRECTION_OUT, room, kind)
        for room, mine in self.rooms.items():
            yield from self._room(room, mine)
        yield from self.instruments.collect()

    def _room(self, room: str, mine: _RoomTally) -> Iterator[Sample]:
        yield ws.BROADCASTS.sample(mine.broadcasts, room)
        yield ws.DELIVERIES.sample(mine.deliveries, room)
        yield ws.MESSAGES.sample(mine.deliveries + mine.replayed, ws.DIRECTION_OUT, room, "data")
        yield ws.CONFLATED.sample(self.conflated[room], room)
        yield ws.PUBLISH_TO_SOCKET.sample(Distribution(tuple(mine.published), mine.published_sum), room)
        yield ws.SOURCE_TO_SOCKET.sample(Distribution(tuple(mine.source), mine.source_sum), room)
        if mine.last:
            yield ws.LAST_PUBLISHED.sample(mine.last, room)
