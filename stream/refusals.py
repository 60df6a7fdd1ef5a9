"""What the guard says to a connection that it ends before there is a request: bytes, ready to be written."""

from __future__ import annotations

import json
from http import HTTPStatus

from stream.codes import ErrorCode
from stream.problems import Code, new_id

_STATUS = {
    ErrorCode.REQUEST_TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    ErrorCode.HEADERS_TOO_LARGE: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ErrorCode.TOO_MANY_CONNECTIONS: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
}
REFUSALS = tuple(_STATUS)


def problem(code: Code, status: HTTPStatus, known: str) -> bytes:
    """The body of a refusal, by RFC 9457, with our code and an id (`known`) as extension members, like every other problem."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": f"{code.meaning} {code.remedy}",
        "code": str(code),
        "requestId": known,
    }
    return json.dumps(body).encode() + b"\n"


def refusal(code: ErrorCode) -> bytes:
    """The whole answer, after which the connection ends; `code` is one of `REFUSALS`."""
    status, known = _STATUS[code], new_id()
    body = problem(code, status, known)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nX-Request-Id: {known}\r\n\r\n"
    )
    return head.encode() + body
