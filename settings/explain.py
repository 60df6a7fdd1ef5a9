"""From msgspec's error to one that a person can act on: file, line, key, what is wrong, what is allowed."""

from __future__ import annotations

import difflib
import re
from typing import Any, cast

import msgspec
import yaml
from msgspec import inspect

from settings import words
from settings.errors import SettingsError
from settings.lines import Steps, key, line
from settings.types import Site

REFERENCE = "docs/guides/site.md"
_AT = re.compile(r"(?P<what>.*?)(?: - at (?P<is_key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


def explained(message: str, raw: Any, tree: yaml.Node | None, name: str) -> SettingsError:
    """The error for msgspec's `message` about `raw`, which `tree` is the text of; `name` is the file."""
    found = _AT.fullmatch(message)
    assert found
    what = found["what"]
    steps = _steps(found["path"] or "", raw)
    kind = _type_at(raw, steps)
    unknown, missing = _UNKNOWN.fullmatch(what), _MISSING.fullmatch(what)
    if unknown:
        steps = [*steps, unknown[1]]
        problem, fix = "unknown key", _nearest(unknown[1], kind, _value(raw, steps[:-1]))
    elif missing:
        problem, fix = f"lacks the key {missing[1]!r}", f"add `{missing[1]}:`"
    elif found["is_key"]:
        steps, problem, fix = _wrong_key(raw, steps, kind)
    elif what.startswith(("Expected ", "Invalid ")) or ": " not in what:
        problem, fix = words.shown(_value(raw, steps)), "give " + (words.allowed(kind) if kind else f"what {REFERENCE} says")
    else:  # a section's own check, in the form "problem: fix"
        problem, _, fix = what.rpartition(": ")
    return SettingsError(f"{name}:{line(tree, steps)}", f"{key(steps)}: {problem}", fix)


def _wrong_key(raw: Any, steps: list[str | int], kind: inspect.Type | None) -> tuple[list[str | int], str, str]:
    mapping = _value(raw, steps)
    plain = words.bare(kind) if kind else None
    pattern = plain.key_type if isinstance(plain, inspect.DictType) else None
    wanted = words.bare(pattern) if pattern else None
    regex = wanted.pattern or "" if isinstance(wanted, inspect.StrType) else ""
    wrong = next(name for name in mapping if not isinstance(name, str) or (regex and not re.search(regex, name)))
    fix = words.allowed(wanted) if wanted and isinstance(wrong, str) else "a text; put quotes around it"
    return [*steps, str(wrong)], f"the key {words.shown(wrong)}", f"give {fix}"


def _steps(path: str, raw: Any) -> list[str | int]:
    """The keys that lead to the wrong place; msgspec writes a mapping's key as `[...]`, so that one is found by trial."""
    steps: list[str | int] = []
    for name, index, unnamed in _STEP.findall(path):
        if unnamed:
            mapping = _value(raw, steps)
            steps.append(next((entry for entry in mapping if not _converts(_with(raw, steps, {entry: mapping[entry]}))), ""))
        else:
            steps.append(name or int(index))
    return steps


def _with(raw: Any, steps: Steps, value: Any) -> Any:
    """A copy of `raw` in which the steps lead to `value`; what lies beside the path is shared."""
    if not steps:
        return value
    copy = raw.copy()
    copy[steps[0]] = _with(raw[steps[0]], steps[1:], value)
    return copy


def _converts(raw: Any) -> bool:
    try:
        msgspec.convert(raw, Site)
    except msgspec.ValidationError:
        return False
    return True


def _value(raw: Any, steps: Steps) -> Any:
    for step in steps:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _type_at(raw: Any, steps: Steps) -> inspect.Type | None:
    """The type that belongs where the steps lead; a receiver's by its `type:`; None where the types have no such place."""
    kind: inspect.Type | None = words.site_type()
    for depth, step in enumerate(steps):
        assert kind is not None
        item = words.inner(kind)
        kind = item if item is not None else _field(words.sections(kind), step, _value(raw, steps[:depth]))
        if kind is None:
            return None
    return kind


def _field(structs: tuple[inspect.StructType, ...], step: str | int, section: Any) -> inspect.Type | None:
    tags = tuple(item.tag for item in structs if item.tag is not None)
    if tags and step == structs[0].tag_field:
        return inspect.LiteralType(cast("tuple[str, ...]", tags))
    for struct in _chosen(structs, section):
        for item in struct.fields:
            if item.encode_name == step:
                return item.type
    return None


def _chosen(structs: tuple[inspect.StructType, ...], section: Any) -> tuple[inspect.StructType, ...]:
    tagged = isinstance(section, dict) and tuple(item for item in structs if item.tag == section.get(item.tag_field))
    return tagged or structs


def _nearest(wrong: str, kind: inspect.Type | None, section: Any) -> str:
    structs = _chosen(words.sections(kind), section) if kind else ()
    known = [item.encode_name for struct in structs for item in struct.fields]
    known += [struct.tag_field for struct in structs if struct.tag_field]
    close = difflib.get_close_matches(wrong, known, 1)
    return f"did you mean {close[0]!r}?" if close else "known keys are " + ", ".join(dict.fromkeys(known))
