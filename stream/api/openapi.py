"""The OpenAPI 3.1 document, made from the operations and their types: what it says is what the server takes and tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from metrics.process import version
from stream.api.codes import ApiCode
from stream.api.operations import NoQuery, Operation
from stream.api.pages import PAGES, Page
from stream.codes import ErrorCode

_REFS = "#/components/schemas/{name}"
# What every operation may answer beside its 200.
ALWAYS = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.GATEWAY_TIMEOUT,
)  # fmt: skip
_HTTP_CODES = (
    ErrorCode.AUTH_REQUIRED, ErrorCode.FORBIDDEN, ErrorCode.BAD_TOKEN, ErrorCode.TOKEN_EXPIRED, ErrorCode.TOKEN_REVOKED,
    ErrorCode.RATE_LIMITED, ErrorCode.UNKNOWN_HOST, ErrorCode.HEADERS_TOO_LARGE, ErrorCode.BAD_REQUEST, ErrorCode.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED, ErrorCode.INTERNAL, ErrorCode.BAD_HANDSHAKE, ErrorCode.BAD_ORIGIN, ErrorCode.SHUTTING_DOWN,
    ErrorCode.TOO_MANY_CONNECTIONS, ErrorCode.REQUEST_TOO_SLOW,
)  # fmt: skip
CODES = (*(str(code) for code in _HTTP_CODES), *(str(code) for code in ApiCode))
_OF_BODIES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_RETRY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Problem(Struct, frozen=True, rename="camel"):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def document(operations: Sequence[Operation], pages: Sequence[Page] = PAGES) -> bytes:
    """The document as JSON."""
    types = [kind for one in operations for kind in (one.answer, one.body, one.query) if kind is not None]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REFS)
    by_type = dict(zip([*types, Problem], schemas, strict=True))
    components["Problem"]["properties"]["code"]["enum"] = list(CODES)
    queries = {one.query.__name__ for one in operations}
    described = {
        "openapi": "3.1.0",
        "info": {
            "title": "Watchfloor API",
            "version": version(),
            "summary": "Market data, analyses, signals and market conditions of the watched workload.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"key": []}],
        "paths": {one.path: {one.method.lower(): _operation(one, by_type, components)} for one in operations}
        | {page.path: {"get": page.described(_REFUSALS)} for page in pages},
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A JWT or an API key."},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=2)


def _operation(one: Operation, by_type: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.description,
        "responses": {"200": _answered(one, by_type)} | {str(status.value): _refused(status) for status in _errors(one)},
    }
    if one.query is not NoQuery:
        described["parameters"] = _parameters(components[one.query.__name__])
    if one.method == "GET":
        described["responses"]["304"] = {"description": "What `If-None-Match` names is still so."}
        tag = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
        described.setdefault("parameters", []).append(tag)
    if one.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": by_type[one.body]}}}
    return described


def _errors(one: Operation) -> list[HTTPStatus]:
    return sorted({*ALWAYS, *(_OF_BODIES if one.body is not None else ()), *one.errors})


def _answered(one: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"description": one.summary, "content": {"application/json": {"schema": by_type[one.answer]}}}
    if one.method == "GET":
        found["headers"] = {
            "ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}},
            "Age": {"description": "Seconds since the content was made.", "schema": {"type": "integer", "minimum": 0}},
        }
    return found


def _refused(status: HTTPStatus) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": _REFS.format(name="Problem")}}}
    found: dict[str, Any] = {"description": status.phrase, "content": content}
    if status in _RETRY:
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return found


_REFUSALS = {status: _refused(status) for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}


def _parameters(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A query's fields."""
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": kind} for name, kind in schema["properties"].items()
    ]
