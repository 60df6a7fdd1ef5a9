"""What the public port answers beside the API's operations, as the OpenAPI document tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from stream.cache.origin import CONTENT_TYPE, ROUTE

DOCUMENT = "/api/openapi.json"
ASSETS = ("page.js", "chart.js", "format.js", "page.css", "icon.svg", "base.css")
_ALWAYS = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)  # fmt: skip
_HANDSHAKE = (HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_SWITCHED = {HTTPStatus.SWITCHING_PROTOCOLS: "The stream (RFC 6455); docs/guides/websocket.md tells what is said there."}


@dataclass(frozen=True)
class Page:
    """One GET that is no operation. `types`: of its 200; none: it has no 200.

    `others` are answers without a body, by status, `refusals` those with a problem.
    """

    path: str
    name: str
    summary: str
    types: tuple[str, ...] = ()
    others: Mapping[HTTPStatus, str] = field(default_factory=dict)
    refusals: tuple[HTTPStatus, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()

    def described(self, refused: Mapping[HTTPStatus, Any]) -> dict[str, Any]:
        """As an operation object of OpenAPI; `refused` describes each problem."""
        responses: dict[str, Any] = {
            str(status.value): refused[status] for status in sorted({*_ALWAYS, *self.refusals})
        } | {str(status.value): {"description": text} for status, text in self.others.items()}  # fmt: skip
        if self.types:
            responses["200"] = {"description": self.summary, "content": {kind: {} for kind in self.types}}
        described: dict[str, Any] = {
            "operationId": self.name, "summary": self.summary, "security": [{}],
            "responses": dict(sorted(responses.items())),
        }  # fmt: skip
        return described | ({"parameters": list(self.parameters)} if self.parameters else {})


def _parameter(name: str, where: str, schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": dict(schema), "description": text}


PAGES = (
    Page(
        "/", "page", "The page for people; the stream for who asks for the upgrade.", ("text/html",), _SWITCHED,
        (*_HANDSHAKE, HTTPStatus.UPGRADE_REQUIRED),
    ),
    Page("/ws", "stream", "The stream.", (), _SWITCHED, (*_HANDSHAKE, HTTPStatus.UPGRADE_REQUIRED)),
    Page("/client.js", "client", "The stream's client for browsers, a module.", ("text/javascript",)),
    Page(
        "/assets/{name}", "asset", "What the page is made of.", ("text/javascript", "text/css", "image/svg+xml"),
        refusals=(HTTPStatus.NOT_FOUND,), parameters=(_parameter("name", "path", {"enum": list(ASSETS)}, "Which part."),),
    ),
    Page(DOCUMENT, "document", "This document.", ("application/json",), {HTTPStatus.NOT_MODIFIED: "The client has it."}),
)  # fmt: skip
# Only where there is a cache.
CACHED = Page(
    ROUTE, "cached", "What the edge fetches, from the cache's second layer; for the appliance's own edge, 404 for anybody else.",
    (CONTENT_TYPE,),
    {
        HTTPStatus.SERVICE_UNAVAILABLE: "The second layer does not answer.",
        HTTPStatus.GATEWAY_TIMEOUT: "A question for what is cached alone: nobody may ask on.",
    },
    (HTTPStatus.NOT_FOUND,),
    (_parameter("key", "path", {"type": "string", "maxLength": 200}, "A key of the cache."),),
)  # fmt: skip
