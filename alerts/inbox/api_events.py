"""`/api/events`: deploys, load runs and the like, posted by programs and listed for dashboards and people."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web

from alerts.inbox import posted, shapes
from alerts.inbox.api import number
from alerts.inbox.guard import check_header
from alerts.inbox.listing import Listing
from alerts.inbox.parts import PARTS
from alerts.inbox.posted import BadEventError
from alerts.inbox.problems import ProblemError
from alerts.inbox.store import Store
from metrics.stack import EVENT_KINDS

MOST_BYTES = 16 * 1024
_DAY = 86400.0
_USUAL, _MOST = 100, 1000
log = logging.getLogger("watchfloor.inbox")


async def post(request: web.Request) -> web.Response:
    """`POST /api/events` with `{"title", "kind", "start", "end", "tags", "link"}`: 201 and the event as it was kept.

    400 for what is no event, 403 without the header of programs, 413 above 16 KiB.
    """
    check_header(request)
    parts = request.app[PARTS]
    body = await request.read()
    if len(body) > MOST_BYTES:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an event has at most {MOST_BYTES} bytes")
    try:
        event = posted.parse(body, parts.clock())
    except BadEventError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error)) from error
    kept = await parts.desk.write(Store.post, event)
    parts.figures.posted(kept.kind)
    parts.hub.changed()
    log.info("event %d: %s: %s", kept.id, kept.kind, kept.title)
    return web.json_response(shapes.posted(kept), status=HTTPStatus.CREATED)


async def listed(request: web.Request) -> web.Response:
    """`GET /api/events?from=&to=&kind=&limit=`: those that touch the window (the last 24 h), latest start first.

    `{"events": […], "more": whether there are others in the window}`.
    """
    now, asked = request.app[PARTS].clock(), request.query
    try:
        end = posted.moment_of(asked["to"], "to") if "to" in asked else now
        start = posted.moment_of(asked["from"], "from") if "from" in asked else end - _DAY
    except BadEventError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error)) from error
    kind = asked.get("kind", "")
    if kind and kind not in EVENT_KINDS:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"kind is {kind!r}: known are {', '.join(EVENT_KINDS)}")
    limit = number(asked.get("limit", str(_USUAL)), "limit", _MOST)
    found = await request.app[PARTS].desk.read(Listing.posted, start, end, limit + 1, kind)
    return web.json_response({"events": [shapes.posted(event) for event in found[:limit]], "more": len(found) > limit})
