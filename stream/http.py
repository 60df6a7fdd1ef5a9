"""The public port's HTTP side: the page, its assets, the client module, discovery, the API.

`public()` puts it together with the WebSocket endpoint; what happens to every request stands in `stream.middleware`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from metrics import app as declared
from metrics.durations import seconds
from metrics.instruments import Instruments
from metrics.model import Sample
from settings.api import Api
from settings.look import BASE_CSS
from stream import middleware
from stream.api.discovery import discovery
from stream.api.frame import Frame, respond
from stream.api.hot import Handler, Hot
from stream.api.identity import Identities
from stream.api.openapi import document
from stream.api.operations import Operation
from stream.api.pages import ASSETS, CACHED, DOCUMENT, PAGES, Page
from stream.api.prepared import Prepared
from stream.cache import origin
from stream.cache.keys import EVERYTHING
from stream.cache.origin import edge_headers
from stream.frames_in import VIOLATIONS
from stream.guard import Guard
from stream.limits import Network
from stream.messages import Rooms
from stream.rates import Rate
from stream.refusals import REFUSALS
from stream.session import Checker
from stream.shedding import Shedding

Connect = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DOCUMENT_SECONDS = 60  # it changes with the server's version
_PAGE = Path(__file__).parent / "page"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
_ELSEWHERE = (declared.ACTIVE_CONNECTIONS, declared.REFUSED, declared.FRAME_VIOLATIONS)
_COUNTED = tuple(metric for metric in declared.METRICS if metric not in _ELSEWHERE)


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
    """What the HTTP side needs: the WebSocket endpoint, discovery, the API's operations, and the site's rules."""

    connect: Connect
    rooms: Callable[[], Rooms]
    figures: Figures
    allowed_origins: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    trusted: tuple[Network, ...] = ()
    api: Api = field(default_factory=Api)
    operations: Sequence[Operation] = ()
    checker: Checker | None = None
    anonymous: bool = True
    room_scopes: Mapping[str, str] = field(default_factory=dict)  # what rooms demand of who is told of them
    cached: Connect | None = None  # what answers the edge at a route of its own, and the word by which it is known
    edge_secret: str = ""


@dataclass(frozen=True)
class Public:
    """The application of the public port, and the short way before it."""

    app: web.Application
    hot: Hot
    shedding: Shedding

    def before(self, handler: Handler) -> Handler:
        """The handler of requests behind what comes first: refusals of what waited too long, and the short way."""
        return self.shedding.before(self.hot.before(handler))


def public(door: Door) -> Public:
    """The public port: `/`, `/ws`, `/client.js`, `/assets/…`, `/api/…`."""
    counts, per_address = door.figures.counts, Rate(door.api.per_address)
    hot = Hot(counts, per_address, middleware.COMMON, door.hosts, door.trusted, edge_secret=door.edge_secret)
    chain = (
        middleware.counted(counts),
        middleware.shared(door.allowed_origins),
        middleware.explained,
        middleware.named(door.hosts),
        middleware.limited(per_address, Rate(door.api.per_key), Identities(door.checker), door.trusted, door.edge_secret),
    )
    app = web.Application(middlewares=chain, client_max_size=door.api.body_bytes)
    app.on_response_prepare.append(middleware.add_headers)
    app.router.add_get(middleware.HOME, _home(door))
    app.router.add_get(middleware.STREAM, door.connect, allow_head=False)
    app.router.add_get("/client.js", _client)
    app.router.add_get("/assets/{name}", _asset)
    if door.cached:
        app.router.add_get(origin.ROUTE, door.cached, allow_head=False)
    frame = Frame(hot, door.anonymous, door.api.scopes, door.room_scopes, seconds(door.api.timeout))
    operations = (*door.operations, discovery(door.rooms))
    for operation in operations:
        frame.mount(app, operation)
    app.router.add_get(DOCUMENT, _document(operations, (*PAGES, CACHED) if door.cached else PAGES))
    methods = {one.path: one.method for one in operations} | {DOCUMENT: "GET"}
    for path, method in methods.items():
        app.router.add_route("OPTIONS", path, middleware.preflight(method))
    return Public(app, hot, Shedding(counts, middleware.COMMON))


def _home(door: Door) -> Connect:
    async def home(request: web.Request) -> web.StreamResponse:
        """The page for people; the stream for who asks for the upgrade."""
        return await door.connect(request) if middleware.wants_upgrade(request) else _file("index.html")

    return home


async def _client(_request: web.Request) -> web.StreamResponse:
    """The client module; pages of any origin may import it, whether they may connect is another question."""
    return _file("client.js", {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"})


async def _asset(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name == "base.css":
        return _sent(BASE_CSS)
    if name not in ASSETS:
        raise web.HTTPNotFound
    return _file(name)


def _file(name: str, headers: dict[str, str] | None = None) -> web.FileResponse:
    return _sent(_PAGE / name, headers)


def _sent(file: Path, headers: dict[str, str] | None = None) -> web.FileResponse:
    told = {"Content-Type": f"{_TYPES[file.suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
    return web.FileResponse(file, headers=told | (headers or {}))


def _document(operations: Sequence[Operation], pages: Sequence[Page]) -> Connect:
    headers = edge_headers((EVERYTHING, "api:document"), _DOCUMENT_SECONDS, own=_DOCUMENT_SECONDS)
    prepared = Prepared(DOCUMENT, document(operations, pages), 0.0, 0.0, headers=headers)

    async def openapi(request: web.Request) -> web.StreamResponse:
        """The API's description, OpenAPI 3.1."""
        return respond(request, prepared)

    return openapi
