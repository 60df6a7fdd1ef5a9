"""Posted events, such as deploys and load runs: what a program may tell, and what is wrong with what it told. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from metrics.stack import EVENT_KINDS

LONGEST_TITLE, LONGEST_LINK, LONGEST_TAG, MOST_TAGS = 120, 500, 40, 10
LONGEST_RUN = 31 * 86400.0
_AHEAD = 86400.0  # a clock may be wrong, a window may be planned
_LAST_SECOND = 1e11
_FIELDS = ("title", "kind", "start", "end", "tags", "link")


class BadEventError(ValueError):
    """The event cannot be kept; the text says which field, what is wrong, and what to give."""


@dataclass(frozen=True)
class Posted:
    """One event. Times are Unix seconds; `ends_at` is None for what is a moment, or goes on."""

    kind: str
    title: str
    starts_at: float
    ends_at: float | None = None
    tags: tuple[str, ...] = ()
    link: str = ""
    id: int = 0


def parse(body: bytes, now: float) -> Posted:
    """The event in `body` (JSON), which begins at Unix time `now` where it does not say. Raises BadEventError."""
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEventError(f"the body is not an object in JSON: {error}") from error
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise BadEventError(f"{unknown[0][:40]}: is no field of an event: known are {', '.join(_FIELDS)}")
    starts_at = _time(given.get("start"), "start", now)
    event = Posted(
        _kind(given.get("kind", "deploy")), _line(given.get("title", ""), "title", LONGEST_TITLE),
        now if starts_at is None else starts_at,
        _time(given.get("end"), "end", now), _tags(given.get("tags", [])), _link(given.get("link", "")),
    )  # fmt: skip
    if event.ends_at is not None and not 0 <= event.ends_at - event.starts_at <= LONGEST_RUN:
        raise BadEventError("end: is before start, or more than 31 days after it: give the time at which it ended")
    return event


def moment_of(text: str, name: str) -> float:
    """Unix seconds of a text that is a number of them, or RFC 3339. Raises BadEventError, which calls it `name`."""
    found = _number(text)
    if found is None or not 0 <= found < _LAST_SECOND:
        raise BadEventError(f"{name}: {text[:40]!r} is no time: give Unix seconds, or 2026-11-22T09:00:00Z")
    return found


def _number(text: str) -> float | None:
    """Seconds of a number or of a date with its zone; None for anything else."""
    with contextlib.suppress(ValueError):
        return float(text)
    with contextlib.suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(text.replace(" ", "+"))  # an address turns + into a blank
        return found.timestamp() if found.tzinfo else None
    return None


def _time(given: object, name: str, now: float) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise BadEventError(f"{name}: is no time: give Unix seconds, or 2026-11-22T09:00:00Z")
    found = moment_of(str(given), name)
    if found > now + _AHEAD:
        raise BadEventError(f"{name}: is more than a day ahead: give the time at which it began or ended")
    return found


def _kind(given: object) -> str:
    if given not in EVENT_KINDS:
        raise BadEventError(f"kind: {str(given)[:40]!r} is not known: give one of {', '.join(EVENT_KINDS)}")
    return str(given)


def _line(given: object, name: str, longest: int) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if not text:
        raise BadEventError(f"{name}: is missing: give a line of text")
    if len(text) > longest:
        raise BadEventError(f"{name}: is too long: give at most {longest} characters")
    if not text.isprintable():
        raise BadEventError(f"{name}: holds a line break or another control character: give one line of text")
    return text


def _tags(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > MOST_TAGS:
        raise BadEventError(f"tags: is no list of at most {MOST_TAGS} texts")
    return tuple(dict.fromkeys(_line(tag, "tags", LONGEST_TAG) for tag in given))


def _link(given: object) -> str:
    if given in ("", None):
        return ""
    text = _line(given, "link", LONGEST_LINK)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or " " in text:
        raise BadEventError("link: is no web address: give one that begins with http:// or https://")
    return text
