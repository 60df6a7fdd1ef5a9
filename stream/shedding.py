"""Refuses what has waited too long to be worth an answer: a server that answers everything, however late, never catches up.

What waits for its turn on a connection is known with its age. Where the next one has waited for a second and more than four wait
behind it, they are refused, the oldest first, until none waits: refusing costs less than answering, so that the next are in time.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web

from metrics import app as declared
from metrics.instruments import Instruments
from stream.api.codes import ApiCode
from stream.api.hot import Handler, Written
from stream.guard import GuardedProtocol
from stream.middleware import wants_upgrade
from stream.problems import id_for
from stream.refusals import problem

_STATUS = HTTPStatus.SERVICE_UNAVAILABLE
_RETRY = "1"  # seconds


class Shedding:
    """In front of everything else that answers requests. `common` are the headers of every answer."""

    def __init__(self, counts: Instruments, common: dict[str, str]) -> None:
        self._counts = counts
        own = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Retry-After": _RETRY}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (common | own).items())
        self._head = f"HTTP/1.1 {_STATUS.value} {_STATUS.phrase}\r\n{lines}"

    def before(self, handler: Handler) -> Handler:
        """The same handler, asked only for what has not waited too long."""

        async def handle(request: web.Request) -> web.StreamResponse:
            protocol = request.protocol
            if isinstance(protocol, GuardedProtocol) and protocol.sheds():
                return self._refusal(request)
            return await handler(request)

        return handle

    def _refusal(self, request: web.Request) -> Written:
        route = request.path if request.path in declared.ROUTES else "other"
        self._counts.inc(declared.REQUESTS, route, "5xx")
        self._counts.inc(declared.ERRORS, route)
        known = id_for(request.headers.get("X-Request-Id"))
        stays = bool(request.keep_alive) and request.version == HttpVersion11 and not wants_upgrade(request)
        body = problem(ApiCode.OVERLOADED, _STATUS, known)
        ended = "" if stays else "Connection: close\r\n"
        head = f"{self._head}X-Request-Id: {known}\r\nContent-Length: {len(body)}\r\n{ended}\r\n"
        return Written(head.encode() + (b"" if request.method == hdrs.METH_HEAD else body), _STATUS, keep_alive=stays)
