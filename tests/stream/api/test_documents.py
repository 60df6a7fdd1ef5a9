"""The guide and the OpenAPI document say what the server does."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from jsonschema import Draft202012Validator

from metrics import app as declared
from settings.api import Conditions
from settings.paths import CLONE
from stream import http
from stream.api.codes import ApiCode
from stream.api.discovery import discovery
from stream.api.endpoints import Data, NoStore, operations
from stream.api.fresh import Fresh
from stream.api.openapi import CODES, document
from stream.api.pages import CACHED, PAGES
from stream.api.types import Dashboard
from tests.stream.api.world import Rooms, market, world
from tests.stream.edge.server import ROOMS, echo, guard

GUIDE = (CLONE / "docs/guides/api.md").read_text(encoding="utf-8")
OPERATIONS = (
    *operations(Data(Rooms().snapshot, Fresh(Rooms().snapshot, Conditions()), NoStore())),
    discovery(lambda: ROOMS),
)
DOCUMENT: dict[str, Any] = json.loads(document(OPERATIONS))


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        inner = [one for part in value.values() for one in _references(part)]
        return [*inner, value["$ref"]] if isinstance(value.get("$ref"), str) else inner
    return [one for part in value for one in _references(part)] if isinstance(value, list) else []


def test_every_operation_is_described_routed_and_counted_under_its_route() -> None:
    assert set(DOCUMENT["paths"]) == {one.path for one in OPERATIONS} | {page.path for page in PAGES}
    assert {*DOCUMENT["paths"], CACHED.path} == set(declared.ROUTES) - {"other"}
    for one in OPERATIONS:
        assert f"`{one.method} {one.path}`" in GUIDE


def test_every_route_is_described_and_every_description_routed() -> None:
    inner = http.public(http.Door(echo, lambda: ROOMS, http.Figures(guard()), operations=OPERATIONS[:-1], cached=echo))
    routed: dict[str, set[str]] = {}
    for route in inner.app.router.routes():
        assert route.resource is not None
        routed.setdefault(route.resource.canonical, set()).add(route.method)
    described = json.loads(document(OPERATIONS, (*PAGES, CACHED)))["paths"]
    methods = {path: {name.upper() for name in one} for path, one in described.items()}
    # HEAD and OPTIONS are described by rules, in the guide: each would repeat what GET or POST says.
    assert {path: found - {"HEAD", "OPTIONS"} for path, found in routed.items()} == methods
    assert {path for path, found in routed.items() if "GET" in found and "HEAD" not in found} == {"/ws", CACHED.path}
    assert {path for path, found in routed.items() if "OPTIONS" in found} == {path for path in routed if path.startswith("/api/")}


def test_references_lead_somewhere_and_nothing_is_left_over() -> None:
    found = {reference.rpartition("/")[2] for reference in _references(DOCUMENT)}
    assert found == set(DOCUMENT["components"]["schemas"])


def test_schemas_are_schemas_and_hold_real_answers() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    with world([market("BTC"), market("ETH", change_24h=20.0)]) as here:
        here.make()
        for path, described in DOCUMENT["paths"].items():
            if "get" not in described:
                continue
            told = described["get"]["responses"].get("200", {"content": {}})["content"].get("application/json", {})
            if "schema" not in told:
                continue
            schema = told["schema"]
            answer = here.ask(path)
            assert answer.status == 200
            Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(answer.json)
        assert here.ask("/api/openapi.json").json == DOCUMENT


def test_the_document_tells_every_code_and_the_guide_explains_those_of_the_api() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(CODES)
    explained = re.findall(r"^\| `([a-z-]+)` \| \d+ \| ([^|]+) \| ([^|]+) \|$", GUIDE, re.MULTILINE)
    assert explained == [(str(code), code.meaning, code.remedy) for code in ApiCode]
    for code in CODES:
        assert f"`{code}`" in GUIDE


def test_keys_are_those_of_the_types() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(Dashboard)}
    assert set(DOCUMENT["components"]["schemas"]["Dashboard"]["properties"]) == names
