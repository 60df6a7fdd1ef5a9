"""The hot path: a message is encoded and framed once per distinct form, and written once per connection and loop turn.

Frames of one turn are joined once per cohort. Whatever leaves a connection leaves here, so that its frames are in order. A
transport that holds more than the backlog makes its client slow: then its messages are conflated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from itertools import chain

from metrics import websocket as ws
from stream.direct import write_each
from stream.frames import Form, Framer
from stream.messages import Gap, Told, Update, encode
from stream.outlet import Backlog, Cohort, Outlet
from stream.rooms import Group, Published
from stream.tally import Tally

# After a turn that took t seconds, the next one waits t times this: under load, the processor's share stays below
# 1 / (1 + REST), and more frames leave with one write; without load nobody waits.
REST = 0.3
_LONGEST_REST = 0.05  # seconds
RETRIES = 3
_HARD = 4  # times the backlog: no connection holds more


def now_ms() -> int:
    """The time of day, in ms UTC."""
    return time.time_ns() // 1_000_000


class Fanout:
    """Writes to all connections of one event loop. `backlog` is in bytes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tally: Tally, backlog: int) -> None:
        self._loop, self._tally = loop, tally
        self._hard = backlog * _HARD
        self.backlog = backlog
        self._framer = Framer()
        self._cohorts: dict[tuple[frozenset[Group[Outlet]], Form], Cohort] = {}
        self._of: dict[Group[Outlet], dict[Cohort, None]] = {}
        self._dirty: list[Cohort] = []
        self._turn: list[tuple[str, float, int, int]] = []  # room, arrived (monotonic s), source time (ms), deliveries
        self._scheduled = self._flushing = False
        self._next = 0.0
        self._paused: list[Outlet] = []  # during a flush, to be made slow after it
        self.slow: set[Outlet] = set()

    # -- who belongs where -------------------------------------------------------------------------------------------
    def place(self, outlet: Outlet, groups: frozenset[Group[Outlet]]) -> None:
        """From now on the connection gets what these groups get; what it was due before is written first."""
        if outlet.cohort is not None:
            if outlet.cohort.groups == groups:
                return
            self._settle(outlet)
            self._leave(outlet)
        key = (groups, outlet.form)
        cohort = self._cohorts.get(key)
        if cohort is None:
            cohort = self._cohorts[key] = Cohort(groups, outlet.form)
            for group in groups:
                self._of.setdefault(group, {})[cohort] = None
        outlet.cohort = cohort
        if outlet.backlog is not None:
            cohort.slow.add(outlet)
            return
        cohort.live[outlet] = None
        if cohort.pending:
            cohort.ahead[outlet] = len(cohort.pending)

    def remove(self, outlet: Outlet) -> None:
        """The connection is gone."""
        self.slow.discard(outlet)
        outlet.backlog = None
        if outlet.cohort is not None:
            self._leave(outlet)

    def _leave(self, outlet: Outlet) -> None:
        cohort = outlet.cohort
        assert cohort is not None
        cohort.live.pop(outlet, None)
        cohort.idle.pop(outlet, None)
        cohort.slow.discard(outlet)
        cohort.ahead.pop(outlet, None)
        outlet.cohort = None
        if cohort.live or cohort.slow:
            return
        del self._cohorts[cohort.groups, cohort.form]
        cohort.pending = []
        for group in cohort.groups:
            cohorts = self._of[group]
            del cohorts[cohort]
            if not cohorts:
                del self._of[group]

    def _settle(self, outlet: Outlet) -> None:
        """Writes the pending frames that the connection has not had."""
        cohort = outlet.cohort
        if cohort is not None and cohort.pending and outlet in cohort.live:
            rest = cohort.rest(outlet)
            cohort.ahead[outlet] = len(cohort.pending)
            if rest:
                self._write(outlet, rest)

    # -- what is written ---------------------------------------------------------------------------------------------
    def send(self, outlet: Outlet, message: Told | bytes) -> None:
        """One message, or its payload, to one connection, after all that it was due before."""
        payload = message if isinstance(message, bytes) else encode(message, outlet.form.format)
        self.control(outlet, self._framer.message(payload, outlet.form))

    def control(self, outlet: Outlet, frame: bytes) -> None:
        """One frame to one connection, after all that it was due before; nothing to one that was removed."""
        if outlet.cohort is None:
            return
        self._settle(outlet)
        self._write(outlet, frame)
        if outlet.backlog is not None and outlet.transport.get_write_buffer_size() > self._hard:
            outlet.owner.overflown()

    def framed(self, payloads: Iterable[bytes], form: Form) -> bytes:
        """Payloads of one form as frames, one behind the other."""
        return b"".join([self._framer.message(payload, form) for payload in payloads])

    def replay(self, outlet: Outlet, room: str, count: int, frames: bytes) -> None:
        """`count` kept messages of a room to one connection, after all that it was due before, by one write."""
        self._settle(outlet)
        self._tally.rooms[room].replayed += count
        self._write(outlet, frames)

    def _write(self, outlet: Outlet, data: bytes) -> None:
        """To one, by its transport; while that holds something of it, nobody else may write to the socket."""
        self._tally.bytes_out += len(data)
        try:
            outlet.write(data)
        except Exception:  # noqa: BLE001  # each loop's transports raise their own; all mean that this write failed
            self._failed(outlet, data, 1)
        if outlet.cohort is not None and outlet.transport.get_write_buffer_size():
            outlet.cohort.idle.pop(outlet, None)

    def _failed(self, outlet: Outlet, data: bytes, tries: int) -> None:
        """Tries a write again in the next turns; meanwhile the connection counts as slow, so that order is kept."""
        if tries > RETRIES or outlet.transport.is_closing():
            self._tally.instruments.inc(ws.DROPPED, "failed")
            outlet.owner.overflown()
            return
        self.paused(outlet)
        self._loop.call_soon(self._retry, outlet, data, tries)

    def _retry(self, outlet: Outlet, data: bytes, tries: int) -> None:
        if outlet.cohort is None:
            return
        self._tally.instruments.inc(ws.RETRIES)
        try:
            outlet.write(data)
        except Exception:  # noqa: BLE001  # as above
            self._failed(outlet, data, tries + 1)
        else:
            self.resumed(outlet)

    def publish(self, update: Update, published: Published[Outlet], since: float) -> int:
        """A numbered message, to be written in this turn; how many connections get it. `since`: monotonic s of its arrival."""
        frames: dict[tuple[tuple[str, ...], int, Form], bytes] = {}
        count = 0
        for delivery in published.deliveries:
            fields, prev = delivery.group.filters.fields, delivery.prev
            for cohort in self._of.get(delivery.group, ()):
                form = cohort.form
                key = (fields, prev, form)
                frame = frames.get(key)
                if frame is None:
                    payload = published.writer.payload(fields, prev, form.format)
                    frame = frames[key] = self._framer.message(payload, form)
                if cohort.live:
                    if not cohort.pending:
                        self._dirty.append(cohort)
                    cohort.pending.append(frame)
                    count += len(cohort.live)
                if cohort.slow:
                    self._conflate(cohort, update, published.seq, frame)
        self._tally.published(update.room, count)
        self._turn.append((update.room, since, update.source_time, count))
        if self._dirty:
            self._schedule()
        else:
            self._turn.clear()
        return count

    def _conflate(self, cohort: Cohort, update: Update, seq: int, frame: bytes) -> None:
        for outlet in cohort.slow:
            backlog = outlet.backlog
            assert backlog is not None
            if backlog.keep(update.room, update.symbol, seq, frame):
                self._tally.conflated[update.room] += 1
            if backlog.size > self._hard:
                outlet.owner.overflown()

    def _schedule(self) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        if self._next <= self._loop.time():
            self._loop.call_soon(self.flush)
        else:
            self._loop.call_at(self._next, self.flush)

    def flush(self) -> None:
        """Writes what is pending, one write per connection."""
        self._scheduled = False
        started = self._loop.time()
        dirty, self._dirty = self._dirty, []
        self._flushing = True
        try:
            for cohort in dirty:
                self._flush_cohort(cohort)
        finally:
            self._flushing = False
        turn, self._turn = self._turn, []
        self._tally.written(turn, time.monotonic(), now_ms())
        paused, self._paused = self._paused, []
        for outlet in paused:
            self.paused(outlet)
        ended = self._loop.time()
        self._next = ended + min((ended - started) * REST, _LONGEST_REST)

    def _flush_cohort(self, cohort: Cohort) -> None:
        pending, cohort.pending = cohort.pending, []
        ahead, cohort.ahead = cohort.ahead, {}
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        for outlet, had in ahead.items():
            if rest := b"".join(pending[had:]):
                self._write(outlet, rest)
        for outlet in cohort.look_idle():
            if outlet not in ahead:
                self._write(outlet, data)
        idle = cohort.idle if not ahead else {outlet: fd for outlet, fd in cohort.idle.items() if outlet not in ahead}
        self._write_idle(idle, data)

    def _write_idle(self, idle: Mapping[Outlet, int], data: bytes) -> None:
        """The same to many whose transports hold nothing; what a socket does not take is its transport's to finish."""
        size = len(data)
        self._tally.bytes_out += size * len(idle)
        took = write_each(idle.values(), data)
        if took.count(size) == len(took):
            return
        for outlet, count in [pair for pair in zip(idle, took, strict=True) if pair[1] < size]:
            self._tally.bytes_out -= size - count  # `_write` counts it
            self._write(outlet, data[count:])

    # -- slow clients ------------------------------------------------------------------------------------------------
    def paused(self, outlet: Outlet) -> None:
        """The connection's transport holds more than the backlog: from here on its messages are conflated."""
        if self._flushing:
            self._paused.append(outlet)
            return
        cohort = outlet.cohort
        if cohort is None or outlet.backlog is not None:
            return
        self._settle(outlet)
        outlet.backlog = Backlog(time.monotonic())
        cohort.live.pop(outlet, None)
        cohort.idle.pop(outlet, None)
        cohort.ahead.pop(outlet, None)
        cohort.slow.add(outlet)
        self.slow.add(outlet)
        self._tally.slowed += 1

    def resumed(self, outlet: Outlet) -> None:
        """The transport has drained: what waited is written, and the client is told what it missed."""
        if outlet in self._paused:
            self._paused.remove(outlet)
        cohort, backlog = outlet.cohort, outlet.backlog
        if cohort is None or backlog is None:
            return
        outlet.backlog = None
        self.slow.discard(outlet)
        cohort.slow.discard(outlet)
        cohort.live[outlet] = None
        if cohort.pending:
            cohort.ahead[outlet] = len(cohort.pending)
        now = now_ms()
        gaps = (
            Gap(room=room, from_=first, to=last, reason="conflated", timestamp=now)
            for room, (first, last) in backlog.lost.items()
        )
        told = (self._framer.message(encode(gap, outlet.form.format), outlet.form) for gap in gaps)
        data = b"".join(chain(told, backlog.frames()))
        if data:
            self._tally.gaps["conflated"] += len(backlog.lost)
            self._write(outlet, data)
        outlet.owner.drained()
