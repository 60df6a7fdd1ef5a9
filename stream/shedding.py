"""Refuses what has waited too long to be worth an answer: a server that answers everything catches up late or never.

What waits for its turn on a connection is known with its age. Where the next one has waited for a second and more than four wait
behind it, it is refused with all that waited too long behind it, in one write: refusing must cost far less than answering.
"""

from __future__ import annotations

from collections.abc import Mapping
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
_ID = "@request-id@"  # where the body has the id of its request


class Shedding:
    """In front of everything else that answers requests. `common` are the headers of every answer."""

    def __init__(self, counts: Instruments, common: dict[str, str]) -> None:
        self._counts = counts
        own = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Retry-After": _RETRY}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (common | own).items())
        self._head = f"HTTP/1.1 {_STATUS.value} {_STATUS.phrase}\r\n{lines}"
        self._body = problem(ApiCode.OVERLOADED, _STATUS, _ID).decode()

    def before(self, handler: Handler) -> Handler:
        """The same handler, asked only for what has not waited too long."""

        async def handle(request: web.Request) -> web.StreamResponse:
            protocol = request.protocol
            if isinstance(protocol, GuardedProtocol) and protocol.sheds():
                return self._refusals(request, protocol)
            return await handler(request)

        return handle

    def _refusals(self, request: web.Request, protocol: GuardedProtocol) -> Written:
        """To this one, and at once to those behind it that waited too long as well."""
        stays = bool(request.keep_alive) and request.version == HttpVersion11 and not wants_upgrade(request)
        texts = [self._refusal(request.method, request.path, request.headers, stays=stays)]
        if stays:
            texts += [self._refusal(one.method, one.path, one.headers) for one in protocol.late()]
        return Written("".join(texts).encode(), _STATUS, keep_alive=stays)

    def _refusal(self, method: str, path: str, headers: Mapping[str, str], *, stays: bool = True) -> str:
        path = path.partition("?")[0]
        route = path if path in declared.ROUTES else "other"
        self._counts.inc(declared.REQUESTS, route, "5xx")
        self._counts.inc(declared.ERRORS, route)
        known = id_for(headers.get("X-Request-Id"))
        body = self._body.replace(_ID, known)
        ended = "" if stays else "Connection: close\r\n"
        head = f"{self._head}X-Request-Id: {known}\r\nContent-Length: {len(body)}\r\n{ended}\r\n"
        return head if method == hdrs.METH_HEAD else head + body
