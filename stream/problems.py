"""How a request is refused: RFC 9457 problems, and the id by which a request is found in the log."""

from __future__ import annotations

import itertools
import json
import re
import secrets
from http import HTTPStatus
from typing import Protocol

from aiohttp import web

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Ids need only be told apart, across processes too: random for the process, counted within it.
_PROCESS, _NUMBERS = secrets.token_hex(4), itertools.count(secrets.randbelow(1 << 31))


class Code(Protocol):
    """A stable word for programs, with its documentation; `str()` of it is the word."""

    @property
    def meaning(self) -> str:
        """What happened."""
        ...

    @property
    def remedy(self) -> str:
        """What to do."""
        ...


class ProblemError(Exception):
    """A request that is refused: its status, our code, and one sentence for who asked; empty: the code's own."""

    def __init__(self, status: HTTPStatus, code: Code, detail: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail or f"{code.meaning} {code.remedy}")
        self.status = status
        self.code = code
        self.headers = headers or {}


def new_id() -> str:
    """An id of 16 hexadecimal digits that no other request of this process has."""
    return f"{_PROCESS}{next(_NUMBERS) & 0xFFFFFFFF:08x}"


def id_for(given: str | None) -> str:
    """The id that a proxy gave, if it is a plain word, else one of our own."""
    return given if given and _GIVEN_ID.fullmatch(given) else new_id()


def request_id(request: web.Request) -> str:
    """The request's id, the same for its whole life."""
    if REQUEST_ID not in request:
        request[REQUEST_ID] = id_for(request.headers.get("X-Request-Id"))
    return request[REQUEST_ID]


def problem(status: HTTPStatus, code: Code, detail: str, known: str) -> web.Response:
    """The problem as `application/problem+json`: type, title, status, detail, and our `code` and `requestId`."""
    body = {
        "type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": str(code),
        "requestId": known,
    }  # fmt: skip
    answer = web.Response(status=status, text=json.dumps(body) + "\n", content_type="application/problem+json")
    answer.headers["Cache-Control"] = "no-store"  # a 404 would be kept otherwise, RFC 9111 section 4.2.2
    return answer
