"""The public port's HTTP side: the page, its assets, the client module, discovery; errors as RFC 9457 problems.

`application()` puts it together with the WebSocket endpoint; every answer has security headers and a request id, and is
counted by route template.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from metrics import app as declared
from metrics.instruments import Instruments
from metrics.model import Sample
from settings.hosts import host_known
from settings.look import BASE_CSS
from stream.codes import ErrorCode
from stream.guard import REFUSALS, VIOLATIONS, Guard
from stream.limits import Network, TokenBucket, client_address, counted_as
from stream.messages import Format, Rooms, encode
from stream.origins import is_allowed

Connect = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PAGE = Path(__file__).parent / "page"
_ASSETS = ("page.js", "chart.js", "format.js", "page.css", "icon.svg")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
_PROBLEMS = {
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorCode.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorCode.BAD_REQUEST,
}
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MOST_ADDRESSES = 10_000
_ELSEWHERE = (declared.ACTIVE_CONNECTIONS, declared.REFUSED, declared.FRAME_VIOLATIONS)
_COUNTED = tuple(metric for metric in declared.METRICS if metric not in _ELSEWHERE)
log = logging.getLogger("watchfloor.stream")


class ProblemError(Exception):
    """A request that is refused: its status, our code, and one sentence for who asked; empty: the code's own."""

    def __init__(self, status: HTTPStatus, code: ErrorCode, detail: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail or f"{code.meaning} {code.remedy}")
        self.status = status
        self.code = code
        self.headers = headers or {}


@dataclass
class Figures:
    """What the HTTP side tells `/metrics`: its own counters, and the guard's."""

    guard: Guard
    counts: Instruments = field(default_factory=lambda: Instruments(_COUNTED))

    def collect(self) -> Iterator[Sample]:
        """The samples of now."""
        yield declared.ACTIVE_CONNECTIONS.sample(self.guard.open)
        for reason in REFUSALS:
            yield declared.REFUSED.sample(self.guard.refused[reason], str(reason))
        for code in VIOLATIONS:
            yield declared.FRAME_VIOLATIONS.sample(self.guard.violations[code], str(int(code)))
        yield from self.counts.collect()


@dataclass(frozen=True)
class Door:
    """What the HTTP side needs: the WebSocket endpoint, discovery, and the site's rules. Rates are requests a second."""

    connect: Connect
    rooms: Callable[[], Rooms]
    figures: Figures
    allowed_origins: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    trusted: tuple[Network, ...] = ()
    rate: float = 50.0
    burst: float = 100.0


def application(door: Door) -> web.Application:
    """The public port: `/`, `/ws`, `/client.js`, `/assets/…`, `/api/rooms`."""
    app = web.Application(middlewares=[_explained(door), _named(door), _limited(door)], client_max_size=1024)
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", _home(door))
    app.router.add_get("/ws", door.connect, allow_head=False)
    app.router.add_get("/client.js", _client)
    app.router.add_get("/assets/{name}", _asset)
    app.router.add_get("/api/rooms", _rooms(door))
    return app


def wants_upgrade(request: web.BaseRequest) -> bool:
    """Whether a request asks for a WebSocket; whether it does so well is for the handshake to judge."""
    return "websocket" in request.headers.get("Upgrade", "").lower()


def route_of(request: web.Request) -> str:
    """The route template of a request, as a label's value."""
    resource = request.match_info.route.resource
    name = resource.canonical if resource is not None else ""
    return name if name in declared.ROUTES else "other"


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = _request_id(request)
    response.headers["Server"] = "watchfloor"  # which versions run is nobody's business


def _request_id(request: web.Request) -> str:
    """The id that a proxy gave, if it is a plain word, else one of our own; the same for the request's whole life."""
    if REQUEST_ID not in request:
        given = request.headers.get("X-Request-Id", "")
        request[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    return request[REQUEST_ID]


def problem(status: HTTPStatus, code: ErrorCode, detail: str, request_id: str) -> web.Response:
    """The problem as `application/problem+json`: type, title, status, detail, and our `code` and `requestId`."""
    body = {
        "type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": str(code),
        "requestId": request_id,
    }  # fmt: skip
    return web.Response(status=status, text=json.dumps(body) + "\n", content_type="application/problem+json")


def _explained(door: Door) -> Middleware:
    counts = door.figures.counts

    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every error becomes a problem, every answer is counted."""
        _request_id(request)
        began = time.perf_counter()
        response = await _answered(request, handler)
        route = route_of(request)
        counts.inc(declared.REQUESTS, route, f"{response.status // 100}xx")
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            counts.inc(declared.ERRORS, route)
        if response.status != HTTPStatus.SWITCHING_PROTOCOLS:  # a connection's life is no answer's duration
            counts.observe(declared.DURATION, time.perf_counter() - began, route)
        return response

    return explain


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    known = _request_id(request)
    try:
        return await handler(request)
    except ProblemError as error:
        answer = problem(error.status, error.code, str(error), known)
        answer.headers.update(error.headers)
        return answer
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        status = HTTPStatus(error.status)
        code = _PROBLEMS.get(status, ErrorCode.BAD_REQUEST)
        answer = problem(status, code, f"{code.meaning} {code.remedy}", known)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:  # the edge of a request: one broken answer must not end the service
        log.exception("a request failed", extra={"request_id": known, "path": request.path})
        code = ErrorCode.INTERNAL
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, code, f"{code.meaning} {code.remedy}", known)


def check_host(request: web.BaseRequest, names: frozenset[str]) -> None:
    """Raises ProblemError (421) for a request by a name that is not ours: a stranger's page may be behind it."""
    if not host_known(request.headers.get("Host", ""), names):
        raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, ErrorCode.UNKNOWN_HOST)


def _named(door: Door) -> Middleware:
    @web.middleware
    async def named(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Asked by a name of ours; handshakes are judged, and counted, by the endpoint."""
        if not wants_upgrade(request):
            check_host(request, door.hosts)
        return await handler(request)

    return named


def _limited(door: Door) -> Middleware:
    buckets: dict[str, TokenBucket] = {}

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        """So many requests an address; handshakes have limits of their own."""
        if wants_upgrade(request):
            return await handler(request)
        address = counted_as(address_of(request, door.trusted))
        now = time.monotonic()
        bucket = buckets.get(address)
        if bucket is None:
            if len(buckets) >= _MOST_ADDRESSES:
                del buckets[next(iter(buckets))]  # the one that came first
            bucket = buckets[address] = TokenBucket(door.rate, door.burst, now)
        if not bucket.take(now):
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, ErrorCode.RATE_LIMITED, headers={"Retry-After": "1"})
        return await handler(request)

    return limit


def address_of(request: web.BaseRequest, trusted: tuple[Network, ...]) -> str:
    """The address a request comes from, as far as trusted proxies tell."""
    return client_address(request.remote or "", request.headers.getall("X-Forwarded-For", []), trusted)


def _home(door: Door) -> Connect:
    async def home(request: web.Request) -> web.StreamResponse:
        """The page for people; the stream for who asks for the upgrade."""
        return await door.connect(request) if wants_upgrade(request) else _file("index.html")

    return home


async def _client(_request: web.Request) -> web.StreamResponse:
    """The client module; pages of any origin may import it, whether they may connect is another question."""
    return _file("client.js", {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"})


async def _asset(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name == "base.css":
        return _sent(BASE_CSS)
    if name not in _ASSETS:
        raise web.HTTPNotFound
    return _file(name)


def _file(name: str, headers: dict[str, str] | None = None) -> web.FileResponse:
    return _sent(_PAGE / name, headers)


def _sent(file: Path, headers: dict[str, str] | None = None) -> web.FileResponse:
    told = {"Content-Type": f"{_TYPES[file.suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
    return web.FileResponse(file, headers=told | (headers or {}))


def _rooms(door: Door) -> Connect:
    async def rooms(request: web.Request) -> web.StreamResponse:
        """What can be subscribed to: rooms, symbols, formats, scopes; pages that may connect may read it."""
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        origin = request.headers.get("Origin")
        if origin is not None and is_allowed(request.headers, door.allowed_origins):
            headers |= {"Access-Control-Allow-Origin": origin, "Cross-Origin-Resource-Policy": "cross-origin"}
        return web.Response(body=encode(door.rooms(), Format.JSON), content_type="application/json", headers=headers)

    return rooms
