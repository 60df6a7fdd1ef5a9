"""The short way for public answers that are asked often: prebuilt bytes, before routing and middlewares.

What it answers is what the long way answers; whatever is unusual about a request (a body, a token, an origin, a name or an
address it does not know) goes the long way. docs/topics/api.md tells what it saves.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import HttpVersion11, web

from metrics import app as declared
from metrics.instruments import Instruments
from settings.hosts import host_known
from stream.api.prepared import Prepared
from stream.cache.edge import SECRET
from stream.cache.origin import is_edge
from stream.guard import GuardedProtocol
from stream.limits import Network, client_address, counted_as
from stream.problems import id_for
from stream.rates import Rate

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Headers that make a request one for the long way.
_UNUSUAL = frozenset({"authorization", "x-api-key", "origin", "expect", "upgrade"})
_RENEWAL = 0.5  # seconds for which others get the old answer while one makes the new one
_MOST = 256  # answers, names and addresses that are remembered


class Written(web.StreamResponse):
    """An answer that is written as it is. It replaces what `StreamResponse` does step by step, so it needs none of its state."""

    def __init__(self, data: bytes, status: int, *, keep_alive: bool) -> None:  # on purpose without the base's
        self._data, self._code, self._alive = data, status, keep_alive

    @property
    def status(self) -> int:
        """The status that its bytes tell."""
        return self._code

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays."""
        return self._alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Writes all of it, and waits while the client is slow."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        transport.write(self._data)
        await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


class Hot:
    """Answers by the request's target, as it was asked. `common` are the headers of every answer."""

    def __init__(
        self, counts: Instruments, rate: Rate, common: dict[str, str], hosts: frozenset[str] = frozenset(),
        trusted: tuple[Network, ...] = (), *, edge_secret: str = "",
    ) -> None:  # fmt: skip
        self._counts, self._rate, self._common, self._hosts, self._trusted = counts, rate, common, hosts, trusted
        self._secret = edge_secret
        self._shelf: dict[str, Prepared] = {}
        self._named: set[str] = set()
        self._counted: dict[str, str] = {}

    def keep(self, target: str, prepared: Prepared) -> None:
        """Answers this target by these bytes until they are to be made anew; of too many, the one kept longest goes."""
        self._shelf.pop(target, None)
        if len(self._shelf) >= _MOST:
            del self._shelf[next(iter(self._shelf))]
        self._shelf[target] = prepared

    def before(self, handler: Handler) -> Handler:
        """The same handler, asked only for what has no short way."""

        async def handle(request: web.Request) -> web.StreamResponse:
            prepared = self._shelf.get(request.raw_path)
            if prepared is not None:
                began = time.perf_counter()
                answer = self._answer(request, prepared)
                if answer is not None:
                    route = prepared.route
                    self._counts.inc(declared.REQUESTS, route, "2xx" if answer.status == 200 else "3xx")
                    self._counts.observe(declared.DURATION, time.perf_counter() - began, route)
                    return answer
            return await handler(request)

        return handle

    def _answer(self, request: web.Request, prepared: Prepared) -> Written | None:
        headers = request.headers
        if request.method != "GET" or request.version != HttpVersion11 or request.body_exists or self._renews(prepared):
            return None
        if any(name in headers for name in _UNUSUAL) or not self._usual(request):
            return None
        modified = not ("If-None-Match" in headers and prepared.matches(headers["If-None-Match"]))
        accepted = headers.get("Accept-Encoding")
        encoding = prepared.encoding(accepted) if accepted else ""
        known = id_for(headers.get("X-Request-Id")).encode("ascii")
        ended = b"\r\n\r\n" if request.keep_alive else b"\r\nConnection: close\r\n\r\n"
        head = prepared.head(encoding, self._common, modified=modified)
        body = prepared.encoded(encoding) if modified else b""
        return Written(b"".join((head, known, ended, body)), 200 if modified else 304, keep_alive=request.keep_alive)

    @staticmethod
    def _renews(prepared: Prepared) -> bool:
        """Whether this request is to make the answer anew: one does, once its time is over; meanwhile others get the old one."""
        now = time.time()
        if now < prepared.until:
            return False
        if not prepared.renewed:
            prepared.renewed, prepared.until = True, now + _RENEWAL
        return True

    def _usual(self, request: web.Request) -> bool:
        """Whether it came by a name of ours, and its address may still ask; the long way says what is wrong."""
        host = request.headers.get("Host", "")
        if host not in self._named:
            if not host_known(host, self._hosts):
                return False
            if len(self._named) < _MOST:
                self._named.add(host)
        from_edge = SECRET in request.headers
        if from_edge:
            if not is_edge(request, self._secret) or not isinstance(request.protocol, GuardedProtocol):
                return False
            request.protocol.uncount()  # as on the long way: its connections are nobody's
        peer = request.remote or ""
        if self._trusted or from_edge:
            peer = client_address(peer, request.headers.getall("X-Forwarded-For", []), self._trusted, believed=from_edge)
        counted = self._counted.get(peer)
        if counted is None:
            if len(self._counted) >= _MOST:
                self._counted.clear()
            counted = self._counted[peer] = counted_as(peer)
        return self._rate.take(counted) == 0
