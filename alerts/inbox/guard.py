"""Keeps strangers' pages from acting through a person's browser, and our pages from running what is not ours."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alerts.inbox.problems import ProblemError
from settings.hosts import host_known

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADER = "X-Watchfloor"
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Asked by programs under whatever name they know this machine by; they tell or change nothing for a browser.
_OPEN_TO_ALL = ("/metrics", "/healthz", "/readyz", "/api/alerts")


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """The security headers of every answer (a signal of aiohttp's)."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent this from a page of ours; programs send neither header and pass."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("Host", "").lower()


def host_guard(names: frozenset[str]) -> Middleware:
    """Refuses browsers that came by a name that is not ours (421), and changes from other origins (403)."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _OPEN_TO_ALL:
            if not host_known(request.headers.get("Host", ""), names):
                raise ProblemError(
                    HTTPStatus.MISDIRECTED_REQUEST, "this machine is not known by that name: set public_url in site.yaml"
                )
            if request.method not in ("GET", "HEAD") and not same_origin(request.headers):
                raise ProblemError(HTTPStatus.FORBIDDEN, "this came from another site's page")
        return await handler(request)

    return guard


def check_form(token: str, given: str) -> None:
    """Raises ProblemError (403) unless a form carries our token."""
    if not hmac.compare_digest(token.encode(), given.encode()):
        raise ProblemError(HTTPStatus.FORBIDDEN, "the form is not of this inbox's page: load the page again")


def check_header(request: web.Request) -> None:
    """Raises ProblemError (403) unless a program names itself: no page of another site can send this header."""
    if HEADER not in request.headers:
        raise ProblemError(HTTPStatus.FORBIDDEN, f"changes need the request header `{HEADER}: 1`")
