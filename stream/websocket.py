"""The WebSocket endpoint: handshake, reading, closing. Everything that is sent leaves by the fan-out, or is a close frame."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import WSMsgType, web

from metrics import websocket as ws
from stream.codes import CloseCode, ErrorCode
from stream.frames import PONG, Form, close_frame, frame
from stream.guard import Guard, GuardedWebSocket
from stream.http import REQUEST_ID, ProblemError, address_of
from stream.keeper import Keeper, Times
from stream.limits import is_trusted
from stream.messages import SUBPROTOCOL_MSGPACK, Format
from stream.origins import is_allowed
from stream.outlet import Outlet
from stream.session import Desk, Session
from stream.tally import ABNORMAL

_LOG = logging.getLogger("watchfloor.stream")


class _Tap(asyncio.Protocol):
    """Between a transport and aiohttp's protocol, after the handshake: hears when the transport is full, drained, lost."""

    __slots__ = ("_full", "_inner", "_ready", "_waiting", "lost")

    def __init__(self, inner: asyncio.Protocol, full: Callable[[], None], ready: Callable[[], None]) -> None:
        self._inner, self._full, self._ready = inner, full, ready
        self.lost = False
        self._waiting: asyncio.Future[None] | None = None

    async def wait_lost(self) -> None:
        """Returns when the connection is gone; for one caller."""
        if not self.lost:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send no more."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.lost = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The transport holds more than its high-water mark."""
        self._inner.pause_writing()
        self._full()

    def resume_writing(self) -> None:
        """The transport has drained to its low-water mark."""
        self._inner.resume_writing()
        self._ready()


class _Socket(GuardedWebSocket):
    """aiohttp's WebSocket, which sends one close frame at most: its own, or the one that `goodbye` tells of.

    `before_close` is called before it sends one.
    """

    goodbye = False
    before_close: Callable[[], None] | None = None

    async def close(self, *, code: int = CloseCode.NORMAL, message: bytes = b"", drain: bool = True) -> bool:
        """Sends a close frame unless one was sent."""
        if self.goodbye:
            return False
        self.goodbye = True
        if self.before_close is not None:
            self.before_close()
        return await super().close(code=code, message=message, drain=drain)


class Endpoint:
    """Every open WebSocket of the server."""

    def __init__(self, desk: Desk, guard: Guard, times: Times | None = None) -> None:
        self._desk, self._guard = desk, guard
        self._times = times or Times()
        self.keeper = Keeper(desk, self._times)
        self.sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._codes: dict[str, CloseCode] = {}  # of connections that this side ended
        self._stopping = False

    def outlet(self, client: str) -> Outlet | None:
        """A client's outlet, by its id."""
        session = self.sessions.get(client)
        return session.outlet if session else None

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Answers a handshake and serves the client until it is gone. Raises ProblemError for a refusal."""
        count = self._desk.tally.instruments.inc
        try:
            socket = self._admit(request)
            address = self._acquire(request)
        except ProblemError as error:
            count(ws.HANDSHAKES, str(error.code))
            raise
        try:
            await socket.prepare(request)
            count(ws.HANDSHAKES, "accepted")
            await self._serve(request, socket)
        finally:
            if address:
                self._guard.per_address.release(address)
        return socket

    def _admit(self, request: web.Request) -> _Socket:
        if self._stopping:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.SHUTTING_DOWN, headers={"Retry-After": "1"})
        if not is_allowed(request.headers, self._desk.settings.allowed_origins):
            raise ProblemError(HTTPStatus.FORBIDDEN, ErrorCode.BAD_ORIGIN)
        socket = _Socket(
            autoping=False, protocols=(SUBPROTOCOL_MSGPACK,), max_msg_size=self._desk.settings.limits.message_bytes,
            timeout=self._times.close_within,
        )  # fmt: skip
        if not socket.can_prepare(request) or request.headers.get("Sec-WebSocket-Version") != "13":
            raise ProblemError(
                HTTPStatus.UPGRADE_REQUIRED,
                ErrorCode.BAD_HANDSHAKE,
                headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
            )
        return socket

    def _acquire(self, request: web.Request) -> str:
        """Counts a client behind a trusted proxy by its own address (others the guard has counted); which one."""
        if not is_trusted(request.remote or "", self._guard.trusted):
            return ""
        address = address_of(request, tuple(self._guard.trusted))
        if is_trusted(address, self._guard.trusted):
            return ""
        if not self._guard.per_address.acquire(address):
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, ErrorCode.TOO_MANY_CONNECTIONS)
        return address

    async def _serve(self, request: web.Request, socket: _Socket) -> None:
        transport = request.transport
        if transport is None:  # gone while it was greeted
            self._desk.tally.closed(ABNORMAL, "client")
            return
        session = self._open(request, socket, transport)
        try:
            session.greet()
            await self._read(session, socket)
        finally:
            self._end(session, socket)

    def _open(self, request: web.Request, socket: _Socket, transport: asyncio.Transport) -> Session:
        fanout, tally = self._desk.hub.fanout, self._desk.tally
        form = Form(Format.MSGPACK if socket.ws_protocol == SUBPROTOCOL_MSGPACK else Format.JSON, int(socket.compress))

        def close(code: CloseCode, reason: str) -> None:
            if session.id not in self._codes:
                self._codes[session.id] = code
                task = asyncio.get_running_loop().create_task(self._close(session, socket, tap, close_frame(code, reason)))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

        def overflown() -> None:
            close(CloseCode.TOO_SLOW, "more waits for the client than the server keeps")

        outlet = Outlet(transport, form, drained=lambda: self._desk.hub.pump(outlet), overflown=overflown)
        session = Session(self._desk, secrets.token_hex(8), outlet, close, request[REQUEST_ID])
        tap = _Tap(request.protocol, lambda: fanout.paused(outlet), lambda: fanout.resumed(outlet))
        transport.set_protocol(tap)
        transport.set_write_buffer_limits(high=fanout.backlog, low=fanout.backlog // 4)
        socket.before_close = lambda: self._desk.hub.detach(outlet)
        self._desk.hub.attach(outlet)
        self.sessions[session.id] = session
        self.keeper.add(session)
        tally.open[form.format.value, "yes" if form.window else "no"] += 1
        _LOG.info("client connected", extra=self._about(session, "client_connected"))
        return session

    @staticmethod
    def _about(session: Session, event: str) -> dict[str, object]:
        return {"event": event, "client_id": session.id, "request_id": session.request_id}

    async def _read(self, session: Session, socket: _Socket) -> None:
        """Hands over what the client sends, until one side closes."""
        fanout = self._desk.hub.fanout
        while True:
            message = await socket.receive()
            kind = message.type
            if kind in (WSMsgType.TEXT, WSMsgType.BINARY):
                if not socket.goodbye:
                    session.received(message.data)
            elif kind is WSMsgType.PING:
                fanout.control(session.outlet, frame(PONG, message.data))
            elif kind is WSMsgType.PONG:
                self.keeper.ponged(session)
            else:
                return

    async def _close(self, session: Session, socket: _Socket, tap: _Tap, goodbye: bytes) -> None:
        """Closes from this side, once, and goes on reading until the peer agrees; one that does not is cut off."""
        if socket.goodbye:
            return
        socket.goodbye = True
        self._desk.hub.fanout.control(session.outlet, goodbye)
        self._desk.hub.detach(session.outlet)
        try:
            async with asyncio.timeout(self._times.close_within):
                await tap.wait_lost()
        except TimeoutError:
            session.outlet.transport.abort()

    def _end(self, session: Session, socket: _Socket) -> None:
        """The connection is over: nothing of it stays."""
        self._desk.hub.detach(session.outlet)
        self.keeper.remove(session)
        del self.sessions[session.id]
        form = session.form
        self._desk.tally.open[form.format.value, "yes" if form.window else "no"] -= 1
        ours = self._codes.pop(session.id, None)
        found = socket.found()
        code = ours or (found.code if found else socket.close_code or ABNORMAL)
        self._desk.tally.closed(code, "server" if ours or found else "client")
        _LOG.info("client gone", extra=self._about(session, "client_gone") | {"code": code})

    async def stop(self) -> None:
        """Takes nobody any more, closes every client with 1001, and waits for them as long as closing may take."""
        self._stopping = True
        self._desk.hub.fanout.flush()
        for session in list(self.sessions.values()):
            session.close(CloseCode.GOING_AWAY, CloseCode.GOING_AWAY.meaning)
        if self._closing:
            await asyncio.wait(tuple(self._closing), timeout=self._times.close_within)
        for session in list(self.sessions.values()):
            session.outlet.transport.abort()
