"""`POST /api/alerts`: Alertmanager's deliveries. Answered with 200 only when they are on disk."""

from __future__ import annotations

import hmac
import logging
from http import HTTPStatus

from aiohttp import web

from alerts.inbox.parts import PARTS
from alerts.inbox.problems import ProblemError
from alerts.inbox.store import Store
from alerts.inbox.webhook import MalformedError, Notification, parse

# Ten thousand alerts of one name arrive together; Alertmanager takes a refusal by 413 for good and would lose them all.
MOST_BYTES = 64 * 1024 * 1024
log = logging.getLogger("watchfloor.inbox")


async def receive(request: web.Request) -> web.Response:
    """200 and what was new; 401 without the token, 413 above 64 MiB, 400 for what is not Alertmanager's.

    503 when the database fails: Alertmanager sends again what was answered with 5xx.
    """
    parts = request.app[PARTS]
    if not authorized(request.headers.get("Authorization", ""), parts.bearer):
        parts.figures.rejected("unauthorized")
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "the bearer token is not the one of the inbox's secrets file")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        parts.figures.rejected("too_large")
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MOST_BYTES} bytes are accepted") from error
    try:
        notification = parse(body)
    except MalformedError as error:
        parts.figures.rejected("malformed")
        log.warning("refused a delivery: %s", error)
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error)) from error
    return await _keep(request, notification)


def authorized(header: str, bearer: str) -> bool:
    """Whether an Authorization header carries that token; takes equally long whatever is wrong with it."""
    scheme, _, given = header.partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), bearer.encode())
    return right and scheme.lower() == "bearer"


async def _keep(request: web.Request, notification: Notification) -> web.Response:
    parts = request.app[PARTS]
    now = parts.clock()
    recorded = await parts.desk.write(Store.record, notification, now)
    was = parts.pulse().state
    if recorded.watchdog:
        parts.watchdog_at = now
    parts.figures.recorded(recorded)
    parts.timing.ask(recorded.untimed)
    if recorded.changed or parts.pulse().state != was:
        parts.hub.changed()
    for status, severity in recorded.new:
        log.info("%s: a %s alert of group %r", status, severity, notification.group_key)
    return web.json_response({"new": len(recorded.new), "duplicates": recorded.duplicates, "watchdog": recorded.watchdog})
