"""Variables in text, as Grafana and its Prometheus data source put them in.

`$name`, `${name}`, `${name:format}` and `[[name]]` are replaced; an unknown name stays as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from dashboards.preview.timerange import Range, rate_interval, written

# A name is at least two characters after `$`, or one letter; `$1` in label_replace is none, as in Grafana.
_REFERENCE = re.compile(r"\$(\w+)|\$\{(\w+)(?::([^}]*))?\}|\[\[(\w+?)(?::(\w+))?\]\]")
_META = re.compile(r"[$^*{}\[\]'+?.()|]")
_REGEX_META = re.compile(r"[\\^$*+?.()|\[\]{}/]")
ALL = "$__all"


@dataclass(frozen=True)
class Value:
    """The chosen value of a variable. `regex` marks one that may hold several, or All: PromQL then compares by `=~`."""

    values: tuple[str, ...]
    regex: bool = False
    raw: bool = False  # a custom "all" value: put in as it stands
    text: str = ""

    @property
    def plain(self) -> str:
        """For titles and links."""
        return self.text or " + ".join(self.values)


def escape_string(value: str) -> str:
    """A value inside a PromQL string literal."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def escape_regex(value: str) -> str:
    """A value inside a PromQL string literal that is a regular expression, matching only itself."""
    doubled = value.replace("\\", "\\\\\\\\").replace('"', '\\\\\\"')
    return _META.sub(lambda found: "\\\\" + found[0], doubled)


def promql(value: Value) -> str:
    """What `$name` becomes in a query."""
    if value.raw:
        return value.values[0]
    if not value.regex:
        return escape_string(value.values[0]) if value.values else ""
    escaped = [escape_regex(item) for item in value.values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


def _joined_regex(values: tuple[str, ...]) -> str:
    escaped = [_REGEX_META.sub(lambda found: "\\" + found[0], value) for value in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


def _glob(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def _json(values: tuple[str, ...]) -> str:
    return json.dumps(values[0] if len(values) == 1 else list(values), ensure_ascii=False)


def _quoted(mark: str) -> Callable[[tuple[str, ...]], str]:
    return lambda values: ",".join(mark + value.replace(mark, "\\" + mark) + mark for value in values)


_FORMATS: dict[str, Callable[[tuple[str, ...]], str]] = {
    "raw": ",".join,
    "csv": ",".join,
    "pipe": "|".join,
    "text": " + ".join,
    "regex": _joined_regex,
    "glob": _glob,
    "json": _json,
    "doublequote": _quoted('"'),
    "singlequote": _quoted("'"),
    "percentencode": lambda values: quote(_glob(values), safe=""),
}


def interpolate(template: str, values: Mapping[str, Value], plain: Callable[[Value], str]) -> str:
    """`template` with its variables replaced; a reference without a format is written by `plain`."""

    def replaced(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        wanted = found[3] or found[5] or ""
        value = values.get(name)
        if value is None:
            return found[0]
        if wanted == "queryparam":
            return "&".join(f"var-{quote(name)}={quote(item, safe='')}" for item in value.values)
        if wanted == "text" and value.text:
            return value.text
        writer = _FORMATS.get(wanted)
        return writer(value.values) if writer else plain(value)

    return _REFERENCE.sub(replaced, template)


def query(template: str, values: Mapping[str, Value]) -> str:
    """A PromQL template with its variables replaced."""
    return interpolate(template, values, promql)


def title(template: str, values: Mapping[str, Value]) -> str:
    """A title or legend with its variables replaced."""
    return interpolate(template, values, lambda value: value.plain)


def link(template: str, values: Mapping[str, Value]) -> str:
    """A link's address with its variables replaced and encoded."""
    return interpolate(template, values, lambda value: quote(_glob(value.values), safe=""))


def timing(wanted: Range, step: float, scrape_interval: float) -> dict[str, Value]:
    """Grafana's global variables for one query: `wanted` is its range, `step` its `$__interval`, all in seconds."""
    rate = rate_interval(step, scrape_interval)
    length = round(wanted.seconds)
    facts = {
        "__interval": written(step),
        "__interval_ms": str(round(step * 1000)),
        "__rate_interval": written(rate),
        "__rate_interval_ms": str(round(rate * 1000)),
        "__range": f"{length}s",
        "__range_s": str(length),
        "__range_ms": str(round(wanted.seconds * 1000)),
        "__from": str(round(wanted.start * 1000)),
        "__to": str(round(wanted.end * 1000)),
    }
    return {name: Value((value,), raw=True) for name, value in facts.items()}
