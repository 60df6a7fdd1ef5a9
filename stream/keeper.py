"""Looks after open connections: pings them, and ends those that are dead, too slow, idle, or not allowed any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass

from metrics import websocket as ws
from stream.codes import CloseCode
from stream.frames import PING, frame
from stream.session import Desk, Session

_SLICES = 10  # of the ping interval: in each, a tenth of the connections is looked at


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: from ping to ping, the age of the last pong at which a client counts as gone, and how long closing may take."""

    ping_every: float = 10.0
    pong_within: float = 30.0
    close_within: float = 5.0


class Keeper:
    """Looks after the sessions that are added, until they are removed.

    Pongs are judged by a clock that stands still while the process does: a client whose pong waits in a socket because the
    server was suspended, or had no processor, is not gone.
    """

    def __init__(self, desk: Desk, times: Times) -> None:
        self._desk, self._times = desk, times
        self._slices: tuple[set[Session], ...] = tuple(set() for _ in range(_SLICES))
        self._by_outlet: dict[object, Session] = {}
        self._next = self._round = 0
        self._clock = 0.0  # seconds that this loop has run, as far as its own turns tell

    def add(self, session: Session) -> None:
        """A new connection; neighbours in time are not pinged at once."""
        self._next = (self._next + 1) % _SLICES
        self._slices[self._next].add(session)
        session.last_pong = self._clock
        self._by_outlet[session.outlet] = session

    def remove(self, session: Session) -> None:
        """A connection has ended."""
        for part in self._slices:
            part.discard(session)
        self._by_outlet.pop(session.outlet, None)
        self._desk.identified.discard(session)

    async def run(self) -> None:
        """Looks after them until it is cancelled."""
        step = self._times.ping_every / _SLICES
        before = time.monotonic()
        while True:
            await asyncio.sleep(step)
            now = time.monotonic()
            self._clock += min(now - before, 2 * step)
            before = now
            self._round = (self._round + 1) % _SLICES
            self._ping(list(self._slices[self._round]), now)
            self._end_slow(now)
            self._end_unauthorized()

    def ponged(self, session: Session) -> None:
        """A pong has come."""
        session.last_pong = self._clock
        if session.ping_sent:
            self._desk.tally.instruments.observe(ws.PING_DURATION, time.monotonic() - session.ping_sent)
            session.ping_sent = 0.0

    def _ping(self, sessions: Collection[Session], now: float) -> None:
        ping = frame(PING, b"")
        for session in sessions:
            if self._clock - session.last_pong >= self._times.pong_within:
                session.close(CloseCode.NO_PONG, CloseCode.NO_PONG.meaning)
            elif not self._may_stay(session, now):
                continue
            else:
                if not session.ping_sent:
                    session.ping_sent = now
                self._desk.hub.fanout.control(session.outlet, ping)

    def _may_stay(self, session: Session, now: float) -> bool:
        limits = self._desk.settings.limits
        if not session.welcome and now - session.opened > limits.handshake_seconds:
            session.close(CloseCode.UNAUTHORIZED, "no token was sent in time")
        elif not session.subscribed and now - session.last_message > limits.idle_seconds:
            session.close(CloseCode.IDLE, CloseCode.IDLE.meaning)
        else:
            return True
        return False

    def _end_slow(self, now: float) -> None:
        for outlet in list(self._desk.hub.fanout.slow):
            backlog, session = outlet.backlog, self._by_outlet.get(outlet)
            if session is not None and backlog is not None and now - backlog.since > self._desk.settings.slow_seconds:
                session.close(CloseCode.TOO_SLOW, CloseCode.TOO_SLOW.meaning)

    def _end_unauthorized(self) -> None:
        checker = self._desk.checker
        if checker is None:
            return
        checker.refresh()
        for session in list(self._desk.identified):
            if (verdict := checker.verdict(session.identity)) is not None:
                session.close(CloseCode.UNAUTHORIZED, verdict.meaning)
