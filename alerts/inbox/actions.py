"""What a person can do: acknowledge, silence, expire. The same for forms and for the API; raises ProblemError."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from alerts.inbox.alertmanager import RefusedError
from alerts.inbox.matchers import BadMatchersError, Matcher, parse, text
from alerts.inbox.parts import Parts
from alerts.inbox.problems import ProblemError
from alerts.inbox.store import Store
from metrics.durations import seconds

_LONGEST_NAME, _LONGEST_COMMENT, _LONGEST_MATCHERS = 100, 1000, 4000
_LONGEST_SILENCE = 366 * 86400
_WHY = {
    "unknown": (HTTPStatus.NOT_FOUND, "there is no such incident"),
    "resolved": (HTTPStatus.CONFLICT, "the incident is resolved already"),
    "already": (HTTPStatus.CONFLICT, "the incident is acknowledged already"),
}


def wanted(fields: Mapping[str, str], name: str, meaning: str, longest: int, default: str | None = None) -> str:
    """The text of a field without blanks around it. Raises ProblemError (400) when it is empty or too long."""
    value = fields.get(name, "").strip()
    if not value and default is not None:
        return default
    if not value:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is missing: give {meaning}")
    if len(value) > longest:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is too long: at most {longest} characters")
    return value


async def acknowledge(parts: Parts, incident: int, fields: Mapping[str, str]) -> str:
    """Marks the incident as taken by the person of field `by`, with an optional `comment`; returns that name."""
    who = wanted(fields, "by", "your name", _LONGEST_NAME)
    comment = wanted(fields, "comment", "", _LONGEST_COMMENT, default="")
    result = await parts.desk.write(Store.acknowledge, incident, who, comment, parts.clock())
    if result != "done":
        raise ProblemError(*_WHY[result])
    parts.hub.changed()
    return who


async def silence(parts: Parts, fields: Mapping[str, str], matchers: list[Matcher] | None = None) -> tuple[str, str]:
    """Makes a silence of `matchers` for `duration`, with `comment` and author `by`; returns its id and the author.

    An `incident` among the fields gets a line in its timeline.
    """
    who = wanted(fields, "by", "your name", _LONGEST_NAME)
    comment = wanted(fields, "comment", "why it is silenced", _LONGEST_COMMENT)
    length = _length(wanted(fields, "duration", "how long, for example 2h", 20))
    if matchers is None:
        try:
            matchers = parse(wanted(fields, "matchers", "which alerts are meant", _LONGEST_MATCHERS))
        except BadMatchersError as error:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"matchers: {error}") from error
    now = parts.clock()
    try:
        made = await parts.alertmanager.silence(matchers, now, now + length, who, comment)
    except RefusedError as error:
        raise ProblemError(error.status, f"the silence was not made: {error}") from error
    incident = fields.get("incident", "")
    if incident.isascii() and incident.isdigit() and len(incident) < 18:
        await parts.desk.write(Store.silenced, int(incident), who, f"{comment} ({text(matchers)})", now)
    parts.hub.changed()
    return made, who


def _length(duration: str) -> float:
    try:
        length = seconds(duration)
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"duration: {error}") from error
    if not 1 <= length <= _LONGEST_SILENCE:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "duration: a silence lasts from 1s to 366d")
    return length


async def expire(parts: Parts, identifier: str) -> None:
    """Ends a silence now."""
    try:
        await parts.alertmanager.expire(identifier)
    except RefusedError as error:
        raise ProblemError(error.status, f"the silence was not ended: {error}") from error
    parts.hub.changed()
