"""The WebSocket endpoint: handshake, reading, closing. Everything that is sent leaves by the fan-out, or is a close frame."""

from __future__ import annotations

import asyncio
import logging
import secrets
from http import HTTPStatus

from aiohttp import WSMsgType, web

from metrics import websocket as ws
from stream.cache.origin import is_edge
from stream.closing import GuardedWebSocket
from stream.codes import CloseCode, ErrorCode
from stream.frames import PONG, Form, close_frame, frame
from stream.guard import Guard
from stream.keeper import Keeper, Times
from stream.limits import is_trusted
from stream.messages import SUBPROTOCOL_MSGPACK, Format
from stream.middleware import address_of, check_host
from stream.origins import is_allowed
from stream.outlet import Outlet
from stream.problems import REQUEST_ID, ProblemError
from stream.session import Desk, Session
from stream.tally import ABNORMAL

_LOG = logging.getLogger("watchfloor.stream")


class _Link(asyncio.Protocol):
    """One open connection, between its transport and aiohttp's protocol: hears when the transport is full, drained, lost.

    It is one object on purpose: there are thousands of them.
    """

    __slots__ = ("_inner", "_waiting", "code", "endpoint", "lost", "outlet", "session", "socket")

    session: Session

    def __init__(
        self, endpoint: Endpoint, inner: asyncio.Protocol, socket: _Socket, transport: asyncio.Transport, form: Form
    ) -> None:
        self.endpoint, self._inner, self.socket = endpoint, inner, socket
        self.outlet = Outlet(transport, form, self)
        self.lost = False
        self.code: CloseCode | None = None  # by which this side ended it
        self._waiting: asyncio.Future[None] | None = None

    async def wait_lost(self) -> None:
        """Returns when the connection is gone; for one caller."""
        if not self.lost:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def close(self, code: CloseCode, reason: str) -> None:
        """Ends the connection, after what was sent before; once."""
        if self.code is None:
            self.code = code
            self.endpoint.close(self, close_frame(code, reason))

    def drained(self) -> None:
        """A slow client is not slow any more."""
        self.endpoint.hub.pump(self.outlet)

    def overflown(self) -> None:
        """A slow client is hopeless."""
        self.close(CloseCode.TOO_SLOW, "more waits for the client than the server keeps")

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send no more."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.lost = True
        self.endpoint.hub.detach(self.outlet)  # before the socket is closed: its number may be another's in a moment
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The transport holds more than its high-water mark."""
        self._inner.pause_writing()
        self.endpoint.hub.fanout.paused(self.outlet)

    def resume_writing(self) -> None:
        """The transport has drained to its low-water mark."""
        self._inner.resume_writing()
        self.endpoint.hub.fanout.resumed(self.outlet)


class _Socket(GuardedWebSocket):
    """aiohttp's WebSocket, which sends one close frame at most: its own, or the one that `goodbye` tells of.

    After that its connection gets nothing more: `link` leaves the hub.
    """

    goodbye = False
    link: _Link | None = None

    async def close(self, *, code: int = CloseCode.NORMAL, message: bytes = b"", drain: bool = True) -> bool:
        """Sends a close frame unless one was sent."""
        if self.goodbye:
            return False
        self.goodbye = True
        if self.link is not None:
            self.link.endpoint.hub.detach(self.link.outlet)
        return await super().close(code=code, message=message, drain=drain)


class Endpoint:
    """Every open WebSocket of the server; `hosts` are the names by which it may be called."""

    def __init__(self, desk: Desk, guard: Guard, hosts: frozenset[str], times: Times | None = None) -> None:
        self._desk, self._guard, self._hosts = desk, guard, hosts
        self.hub = desk.hub
        self._times = times or Times()
        self.keeper = Keeper(desk, self._times)
        self.sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
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
        check_host(request, self._hosts)
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
        """Counts a client behind our edge or a trusted proxy by its own address (others the guard has counted); which one."""
        from_edge = is_edge(request, self._guard.edge_secret)
        if not from_edge and not is_trusted(request.remote or "", self._guard.trusted):
            return ""
        address = address_of(request, self._guard.trusted, from_edge=from_edge)
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
        link = self._open(request, socket, transport)
        try:
            link.session.greet()
            await self._read(link)
        except Exception:  # noqa: BLE001  # the edge of a connection: an HTTP answer is nothing that its client understands
            _LOG.exception("a connection failed", extra=self._about(link.session, "connection_failed"))
            link.close(CloseCode.INTERNAL_ERROR, CloseCode.INTERNAL_ERROR.meaning)
            await self._read(link)
        finally:
            self._end(link)

    def _open(self, request: web.Request, socket: _Socket, transport: asyncio.Transport) -> _Link:
        form = Form(Format.MSGPACK if socket.ws_protocol == SUBPROTOCOL_MSGPACK else Format.JSON, int(socket.compress))
        link = socket.link = _Link(self, request.protocol, socket, transport, form)
        session = link.session = Session(self._desk, secrets.token_hex(8), link.outlet, link.close, request[REQUEST_ID])
        socket.headers.clear()  # they have been sent: a kilobyte less for each client
        transport.set_protocol(link)
        transport.set_write_buffer_limits(high=self.hub.fanout.backlog, low=self.hub.fanout.backlog // 4)
        self.hub.attach(link.outlet)
        self.sessions[session.id] = session
        self.keeper.add(session)
        self._desk.tally.open[form.format.value, "yes" if form.window else "no"] += 1
        _LOG.info("client connected", extra=self._about(session, "client_connected"))
        return link

    @staticmethod
    def _about(session: Session, event: str) -> dict[str, object]:
        return {"event": event, "client_id": session.id, "request_id": session.request_id}

    async def _read(self, link: _Link) -> None:
        """Hands over what the client sends, until one side closes."""
        socket, session = link.socket, link.session
        while True:
            message = await socket.receive()
            kind = message.type
            if kind in (WSMsgType.TEXT, WSMsgType.BINARY):
                if link.code is None and not socket.goodbye:
                    session.received(message.data)
            elif kind is WSMsgType.PING:
                self.hub.fanout.control(link.outlet, frame(PONG, message.data))
            elif kind is WSMsgType.PONG:
                self.keeper.ponged(session)
            else:
                return

    def close(self, link: _Link, goodbye: bytes) -> None:
        """Closes from this side, after the turn."""
        task = asyncio.get_running_loop().create_task(self._close(link, goodbye))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, link: _Link, goodbye: bytes) -> None:
        """Sends the close frame and goes on reading until the peer agrees; one that does not is cut off."""
        if link.socket.goodbye:
            return
        link.socket.goodbye = True
        self.hub.fanout.control(link.outlet, goodbye)
        self.hub.detach(link.outlet)
        try:
            async with asyncio.timeout(self._times.close_within):
                await link.wait_lost()
        except TimeoutError:
            link.outlet.transport.abort()

    def _end(self, link: _Link) -> None:
        """The connection is over: nothing of it stays."""
        session, found = link.session, link.socket.found()
        self.hub.detach(link.outlet)
        self.keeper.remove(session)
        del self.sessions[session.id]
        form = session.form
        self._desk.tally.open[form.format.value, "yes" if form.window else "no"] -= 1
        code = link.code or (found.code if found else link.socket.close_code or ABNORMAL)
        self._desk.tally.closed(code, "server" if link.code or found else "client")
        _LOG.info("client gone", extra=self._about(session, "client_gone") | {"code": code})

    async def stop(self) -> None:
        """Takes nobody any more, closes every client with 1001, and waits for them as long as closing may take."""
        self._stopping = True
        self.hub.fanout.flush()
        for session in list(self.sessions.values()):
            session.close(CloseCode.GOING_AWAY, CloseCode.GOING_AWAY.meaning)
        if self._closing:
            await asyncio.wait(tuple(self._closing), timeout=self._times.close_within)
        for session in list(self.sessions.values()):
            session.outlet.transport.abort()
