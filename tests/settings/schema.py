"""A validator for the part of JSON Schema that our schema uses; a keyword that it does not know fails, so none is skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_SAID = {"$schema", "$defs", "title", "description", "default", "discriminator"}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> Iterator[str]:
    """What is wrong with `value`, each with its place."""
    if "$ref" in schema:
        yield from problems(value, _definition(schema["$ref"], root), root, at)
    if "anyOf" in schema and all(any(problems(value, choice, root, at)) for choice in schema["anyOf"]):
        yield f"{at}: fits no choice"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: is no {schema['type']}"
        return
    yield from _of_scalar(value, schema, at)
    yield from _of_items(value, schema, root, at)
    known = _SAID | {"$ref", "anyOf", "type"} | _SCALAR | _ITEMS
    assert set(schema) <= known, f"the schema uses {set(schema) - known}, which this validator does not know"


_SCALAR = {"enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"}
_ITEMS = {"properties", "required", "additionalProperties", "propertyNames", "items", "minItems"}


def _definition(ref: str, root: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = root["$defs"][ref.removeprefix("#/$defs/")]
    return found


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind != "boolean")


def _of_scalar(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    checks: dict[str, Callable[[Any], object]] = {
        "enum": lambda allowed: value in allowed,
        "pattern": lambda pattern: re.search(pattern, value),
        "minLength": lambda limit: len(value) >= limit,
        "maxLength": lambda limit: len(value) <= limit,
        "minimum": lambda limit: value >= limit,
        "maximum": lambda limit: value <= limit,
        "exclusiveMinimum": lambda limit: value > limit,
    }
    for keyword, fits in checks.items():
        if keyword in schema and not fits(schema[keyword]):
            yield f"{at}: {keyword} {schema[keyword]}"


def _of_items(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value)
        for name, item in value.items():
            yield from problems(name, schema.get("propertyNames", {}), root, f"{at}.{name}")
            inner = properties.get(name, others)
            if inner is False:
                yield f"{at}.{name}: unknown key"
            elif inner is not True:
                yield from problems(item, inner, root, f"{at}.{name}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at}: minItems"
        for index, item in enumerate(value if "items" in schema else []):
            yield from problems(item, schema["items"], root, f"{at}[{index}]")
