"""From a file and the environment to a `Site`; whatever is wrong is told once, with file, line, key and the fix."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from settings.errors import SettingsError
from settings.paths import CLONE, Paths
from settings.types import MEANINGS, Site

SITE_VARIABLE = "WATCHFLOOR_SITE"
ENVIRONMENT = {
    "PROMETHEUS_ENDPOINT": "prometheus",
    "PROMETHEUS_USERNAME": "prometheus_username",
    "ALERTMANAGER_ENDPOINT": "alertmanager",
    "GRAFANA_ENDPOINT": "grafana",
}
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]+)`)?$", re.DOTALL)


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Site:
    """The site of `path`, else of `WATCHFLOOR_SITE`, else of what `make up` rendered, else of the clone's `site.yaml`.

    Raises SettingsError for anything that is wrong in it, a missing file included.
    """
    environment = os.environ if environment is None else environment
    chosen = path or _default_path(environment)
    try:
        text = chosen.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            str(chosen), f"cannot be read ({error.strerror})", "`make up` makes it from site.example.yaml"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(str(chosen), f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    return parse(text, str(chosen), environment)


def _default_path(environment: Mapping[str, str]) -> Path:
    if given := environment.get(SITE_VARIABLE):
        return Path(given)
    rendered = Paths.from_environment().site
    candidates = (CLONE / "site.yaml", rendered, CLONE / "site.example.yaml")
    return next((path for path in candidates if path.exists()), candidates[0])


def parse(text: str, name: str = "site.yaml", environment: Mapping[str, str] | None = None) -> Site:
    """The site that `text` (YAML) and the environment describe; `name` is the file that errors name."""
    try:
        tree = yaml.compose(text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
        _refuse_duplicates(tree, name)
        raw = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{name}:{line}", f"is not YAML ({error.problem})", "check indentation, colons and quotes") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{name}:1", f"is not YAML ({error})", "check for characters that are not text") from error
    raw = {} if raw is None else raw
    overrides = {key: environment[variable] for variable, key in ENVIRONMENT.items() if environment and environment.get(variable)}
    try:
        site = msgspec.convert(raw, Site)
    except msgspec.ValidationError as error:
        raise _explained(str(error), raw, tree, name) from error
    if not overrides:
        return site
    return msgspec.structs.replace(site, endpoints=msgspec.structs.replace(site.endpoints, **overrides))


def _refuse_duplicates(node: yaml.Node | None, name: str) -> None:
    """YAML loaders keep the last of two equal keys, silently; a person should be told."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if str(key.value) in seen:
                raise SettingsError(
                    f"{name}:{line}", f"{key.value}: stands already in line {seen[str(key.value)]}", "keep one of the two"
                )
            seen[str(key.value)] = line
            _refuse_duplicates(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_duplicates(value, name)


def _explained(message: str, raw: Any, tree: yaml.Node | None, name: str) -> SettingsError:
    found = _AT.match(message)
    assert found
    what, path = found["what"], found["path"] or "$"
    steps = _steps(path, raw)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown:
        steps = [*steps, unknown[1]]
    line = _line(tree, steps)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".") or "the file"
    if unknown:
        return SettingsError(f"{name}:{line}", f"{key}: unknown key", _nearest(steps))
    missing = re.search(r"missing required field `([^`]+)`", what)
    if missing:
        return SettingsError(f"{name}:{line}", f"{key}: lacks the key {missing[1]!r}", f"add `{missing[1]}:`")
    for pattern, meaning in MEANINGS.items():
        what = what.replace(f"`str` matching regex {pattern!r}", meaning)
    value = _value(raw, steps)
    got = "" if isinstance(value, dict | list) else f"is {value!r}"
    expected = what.replace("Expected", "give").replace("`", "")
    if ": " in what and not what.startswith("Expected"):
        problem, _, fix = what.rpartition(": ")
        return SettingsError(f"{name}:{line}", f"{key}: {problem}", fix)
    return SettingsError(f"{name}:{line}", f"{key}: {got or 'is wrong'}", expected)


def _steps(path: str, raw: Any) -> list[str | int]:
    """The keys that lead to the wrong place; msgspec writes a mapping's key as `[...]`, so that one is found by trial."""
    steps: list[str | int] = []
    for piece in re.findall(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])", path.removeprefix("$")):
        if piece[0]:
            steps.append(piece[0])
        elif piece[1]:
            steps.append(int(piece[1]))
        else:
            steps.append(_culprit(raw, steps))
    return steps


def _culprit(raw: Any, steps: list[str | int]) -> str:
    mapping = _value(raw, steps)
    for key in mapping:
        copy = msgspec.json.decode(msgspec.json.encode(raw))
        parent = _value(copy, steps[:-1])
        parent[steps[-1]] = {key: mapping[key]}
        try:
            msgspec.convert(copy, Site)
        except msgspec.ValidationError:
            return str(key)
    return str(next(iter(mapping), ""))


def _value(raw: Any, steps: list[str | int]) -> Any:
    for step in steps:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _line(node: yaml.Node | None, steps: list[str | int]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if str(key.value) == str(step)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _nearest(steps: list[str | int]) -> str:
    kind: Any = Site
    for step in steps[:-1]:
        kind = _field_type(kind, step)
        if kind is None:
            return "see docs/guides/site.md"
    known = [item.encode_name for item in msgspec.structs.fields(kind)] if hasattr(kind, "__struct_fields__") else []
    close = difflib.get_close_matches(str(steps[-1]), known, 1)
    return f"did you mean {close[0]!r}?" if close else "known keys are " + ", ".join(known)


def _field_type(kind: Any, step: str | int) -> Any:
    info: Any = msgspec.inspect.type_info(kind) if not isinstance(kind, msgspec.inspect.Type) else kind
    if isinstance(info, msgspec.inspect.StructType):
        found = next((item.type for item in info.fields if item.encode_name == step), None)
        while isinstance(found, msgspec.inspect.Metadata):
            found = found.type
        if isinstance(found, msgspec.inspect.StructType):
            return found.cls
        if isinstance(found, msgspec.inspect.ListType | msgspec.inspect.DictType):
            inner = found.item_type if isinstance(found, msgspec.inspect.ListType) else found.value_type
            return inner if not isinstance(inner, msgspec.inspect.StructType) else inner.cls
    if isinstance(kind, type) and hasattr(kind, "__struct_fields__"):
        return kind  # the step was an index or a mapping's key
    return None
