"""The inbox's HTTP API for programs: JSON in and out, problems as RFC 9457. Changes need the header `X-Watchfloor: 1`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from alerts.inbox import actions, shapes
from alerts.inbox.alertmanager import RefusedError
from alerts.inbox.guard import check_header
from alerts.inbox.listing import STATES, Listing
from alerts.inbox.parts import PARTS
from alerts.inbox.problems import ProblemError

_USUAL, _MOST = 100, 1000
_STATUSES = ("firing", "resolved")


def number(text: str, name: str, most: int) -> int:
    """A whole number from 1 to `most`. Raises ProblemError (400)."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and 1 <= int(text) <= most):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {text!r}: give a whole number from 1 to {most}")
    return int(text)


def _page(request: web.Request) -> tuple[int, int | None]:
    limit = number(request.query.get("limit", str(_USUAL)), "limit", _MOST)
    before = request.query.get("before")
    return limit, None if before is None else number(before, "before", 1 << 62)


def _choice(request: web.Request, name: str, allowed: tuple[str, ...]) -> str:
    value = request.query.get(name, "")
    if value and value not in allowed:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {value!r}: known are {', '.join(allowed)}")
    return value


async def notifications(request: web.Request) -> web.Response:
    """`GET /api/notifications?limit=&before=&status=&alertname=`: newest first.

    `{"notifications": […], "next_before": id or null}`; ask again with `before=next_before` for older ones.
    """
    limit, before = _page(request)
    status = _choice(request, "status", _STATUSES)
    found = await request.app[PARTS].desk.read(Listing.notifications, limit, before, status, request.query.get("alertname", ""))
    more = found[-1].id if len(found) == limit else None
    return web.json_response({"notifications": [shapes.notification(item) for item in found], "next_before": more})


async def incidents(request: web.Request) -> web.Response:
    """`GET /api/incidents?limit=&before=&state=&alertname=`: newest first, in the same form."""
    limit, before = _page(request)
    state = _choice(request, "state", STATES)
    found = await request.app[PARTS].desk.read(Listing.incidents, limit, before, state, request.query.get("alertname", ""))
    more = found[-1].id if len(found) == limit else None
    return web.json_response({"incidents": [shapes.incident(item) for item in found], "next_before": more})


async def incident(request: web.Request) -> web.Response:
    """`GET /api/incidents/{id}`: one, with its timeline; 404 when there is none."""
    desk, wanted = request.app[PARTS].desk, int(request.match_info["id"])
    found = await desk.read(Listing.incident, wanted)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "there is no such incident")
    timeline = await desk.read(Listing.timeline, [wanted])
    return web.json_response(shapes.incident(found, timeline[wanted]))


async def acknowledge(request: web.Request) -> web.Response:
    """`POST /api/incidents/{id}/acknowledge` with `{"by": name, "comment": text}`: the incident; 404, 409 when it cannot be."""
    check_header(request)
    await actions.acknowledge(request.app[PARTS], int(request.match_info["id"]), await _fields(request))
    return await incident(request)


async def silences(request: web.Request) -> web.Response:
    """`GET /api/silences`: those that Alertmanager remembers; 502 or 504 when it does not answer."""
    try:
        found = await request.app[PARTS].alertmanager.silences()
    except RefusedError as error:
        raise ProblemError(error.status, str(error)) from error
    return web.json_response({"silences": [shapes.silence(item) for item in found]})


async def make_silence(request: web.Request) -> web.Response:
    """`POST /api/silences` with `{"matchers": text, "duration": "2h", "comment": text, "by": name}`: 201 and its id."""
    check_header(request)
    made, _ = await actions.silence(request.app[PARTS], await _fields(request))
    return web.json_response({"id": made}, status=HTTPStatus.CREATED)


async def expire_silence(request: web.Request) -> web.Response:
    """`DELETE /api/silences/{id}`: 204 when it is over."""
    check_header(request)
    await actions.expire(request.app[PARTS], request.match_info["id"])
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _fields(request: web.Request) -> dict[str, str]:
    body: Any = await request.read()
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"the body is not an object of texts in JSON: {error}") from error
