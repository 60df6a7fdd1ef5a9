"""From an operation to a handler of aiohttp: scope, parameters, body, time limit, and the answer with its tag and age."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import ClientPayloadError, web

from settings.api import Scopes
from stream.api.codes import ApiCode
from stream.api.hot import Hot
from stream.api.operations import Answer, Asked, Operation
from stream.api.prepared import Prepared
from stream.auth import ANONYMOUS, Identity
from stream.cache.keys import EVERYTHING
from stream.cache.origin import edge_headers
from stream.codes import ErrorCode
from stream.problems import ProblemError

IDENTITY: web.RequestKey[Identity] = web.RequestKey("identity", Identity)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="watchfloor"'}
_ENCODE = msgspec.json.Encoder(decimal_format="string").encode


@dataclass(frozen=True)
class Frame:
    """What every operation shares. `anonymous`: who has no token may ask where no scope is demanded; times are seconds."""

    hot: Hot
    anonymous: bool = True
    scopes: Scopes = field(default_factory=Scopes)
    room_scopes: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 5.0

    def mount(self, app: web.Application, operation: Operation) -> None:
        """Adds the operation's route; who may GET may ask for the HEAD."""
        handler = self._handler(operation)
        app.router.add_route(operation.method, operation.path, handler)
        if operation.method == "GET":
            app.router.add_route("HEAD", operation.path, handler)

    def _handler(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        scopes = self._demanded(operation)
        anybody = operation.open or self.anonymous

        async def handler(request: web.Request) -> web.StreamResponse:
            identity = request.get(IDENTITY, ANONYMOUS)
            _admit(identity, scopes, anybody=anybody)
            query = _query(request, operation)
            body = await self._body(request, operation.body) if operation.body else None
            try:
                async with asyncio.timeout(self.timeout):
                    answer = await operation.handle(Asked(query, body, identity))
            except TimeoutError:
                raise ProblemError(HTTPStatus.GATEWAY_TIMEOUT, ApiCode.TOO_LATE) from None
            return self._told(request, operation, answer, public=anybody and not scopes and not _named(request))

        return handler

    async def _body(self, request: web.Request, kind: type[msgspec.Struct]) -> Any:
        try:
            async with asyncio.timeout(self.timeout):
                return await _body(request, kind)
        except TimeoutError:
            raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, ErrorCode.REQUEST_TOO_SLOW) from None

    def _demanded(self, operation: Operation) -> tuple[str, ...]:
        """The scopes that a token must carry: the operation's own, and those of the rooms that it tells of."""
        if operation.open:
            return ()
        given = (self.scopes.of(operation.name), *(self.room_scopes.get(room, "") for room in operation.rooms))
        return tuple(dict.fromkeys(scope for scope in given if scope))

    def _told(self, request: web.Request, operation: Operation, answer: Answer, *, public: bool) -> web.StreamResponse:
        """A public answer may be kept: here, on the short way, and by the edge. Any other is for this request alone."""
        body = _ENCODE(answer.data)
        now = time.time()
        if not answer.keep and not answer.lifetime:
            headers = {"Cache-Control": "no-store", "Content-Type": "application/json"}
            return web.Response(body=body, headers=headers)
        identity = b"" if answer.identity is None else _ENCODE(answer.identity)
        told = {} if public else {"Cache-Control": "private, no-cache"}
        if public and answer.lifetime:
            told = edge_headers((EVERYTHING, *operation.tags), answer.lifetime, own=answer.own, stale=answer.stale)
        prepared = Prepared(operation.path, body, answer.made, now + answer.keep, identity, told, now=now)
        if public and answer.keep:
            self.hot.keep(request.raw_path, prepared)
        return respond(request, prepared)


def _named(request: web.Request) -> bool:
    """Whether a request says who asks: what it is told is kept nowhere, whatever it is."""
    return any(name in request.headers for name in ("Authorization", "X-API-Key"))


def _admit(identity: Identity, scopes: Sequence[str], *, anybody: bool) -> None:
    if identity.anonymous and (scopes or not anybody):
        detail = "This needs a token: send `Authorization: Bearer …` or `X-API-Key`."
        raise ProblemError(HTTPStatus.UNAUTHORIZED, ErrorCode.AUTH_REQUIRED, detail, CHALLENGE)
    lacking = next((scope for scope in scopes if not identity.may(scope)), "")
    if lacking:
        detail = f"This needs the scope {lacking!r}, which the token does not have: get one that has it."
        raise ProblemError(HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN, detail)


def respond(request: web.Request, prepared: Prepared) -> web.Response:
    """The long way's answer of prepared bytes: 304 where the client has them."""
    modified = not ("If-None-Match" in request.headers and prepared.matches(request.headers["If-None-Match"]))
    encoding = prepared.encoding(request.headers.get("Accept-Encoding", ""))
    headers = prepared.fields(encoding, modified=modified)
    headers.pop("Content-Length", None)
    if not modified:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=prepared.encoded(encoding), headers=headers)


def _query(request: web.Request, operation: Operation) -> Any:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise ProblemError(HTTPStatus.BAD_REQUEST, ApiCode.BAD_PARAMETER, f"{name}: is given twice: give it once")
        given[name] = value
    try:
        return msgspec.convert(given, operation.query, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, ApiCode.BAD_PARAMETER, f"parameters: {error}") from None


async def _body(request: web.Request, kind: type[msgspec.Struct]) -> Any:
    if request.content_type != "application/json" or "Content-Encoding" in request.headers:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, ApiCode.NOT_JSON)
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except web.HTTPRequestEntityTooLarge:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ApiCode.BODY_TOO_LARGE) from None
    except (ConnectionError, ClientPayloadError) as error:  # who asked went away while it came: no fault of the server's
        raise ProblemError(HTTPStatus.BAD_REQUEST, ApiCode.BAD_BODY, f"body: it ended too soon ({error})") from None
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, ApiCode.BAD_BODY, f"body: {error}") from None
