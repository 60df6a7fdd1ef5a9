"""What happens to every request of the public port: errors become problems, answers are counted, floods are stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from metrics import app as declared
from metrics.instruments import Instruments
from settings.hosts import host_known
from stream.api.codes import ApiCode
from stream.api.frame import IDENTITY
from stream.api.identity import Identities
from stream.cache.origin import is_edge, is_fetch
from stream.codes import ErrorCode
from stream.guard import GuardedProtocol
from stream.limits import Network, client_address, counted_as
from stream.origins import is_allowed
from stream.problems import Code, ProblemError, problem, request_id
from stream.rates import Rate

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SERVER = "watchfloor"  # which versions run is nobody's business
COMMON = HEADERS | {"Server": SERVER}
API, HOME, STREAM = "/api/", "/", "/ws"
_PROBLEMS: dict[HTTPStatus, Code] = {
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorCode.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ApiCode.BODY_TOO_LARGE,
}
log = logging.getLogger("watchfloor.stream")


def wants_upgrade(request: web.BaseRequest) -> bool:
    """Whether a request asks for a WebSocket; whether it does so well is for the handshake to judge."""
    return "websocket" in request.headers.get("Upgrade", "").lower()


def is_handshake(request: web.BaseRequest) -> bool:
    """Whether a request is a WebSocket handshake where one is answered; what merely says `Upgrade` is any other request."""
    headers = request.headers
    return (
        request.path in (HOME, STREAM)
        and request.method == "GET"
        and wants_upgrade(request)
        and "upgrade" in headers.get("Connection", "").lower()
        and "Sec-WebSocket-Key" in headers
    )


def route_of(request: web.Request) -> str:
    """The route template of a request, as a label's value."""
    resource = request.match_info.route.resource
    name = resource.canonical if resource is not None else ""
    return name if name in declared.ROUTES else "other"


def address_of(request: web.BaseRequest, trusted: Sequence[Network], *, from_edge: bool = False) -> str:
    """The address a request comes from, as far as trusted proxies, and our own edge, tell."""
    return client_address(request.remote or "", request.headers.getall("X-Forwarded-For", []), trusted, believed=from_edge)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Gives an answer what every answer has: security headers, and its request's id."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SERVER
    response.headers["X-Request-Id"] = request_id(request)


def counted(counts: Instruments) -> Middleware:
    """Every answer is counted, by route template."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await handler(request)
        route = route_of(request)
        counts.inc(declared.REQUESTS, route, f"{response.status // 100}xx")
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            counts.inc(declared.ERRORS, route)
        if response.status != HTTPStatus.SWITCHING_PROTOCOLS:  # a connection's life is no answer's duration
            counts.observe(declared.DURATION, time.perf_counter() - began, route)
        return response

    return count


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes a problem; one of a handshake, or of a body that does not come, is its connection's last answer.

    What would come next there is no request that anybody has looked at: behind the edge it is a tunnel.
    """
    answer = await _explained(request, handler)
    if answer.status == HTTPStatus.REQUEST_TIMEOUT or (answer.status >= HTTPStatus.BAD_REQUEST and wants_upgrade(request)):
        answer.force_close()
    return answer


async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    known = request_id(request)
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
    except Exception as error:  # the edge of a request: one broken answer must not end the service
        if isinstance(error, ConnectionError) and request.transport is None:  # nobody is there to be answered
            return problem(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, "the client has gone", known)
        log.exception("a request failed", extra={"request_id": known, "path": request.path})
        internal = ErrorCode.INTERNAL
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, internal, f"{internal.meaning} {internal.remedy}", known)


def check_host(request: web.BaseRequest, names: frozenset[str]) -> None:
    """Raises ProblemError (421) for a request by a name that is not ours: a stranger's page may be behind it."""
    if not host_known(request.headers.get("Host", ""), names):
        raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, ErrorCode.UNKNOWN_HOST)


def named(hosts: frozenset[str]) -> Middleware:
    """Asked by a name of ours; handshakes are judged, and counted, by the endpoint."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_handshake(request):
            check_host(request, hosts)
        return await handler(request)

    return check


def limited(
    per_address: Rate, per_key: Rate, identities: Identities, trusted: tuple[Network, ...], edge_secret: str = ""
) -> Middleware:
    """So many requests a key of the API, or else an address; handshakes have limits of their own.

    What the edge fetches for the cache has none; whatever else it asks, it asks for the client that it names, and by connections
    that are nobody's.
    """

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        from_edge = is_edge(request, edge_secret)
        if from_edge and isinstance(request.protocol, GuardedProtocol):
            request.protocol.uncount()
        if is_handshake(request) or is_fetch(request, edge_secret):
            return await handler(request)
        refused: ProblemError | None = None
        if request.path.startswith(API):
            try:
                request[IDENTITY] = identities.of(request)
            except ProblemError as error:  # guesses count for their address
                refused = error
        identity = request.get(IDENTITY)
        if identity is None or identity.anonymous:
            wait = per_address.take(counted_as(address_of(request, trusted, from_edge=from_edge)))
        else:
            wait = per_key.take(identity.token_id or identity.subject)
        if wait:
            detail = f"More requests came than may come: ask again after {wait} s, and less often."
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, ErrorCode.RATE_LIMITED, detail, {"Retry-After": str(wait)})
        if refused is not None:
            raise refused
        return await handler(request)

    return limit


def shared(allowed: tuple[str, ...]) -> Middleware:
    """What pages of other origins may read of the API: nothing, unless `stream.allowed_origins` names them (Fetch, CORS)."""

    @web.middleware
    async def share(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        origin = request.headers.get("Origin")
        if request.path.startswith(API) and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            if origin is not None and is_allowed(request.headers, allowed):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = "Age, ETag, Retry-After, X-Request-Id"
                response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers.setdefault("Vary", "Origin")
        return response

    return share


def preflight(method: str) -> Handler:
    """Which methods and headers a page may use on a path that answers `method`; whether its origin may, `shared` tells."""
    methods = "GET, HEAD" if method == "GET" else method

    async def tell(request: web.Request) -> web.StreamResponse:
        headers = {"Allow": f"{methods}, OPTIONS", "Cache-Control": "no-store"}
        if "Origin" in request.headers and "Access-Control-Request-Method" in request.headers:
            headers |= {
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-API-Key, X-Request-Id",
                "Access-Control-Max-Age": "600",
            }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    return tell
