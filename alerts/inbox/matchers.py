"""Alertmanager's matchers as a person writes them: `alertname="HighCPUUsage", instance=~"web-.+"`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2
from msgspec import Struct, field

# What Alertmanager itself runs: a pattern takes time by the text's length alone. By Python's, `(a+)+$` held up every delivery.
_RE2 = re2.Options()
_RE2.dot_nl, _RE2.log_errors, _RE2.max_mem = True, False, 1 << 20
_ONE = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}]+))\s*')
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class BadMatchersError(ValueError):
    """The text is no list of matchers; it says where and what is allowed."""


class Matcher(Struct, frozen=True, rename="camel"):
    """One condition on a label, as Alertmanager's API v2 has it."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = field(default=True)

    @property
    def operator(self) -> str:
        """`=`, `!=`, `=~` or `!~`."""
        return {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}[self.is_equal, self.is_regex]

    def __str__(self) -> str:
        """As a person writes it."""
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{value}"'

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` fulfil it; a missing label is an empty one. A pattern that is none fits nothing."""
        value = labels.get(self.name, "")
        if not self.is_regex:
            return (value == self.value) is self.is_equal
        try:
            return bool(_pattern(self.value).fullmatch(value)) is self.is_equal
        except (re2.error, UnicodeEncodeError):
            return False


@lru_cache(256)
def _pattern(text: str) -> Any:
    """Raises re2.error for what is no pattern, or too large a one."""
    return re2.compile(text, _RE2)


def parse(text: str) -> list[Matcher]:
    """The matchers in `text`, separated by commas or line ends, braces around them allowed. Raises BadMatchersError."""
    rest = text.strip().removeprefix("{").removesuffix("}").strip()
    found: list[Matcher] = []
    while rest:
        one = _ONE.match(rest)
        if not one:
            forms = 'label="value", label!="value", label=~"regex" or label!~"regex"'
            raise BadMatchersError(f"cannot read {rest[:40]!r}: write {forms}")
        name, operator, quoted, bare = one.groups()
        value = bare if quoted is None else re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), quoted)
        found.append(Matcher(name, value, operator.endswith("~"), not operator.startswith("!")))
        rest = rest[one.end() :].removeprefix(",").strip()
    if not any(matcher.is_equal and matcher.value and not _fits_empty(matcher) for matcher in found):
        raise BadMatchersError("name at least one label with a value: a silence of everything is refused")
    return found


def _fits_empty(matcher: Matcher) -> bool:
    return matcher.is_regex and matcher.accepts({})


def text(matchers: Iterable[Matcher]) -> str:
    """The matchers as `parse` reads them."""
    return ", ".join(str(matcher) for matcher in matchers)


def fit(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether all of them accept `labels`."""
    return all(matcher.accepts(labels) for matcher in matchers)
