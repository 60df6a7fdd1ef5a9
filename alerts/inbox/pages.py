"""The inbox's pages and the forms on them; all of it works without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.inbox import actions, view, words
from alerts.inbox.alertmanager import RefusedError, Silence
from alerts.inbox.api import number
from alerts.inbox.guard import check_form
from alerts.inbox.listing import Incident, Listing
from alerts.inbox.parts import PARTS, Parts
from alerts.inbox.posted import Posted
from alerts.inbox.problems import ProblemError, for_program

MOST_OPEN, MOST_RESOLVED, MOST_EXPIRED = 150, 50, 20
MOST_EVENTS, MOST_POSTED = 20, 500  # shown in their own section; looked at for the timelines
_EVENTS_FOR = 86400.0
NAME_COOKIE = "inbox_name"
_NAME_LIVES = 365 * 86400
DURATIONS = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "1w")


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render(template: str, status: HTTPStatus = HTTPStatus.OK, /, **values: Any) -> web.Response:
    """A page. `root` among the values leads from the page to `/`, so that the inbox can stand behind a path."""
    text = _templates().get_template(template).render(**values)
    return web.Response(status=status, text=text, content_type="text/html", headers={"Cache-Control": "no-store"})


def failure(request: web.Request, status: HTTPStatus, detail: str) -> web.Response:
    """The page of an error."""
    return render("problem.html", status, root=_root(request), status=status, detail=detail)


def _root(request: web.Request) -> str:
    return "../" * (request.path.count("/") - 1) or "./"


@dataclass(frozen=True)
class _Silences:
    """What Alertmanager said about silences, or why it did not."""

    known: list[Silence]
    problem: str = ""

    @classmethod
    async def ask(cls, parts: Parts) -> _Silences:
        try:
            return cls(await parts.alertmanager.silences())
        except RefusedError as error:
            return cls([], str(error))


async def board(request: web.Request) -> web.Response:
    """`GET /`: what fires now, silences, what is resolved; at most 200 incidents, `?older=<end>-<id>` for more resolved ones."""
    parts = request.app[PARTS]
    older = _cursor(request.query.get("older", ""))
    silences = await _Silences.ask(parts)
    firing, bare, past = await parts.desk.read(Listing.counts)
    shown = [] if older else await parts.desk.read(Listing.firing, MOST_OPEN)
    resolved = await parts.desk.read(Listing.resolved, MOST_RESOLVED, older)
    timelines = await parts.desk.read(Listing.timeline, [incident.id for incident in [*shown, *resolved]])
    now, pulse = parts.clock(), parts.pulse()
    posted = await _posted(parts, [*shown, *resolved], now)
    cards = [view.card(incident, timelines[incident.id], silences.known, now, posted) for incident in [*shown, *resolved]]
    last = resolved[-1] if len(resolved) == MOST_RESOLVED else None
    return render(
        "board.html",
        root="./",
        token=parts.desk.form_token,
        name=request.cookies.get(NAME_COOKIE, "")[:100],
        verdict=view.verdict(firing, bare, pulse),
        pulse=pulse,
        heard=None if pulse.last is None else view.when(pulse.last, now),
        started=view.when(pulse.started, now),
        total=sum(firing.values()),
        past=past,
        older=older,
        open=[card for card in cards if card.state == "open"],
        taken=[card for card in cards if card.state == "acknowledged"],
        resolved=[card for card in cards if card.state == "resolved"],
        next_older=f"{last.resolved_at!r}-{last.id}" if last else "",
        silences=[_silence(item, now) for item in _few(silences.known)],
        events=[_event(event, now) for event in posted if (event.ends_at or event.starts_at) > now - _EVENTS_FOR][:MOST_EVENTS],
        silence_problem=silences.problem,
        durations=DURATIONS,
        dashboards=parts.site.public(parts.site.ports.grafana),
        runbooks=set(parts.runbooks.names()),
    )


async def _posted(parts: Parts, incidents: list[Incident], now: float) -> list[Posted]:
    """Posted events of the last day, and those around the incidents that the page shows."""
    since = min([now - _EVENTS_FOR, *(incident.first_bad_at or incident.starts_at for incident in incidents)])
    return await parts.desk.read(Listing.posted, since - view.WINDOW_BEFORE, now, MOST_POSTED)


def _event(event: Posted, now: float) -> dict[str, Any]:
    return {
        "id": event.id,
        "what": view.kind_of(event),
        "title": event.title,
        "began": view.when(event.starts_at, now),
        "lasted": words.length(event.ends_at - event.starts_at) if event.ends_at is not None else "",
        "tags": event.tags,
        "link": view.link(event.link),
    }


def _few(silences: list[Silence]) -> list[Silence]:
    """All that count, and the last expired ones."""
    expired = [item for item in silences if item.state == "expired"]
    return [item for item in silences if item.state != "expired"] + expired[::-1][:MOST_EXPIRED]


def _silence(item: Silence, now: float) -> dict[str, Any]:
    return {
        "id": item.id,
        "state": item.state,
        "matchers": [str(matcher) for matcher in item.matchers],
        "ends": view.when(item.ends_at.timestamp(), now),
        "left": words.left(item.ends_at.timestamp() - now),
        "by": item.created_by,
        "comment": item.comment,
    }


def _cursor(text: str) -> tuple[float, int] | None:
    end, _, last = text.rpartition("-")
    if len(last) > 18:  # more digits than an id of the database can have
        raise ProblemError(HTTPStatus.BAD_REQUEST, "older: follow the page's own link")
    try:
        return (float(end), int(last)) if text else None
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"older is {text!r}: follow the page's own link") from error


async def _form(request: web.Request) -> dict[str, str]:
    given = await request.post()
    fields = {name: value for name, value in given.items() if isinstance(value, str)}
    check_form(request.app[PARTS].desk.form_token, fields.get("token", ""))
    return fields


def _done(request: web.Request, back: str, who: str = "") -> web.Response:
    """Back to the board, by redirection (303) or, for the page's script, with 204; remembers who it was."""
    if for_program(request):
        answer = web.Response(status=HTTPStatus.NO_CONTENT)
    else:
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": _root(request) + back})
    if who:
        answer.set_cookie(NAME_COOKIE, who, max_age=_NAME_LIVES, httponly=True, samesite="Strict")
    return answer


async def acknowledge(request: web.Request) -> web.Response:
    """`POST /incidents/{id}/acknowledge`: the form of an incident."""
    fields = await _form(request)
    who = await actions.acknowledge(request.app[PARTS], number(request.match_info["id"], "id", 1 << 62), fields)
    return _done(request, f"#incident-{request.match_info['id']}", who)


async def silence(request: web.Request) -> web.Response:
    """`POST /silences`: the form that makes a silence."""
    fields = await _form(request)
    _, who = await actions.silence(request.app[PARTS], fields)
    return _done(request, "#silences", who)


async def expire(request: web.Request) -> web.Response:
    """`POST /silences/{id}/expire`: the button that ends a silence."""
    await _form(request)
    await actions.expire(request.app[PARTS], request.match_info["id"])
    return _done(request, "#silences")


async def runbooks(request: web.Request) -> web.Response:
    """`GET /runbooks`: all of them."""
    books = request.app[PARTS].runbooks
    found = [book for book in (books.find(name) for name in books.names()) if book]
    return render("runbooks.html", root=_root(request), runbooks=found)


async def runbook(request: web.Request) -> web.Response:
    """`GET /runbooks/{alert}`: one. Raises ProblemError (404) when there is none."""
    alert = request.match_info["alert"]
    found = request.app[PARTS].runbooks.find(alert)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no runbook for {alert}")
    return render("runbook.html", root=_root(request), runbook=found)
