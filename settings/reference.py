"""The reference page of `site.yaml` and its JSON schema, both made from the types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from settings import environment as env
from settings import words
from settings.types import Site

_INTRODUCTION = """\
<!-- Made by `python -m settings reference` from settings/types.py and the files beside it; do not edit. -->
# site.yaml

Everything that can be set about one appliance stands in `site.yaml`. `make up` makes it from `site.example.yaml` at the first
start; after a change, `make reload`. A key that is left out keeps its default. An unknown key, a wrong type or a value out
of range is refused with file, line, key and what is allowed; nothing is started or changed.

```
python -m settings check [FILE]    # exit 0: valid; exit 2: what is wrong, where, and the fix
python -m settings show [FILE]     # the effective settings, defaults and environment included; secrets are never printed
```

Which file is read: the one given, else the one that `WATCHFLOOR_SITE` names, else `site.yaml`, else what `make up` rendered.
An editor that knows JSON schema checks while you type: `settings/site.schema.json`.

"""
_SECRETS = """
## Secrets

No secret stands in `site.yaml`. Each key that ends in `_file` names a file, by its absolute path, that holds one secret and
nothing else. A file that is missing, empty or open to other users is refused: `chmod 600 FILE`.

## Environment

An environment variable wins over `site.yaml`. An empty one counts as unset.

| variable | wins over | value |
|---|---|---|
"""


def schema() -> str:
    """The JSON schema (draft 2020-12) of `site.yaml`."""
    found = msgspec.json.schema(Site)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Watchfloor site.yaml"}
    return json.dumps(head | found, indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """The reference page, in Markdown."""
    return _INTRODUCTION + "\n".join(_sections()) + _SECRETS + "\n".join(_environment()) + "\n"


def keys() -> Iterator[tuple[str, inspect.Field]]:
    """Every key that can be set, as `ports.grafana`, `hosts[].name`, `alerts.NAME.for`, with its field."""
    for path, struct in _walk("", words.site_type()):
        for item in struct.fields:
            yield f"{path}{item.encode_name}", item


def _walk(path: str, struct: inspect.StructType) -> Iterator[tuple[str, inspect.StructType]]:
    """Each section after the one that holds it, with what stands before its keys."""
    yield path, struct
    for item in struct.fields:
        kind = words.bare(item.type)
        nested = words.inner(kind)
        step = {inspect.ListType: "[]", inspect.DictType: ".NAME"}.get(type(kind), "")
        for section in words.sections(nested if nested is not None else kind):
            yield from _walk(f"{path}{item.encode_name}{step}.", section)


def _sections() -> Iterator[str]:
    for path, struct in _walk("", words.site_type()):
        title = path.rstrip(".") or "The file itself"
        tag = f", `{struct.tag_field}: {struct.tag}`" if struct.tag_field else ""
        yield f"## {f'`{title}`' if path else title}{tag}\n\n{_first_line(struct.cls)}\n"
        yield "| key | type | default | allowed | meaning | environment |\n|---|---|---|---|---|---|"
        for item in struct.fields:
            yield _row(path, item)
        yield ""


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _row(path: str, item: inspect.Field) -> str:
    key = f"{path}{item.encode_name}"
    variables = [name for name, below in (env.VALUES | env.SECRETS).items() if key == below]
    structs = words.sections(words.inner(item.type) or item.type)
    allowed = "see below" if structs else words.allowed(item.type)
    cells = (
        f"`{item.encode_name}`",
        words.short(item.type),
        _default(item),
        allowed,
        description(item),
        ", ".join(f"`{name}`" for name in variables),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def description(item: inspect.Field) -> str:
    """The meaning that the field's declaration gives; an empty text when it gives none."""
    kind: inspect.Type = item.type
    while isinstance(kind, inspect.Metadata):
        text = (kind.extra_json_schema or {}).get("description")
        if text:
            return str(text)
        kind = kind.type
    return ""


def _default(item: inspect.Field) -> str:
    if item.required:
        return "required"
    made: Any = item.default_factory() if item.default_factory is not msgspec.NODEFAULT else item.default
    if made is None:
        return "as declared"
    if isinstance(made, msgspec.Struct):
        return "as below"
    if made in ("", [], {}):
        return "none"
    return f"`{json.dumps(made) if isinstance(made, bool | list) else made}`"


def _environment() -> Iterator[str]:
    yield f"| `{env.SITE_VARIABLE}` | | the path of the file to read |"
    for name, key in env.VALUES.items():
        yield f"| `{name}` | `{key}` | what the key would hold |"
    for name, key in env.SECRETS.items():
        yield f"| `{name}` | `{key}` | the secret itself |"
