"""What went wrong, for programs as RFC 9457 JSON and for people as a page."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

log = logging.getLogger("watchfloor.inbox")

Page = Callable[[web.Request, HTTPStatus, str], web.Response]


class ProblemError(Exception):
    """An answer that is not the wished-for one: its status, and one sentence for who asked."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: HTTPStatus, detail: str) -> web.Response:
    """The problem as `application/problem+json` (RFC 9457): type, title, status, detail."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return web.Response(status=status, text=json.dumps(body) + "\n", content_type="application/problem+json")


def for_program(request: web.Request) -> bool:
    """Whether who asks is a program: the API's paths, and scripts of our page, which ask for JSON."""
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")


def middleware(page: Page) -> Middleware:
    """Turns every error into an answer: JSON for programs, `page` for people."""

    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            status, detail = error.status, error.detail
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            status, detail = HTTPStatus(error.status), error.reason
            if error.status == HTTPStatus.NOT_FOUND:
                detail = f"there is nothing at {request.path}"
            elif error.status == HTTPStatus.METHOD_NOT_ALLOWED:
                detail = f"{request.method} is not for {request.path}"
        except sqlite3.Error as error:
            log.exception("database")
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, f"the inbox's database failed: {error}"
        except ConnectionError:
            status, detail = HTTPStatus.BAD_REQUEST, "the connection broke off"  # nobody is there to read it
        except Exception:  # the edge of a request: one broken answer must not end the service
            log.exception("unexpected, at %s %s", request.method, request.path)
            status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "the inbox made a mistake; its log has the details"
        return problem(status, detail) if for_program(request) else page(request, status, detail)

    return explain
