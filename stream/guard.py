"""In front of aiohttp's parsers: requests that never end, connections beyond the limit, frames that break RFC 6455.

`GuardedRunner` is an `AppRunner` whose connections are guarded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import repeat
from typing import Any, TypeAlias, cast

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http import RawRequestMessage, WebSocketReader
from aiohttp.web_protocol import RequestHandler

from stream.codes import CloseCode, ErrorCode
from stream.frames_in import FrameCheck, Violation
from stream.limits import Network, PerAddress, is_trusted
from stream.problems import new_id
from stream.reader import GuardedReader
from stream.refusals import problem, refusal

Before: TypeAlias = Callable[[Any], Any]  # takes a handler of requests, gives one that may answer by itself
_END_OF_HEADERS = b"\r\n\r\n"
MOST_WAITING = 4  # requests of one connection that may wait behind one that has waited long itself
LONG, FRESH = 1.0, 0.1  # seconds: who waited so long is refused, and those behind until the next is so fresh
_KEEPALIVE = 75.0  # seconds that a connection may wait for its next request


@dataclass
class Guard:
    """The limits of one server, and what was refused by them.

    `per_address` counts connections of addresses that are no trusted proxy: behind a proxy everybody has its address.
    `edge_secret` is the word by which our own edge is known; empty: there is none.
    """

    handshake_seconds: float
    header_bytes: int
    message_bytes: int
    per_address: PerAddress
    trusted: Sequence[Network] = ()
    edge_secret: str = ""
    open: int = 0  # connections, of whatever kind
    refused: Counter[ErrorCode] = field(default_factory=Counter)
    violations: Counter[CloseCode] = field(default_factory=Counter)


class GuardedProtocol(RequestHandler):
    """One connection: aiohttp's, with limits on what comes before a request is complete and on frames afterwards."""

    __slots__ = ("_address", "_arrivals", "_body", "_guard", "_noted", "_sheds", "_taken", "_timer", "_unfinished", "violation")

    def __init__(self, manager: web.Server, guard: Guard, **options: Any) -> None:
        super().__init__(manager, **options)
        self._guard = guard
        self._address = ""  # counted, to be released
        self._timer: asyncio.TimerHandle | None = None
        self._unfinished = 0  # bytes of a request whose headers have not ended
        self._noted = False
        self._arrivals: list[float] = []  # of the requests that wait, by the loop's clock
        self._taken = 0.0  # when the client last began to take what it had left lying
        self._sheds = False
        self._body: StreamReader | None = None  # of the last request
        self.violation: Violation | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuses the one too many of an address; gives the others until the deadline for their first request."""
        super().connection_made(transport)
        self._guard.open += 1
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if not is_trusted(address, self._guard.trusted):
            if not self._guard.per_address.acquire(address):
                self._refuse(ErrorCode.TOO_MANY_CONNECTIONS)
                return
            self._address = address
        self._start_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gives the address its place back."""
        self._stop_timer()
        self._guard.open -= 1
        self.uncount()
        super().connection_lost(exc)

    def uncount(self) -> None:
        """Gives the address its place back: the connection has ended, or is our edge's, whose clients count by their own."""
        if self._address:
            self._guard.per_address.release(self._address)
            self._address = ""

    def data_received(self, data: bytes) -> None:
        """Counts what comes before a request's headers end; bodies and frames are aiohttp's or `GuardedReader`'s."""
        if self._force_close or self._payload_parser is not None or self._upgraded:
            super().data_received(data)
            return
        of_body = self._body is not None and not self._body.is_eof()
        end = data.find(_END_OF_HEADERS)
        if not of_body and self._unfinished + (len(data) if end < 0 else end) > self._guard.header_bytes:
            self._refuse(ErrorCode.HEADERS_TOO_LARGE)
            return
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._arrivals.extend(repeat(self._loop.time(), self._request_count - before))
            self._forget()
            self._unfinished = 0
            self._stop_timer()
            self._body = self._messages[-1][1] if self._messages else None
        elif data and not of_body:
            self._unfinished += len(data)
            self._start_timer()

    def resume_writing(self) -> None:
        """The client reads again: what waited meanwhile waited for it, and not for us."""
        self._taken = self._loop.time()
        super().resume_writing()

    def _forget(self) -> None:
        """Keeps the arrivals of what waits, and of the one before it: of others nobody asked."""
        del self._arrivals[: max(0, len(self._arrivals) - len(self._messages) - 1)]

    def sheds(self) -> bool:
        """Whether the request that is next to be answered waited too long, and too many behind it; then all that waited do."""
        waiting, now = len(self._messages), self._loop.time()
        self._forget()
        arrived = self._arrivals.pop(0) if len(self._arrivals) > waiting else now
        age = self._age(arrived, now)
        self._sheds = (age > LONG and waiting > MOST_WAITING) or (self._sheds and age > FRESH)
        return self._sheds

    def late(self) -> list[RawRequestMessage]:
        """Takes out those behind it that waited too long as well: one write refuses them with it, for less than one by one.

        It ends before what ends a connection or is not here as a whole: aiohttp sees to that.
        """
        taken: list[RawRequestMessage] = []
        now, parser = self._loop.time(), self._parser
        while (
            parser and self._messages and len(self._arrivals) == len(self._messages) and self._age(self._arrivals[0], now) > FRESH
        ):
            message, payload = self._messages[0]
            if not isinstance(message, RawRequestMessage) or not _plain(message) or not payload.is_eof():
                break
            self._messages.popleft()
            self._arrivals.pop(0)
            parser.message_consumed()
            taken.append(message)
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        return taken

    def _age(self, arrived: float, now: float) -> float:
        return now - max(arrived, self._taken)

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        """From here on frames come: they pass the check before aiohttp's parser sees them."""
        check = FrameCheck(self._guard.message_bytes)
        guarded = cast("WebSocketReader", GuardedReader(parser, check, self._broken))
        super().set_parser(guarded, data_received_cb)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP gets a problem document instead of a page with details, and no traceback in the log."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        self._guard.refused[ErrorCode.BAD_REQUEST] += 1
        known = new_id()
        answer = web.Response(
            status=status,
            body=problem(ErrorCode.BAD_REQUEST, HTTPStatus(status), known),
            content_type="application/problem+json",
            headers={
                "Server": "watchfloor", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Request-Id": known,
            },
        )  # fmt: skip
        answer.force_close()
        return answer

    def note(self, violation: Violation) -> None:
        """Counts what ends this connection, once."""
        if not self._noted:
            self._noted = True
            self._guard.violations[violation.code] += 1

    def _broken(self, violation: Violation) -> None:
        self.violation = violation
        self.note(violation)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._guard.handshake_seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if not self._unfinished:  # a browser's spare connection: nothing was asked, nothing is answered
            self.force_close()
            return
        self._refuse(ErrorCode.REQUEST_TOO_SLOW)

    def _refuse(self, code: ErrorCode) -> None:
        self._stop_timer()
        self._guard.refused[code] += 1
        if self.transport is not None:
            self.transport.write(refusal(code))
        self.force_close()


def _plain(message: RawRequestMessage) -> bool:
    """Whether its connection stays, and goes on with HTTP."""
    return message.version == HttpVersion11 and not message.should_close and not message.upgrade


class GuardedServer(web.Server):
    """Makes guarded connections; otherwise the server it was made from, with `before` around its handler."""

    def __init__(self, made: web.Server, guard: Guard, before: Before) -> None:
        super().__init__(
            before(made.request_handler),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,  # noqa: SLF001  # aiohttp has no public way to another protocol class
            **made._kwargs,  # noqa: SLF001  # the same
        )
        self._guard = guard

    def __call__(self) -> RequestHandler:
        """A connection's protocol."""
        return GuardedProtocol(self, self._guard, loop=self._loop, **self._kwargs)


class GuardedRunner(web.AppRunner):
    """An application's runner with a guard before every connection; more options as `AppRunner` takes them."""

    __slots__ = ("_before", "_guard")

    def __init__(self, app: web.Application, guard: Guard, before: Before = lambda handler: handler, **options: Any) -> None:
        # Bodies stay as they came: none is taken compressed, so that no small one can become a large one.
        own = {"keepalive_timeout": _KEEPALIVE, "access_log": None, "auto_decompress": False}
        super().__init__(app, **(own | options))
        self._guard, self._before = guard, before

    async def _make_server(self) -> web.Server:
        return GuardedServer(await super()._make_server(), self._guard, self._before)
