"""The types of `site.yaml` in words: what an error tells to give, and what the reference page says is allowed."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec
from msgspec import inspect

from settings.patterns import KINDS, MEANINGS
from settings.types import Site


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without its description, and without the null that stands for "left out"."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        others = [item for item in kind.types if not isinstance(item, inspect.NoneType)]
        return bare(others[0]) if len(others) == 1 else kind
    return kind


def site_type() -> inspect.StructType:
    """The type of the whole file."""
    return cast("inspect.StructType", msgspec.inspect.type_info(Site))


def sections(kind: inspect.Type) -> tuple[inspect.StructType, ...]:
    """The sections that a value of this type may be: one, or one for each `type:` of a receiver; none for a plain value."""
    kind = bare(kind)
    if isinstance(kind, inspect.StructType):
        return (kind,)
    if isinstance(kind, inspect.UnionType):
        return tuple(item for item in kind.types if isinstance(item, inspect.StructType))
    return ()


def inner(kind: inspect.Type) -> inspect.Type | None:
    """The type of a list's items or of a mapping's values; None for anything else."""
    kind = bare(kind)
    if isinstance(kind, inspect.ListType):
        return kind.item_type
    return kind.value_type if isinstance(kind, inspect.DictType) else None


def short(kind: inspect.Type) -> str:
    """The type in a word or two: `duration`, `list of host:port`, `true or false`."""
    kind = bare(kind)
    item = inner(kind)
    if item is not None:
        plural = {"section": "sections", "text": "texts", "choice": "choices"}.get(short(item), short(item))
        return f"{'list' if isinstance(kind, inspect.ListType) else 'mapping'} of {plural}"
    if isinstance(kind, inspect.StrType):
        return KINDS.get(kind.pattern or "", "text")
    plain: dict[type[inspect.Type], str] = {
        inspect.IntType: "whole number",
        inspect.FloatType: "number",
        inspect.BoolType: "true or false",
        inspect.LiteralType: "choice",
    }
    return plain.get(type(kind), "section")


def allowed(kind: inspect.Type) -> str:
    """What may be given, so that it can stand after "give"."""
    kind = bare(kind)
    match kind:
        case inspect.StrType():
            text = MEANINGS.get(kind.pattern or "") or ("a text that is not empty" if kind.min_length else "a text")
            text += f", at most {kind.max_length} characters" if kind.max_length else ""
        case inspect.IntType() | inspect.FloatType():
            text = _number(kind)
        case inspect.BoolType():
            text = "true or false"
        case inspect.LiteralType():
            text = "one of " + ", ".join(str(value) for value in kind.values)
        case inspect.ListType():
            text = f"a list{' of at least one entry' if kind.min_length else ''}, each {allowed(kind.item_type)}"
        case inspect.DictType():
            text = f"a mapping: each key {allowed(kind.key_type)}, each value {allowed(kind.value_type)}"
        case _:
            text = _section(sections(kind))
    return text


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    limits: list[str] = []
    for word, limit in (("above", kind.gt), ("from", kind.ge), ("below", kind.lt), ("at most", kind.le)):
        if limit is not None:
            limits.append(f"{'to' if word == 'at most' and kind.ge is not None else word} {limit}")
    text = " ".join(limits) if kind.ge is not None else " and ".join(limits)
    if kind.ge is not None and kind.le is None and kind.lt is None:
        text = f"of at least {kind.ge}"
    return f"{what} {text}".rstrip()


def _section(structs: tuple[inspect.StructType, ...]) -> str:
    tags = [str(item.tag) for item in structs if item.tag is not None]
    if tags:
        return f"a section with `type:` {', '.join(tags)}"
    names = [item.encode_name for struct in structs for item in struct.fields]
    return "a section with the keys " + ", ".join(names)


def masked(text: str) -> str:
    """A wrong text, without what may be a user and password in it, though it be no URL: errors go into logs."""
    return re.sub(r"^(\w+://)?[^/@]*:.*@", r"\1…@", text, flags=re.DOTALL)


def shown(value: Any) -> str:
    """A wrong value as an error quotes it: short, and with its kind where that is what is wrong."""
    if value is None:
        return "is empty"
    if isinstance(value, dict):
        return "is a section"
    if isinstance(value, list):
        return "is a list"
    value = masked(value) if isinstance(value, str) else value
    text = repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}, {value}"
    return f"is {text if len(text) <= 60 else text[:57] + '…'}"
