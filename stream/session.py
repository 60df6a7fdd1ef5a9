"""One client's side of the protocol: what it asks, what it may, what it did wrong. It awaits nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from metrics import websocket as ws
from settings.stream import Stream
from stream.auth import ANONYMOUS, AuthError, Identity
from stream.codes import MOST_IGNORED, MOST_OFFENCES, OFFENCE_WINDOW, RESUME_COST, CloseCode, ErrorCode
from stream.fanout import now_ms
from stream.frames import Form
from stream.hub import Hub
from stream.limits import TokenBucket
from stream.messages import (
    Auth,
    Authenticated,
    Connection,
    Error,
    Format,
    List,
    Ping,
    Pong,
    RefusedError,
    Rooms,
    Subscribe,
    Told,
    Unsubscribe,
    decode,
)
from stream.outlet import Outlet
from stream.tally import Tally


class Checker(Protocol):
    """Whoever knows tokens."""

    def check(self, token: str) -> Identity:
        """Whose token it is. Raises AuthError."""
        ...

    def refresh(self) -> bool:
        """Reads again what may have changed; whether it did."""
        ...

    def verdict(self, identity: Identity) -> ErrorCode | None:
        """Why a connection of that identity must end now."""
        ...


class Desk:
    """What all sessions of a server share."""

    def __init__(self, hub: Hub, tally: Tally, settings: Stream, checker: Checker | None, rooms: Callable[[], Rooms]) -> None:
        # Told of every subscription: client, room, whether it has filters.
        self.subscribed: Callable[[str, str, bool], None] = lambda _client, _room, _filtered: None
        self.hub, self.tally, self.settings, self.checker, self.rooms = hub, tally, settings, checker, rooms
        self.identified: set[Session] = set()  # sessions that have said who they are
        self._scopes = settings.rooms.scopes()

    def scope(self, room: str) -> str:
        """The scope that a room demands; empty: none."""
        return self._scopes.get(room, "")


class Offences:
    """Counts events of the last `OFFENCE_WINDOW`; told when there are too many."""

    __slots__ = ("_most", "_times")

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def add(self, now: float) -> bool:
        """One more, at `now` (monotonic s); whether they are more than `most`."""
        times = self._times
        times.append(now)
        while times[0] < now - OFFENCE_WINDOW:
            times.popleft()
        return len(times) > self._most


class Session:
    """One client. `close(code, reason)` ends its connection, after what was sent before."""

    __slots__ = (
        "_bucket", "_desk", "_ignored", "_offences", "close", "id", "identity", "last_message", "last_pong", "opened",
        "outlet", "ping_sent", "request_id",
    )  # fmt: skip

    def __init__(self, desk: Desk, client: str, outlet: Outlet, close: Callable[[CloseCode, str], None], request_id: str) -> None:
        now = time.monotonic()
        limits = desk.settings.limits
        self._desk, self.id, self.outlet, self.close, self.request_id = desk, client, outlet, close, request_id
        self._bucket = TokenBucket(limits.messages_per_second, limits.burst, now)
        self._offences: Offences | None = None  # most clients never offend: they pay no memory
        self._ignored: Offences | None = None
        self.identity: Identity = ANONYMOUS
        self.opened = self.last_message = now
        self.last_pong = 0.0  # on the keeper's clock
        self.ping_sent = 0.0

    @property
    def form(self) -> Form:
        """How this client gets messages."""
        return self.outlet.form

    @property
    def welcome(self) -> bool:
        """Whether it may do more than say who it is."""
        return self._desk.settings.anonymous or not self.identity.anonymous

    @property
    def subscribed(self) -> bool:
        """Whether it is in a room."""
        return bool(self._desk.hub.rooms.of(self.outlet))

    def greet(self) -> None:
        """The first message."""
        self.tell(Connection(client_id=self.id, timestamp=now_ms()))

    def tell(self, message: Told) -> None:
        """One message to this client."""
        self._desk.hub.tell(self.outlet, message)

    def received(self, payload: str | bytes) -> None:
        """A message of the client; whatever it holds, the answer is a message or a close."""
        now = self.last_message = time.monotonic()
        if not self._bucket.take(now):
            self._desk.tally.received(None, "unusable", len(payload))
            self._refuse(RefusedError(ErrorCode.RATE_LIMITED), now)
            return
        if isinstance(payload, str) != (self.form.format is Format.JSON):
            self.close(CloseCode.UNSUPPORTED_DATA, CloseCode.UNSUPPORTED_DATA.meaning)
            return
        kind, room = "unusable", None
        try:
            asked = decode(payload, self.form.format)
            kind = str(asked.__struct_config__.tag)
            room = getattr(asked, "room", None)
            self._answer(asked, now)
        except RefusedError as error:
            self._refuse(error, now)
        except AuthError as error:
            self._refuse(RefusedError(error.code), now)
        self._desk.tally.received(room, kind, len(payload))

    def _refuse(self, error: RefusedError, now: float) -> None:
        """Answers by an error; the one too many closes."""
        self._desk.tally.instruments.inc(ws.ERRORS, str(error.code))
        if error.code is ErrorCode.RATE_LIMITED:
            self._ignored = self._ignored or Offences(MOST_IGNORED)
            many, code = self._ignored.add(now), CloseCode.FLOOD
        else:
            self._offences = self._offences or Offences(MOST_OFFENCES)
            many, code = self._offences.add(now), CloseCode.OFFENCES
        self.tell(Error(code=str(error.code), message=str(error), timestamp=now_ms(), room=error.room))
        if many:
            self.close(code, code.meaning)

    def _answer(self, asked: Subscribe | Unsubscribe | Ping | Auth | List, now: float) -> None:
        """Does what was asked. Raises RefusedError, AuthError."""
        if isinstance(asked, Ping):
            self.tell(Pong(timestamp=now_ms(), id=asked.id))
        elif isinstance(asked, Auth):
            self._authenticate(asked.token)
        elif not self.welcome:
            raise RefusedError(ErrorCode.AUTH_REQUIRED, room=getattr(asked, "room", None))
        elif isinstance(asked, Subscribe):
            self._subscribe(asked, now)
        elif isinstance(asked, Unsubscribe):
            self._desk.hub.unsubscribe(self.outlet, asked.room)
        else:
            self.tell(self._desk.rooms())

    def _subscribe(self, asked: Subscribe, now: float) -> None:
        hub = self._desk.hub
        if asked.room not in hub.rooms.all:
            raise RefusedError(ErrorCode.UNKNOWN_ROOM, room=asked.room)
        if not self.identity.may(self._desk.scope(asked.room)):
            raise RefusedError(ErrorCode.FORBIDDEN, room=asked.room)
        mine = hub.rooms.of(self.outlet)
        if asked.room not in mine and len(mine) >= self._desk.settings.limits.subscriptions:
            raise RefusedError(ErrorCode.TOO_MANY_SUBSCRIPTIONS, room=asked.room)
        if asked.after is not None and not self._bucket.take(now, RESUME_COST - 1):  # the message itself has been paid
            raise RefusedError(ErrorCode.RATE_LIMITED, room=asked.room)
        hub.subscribe(self.outlet, asked)
        self._desk.subscribed(self.id, asked.room, asked.filters is not None)

    def _authenticate(self, token: str) -> None:
        if self._desk.checker is None:
            raise AuthError(ErrorCode.BAD_TOKEN)
        self.identity = self._desk.checker.check(token)
        self._desk.identified.add(self)
        hub = self._desk.hub
        for room in hub.rooms.of(self.outlet):
            if not self.identity.may(self._desk.scope(room)):  # another identity may less than the one before
                hub.unsubscribe(self.outlet, room)
        self.tell(Authenticated(scopes=sorted(self.identity.scopes), expires=self.identity.expires_at))
