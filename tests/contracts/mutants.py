"""Every way in which one word of a query can be wrong: a metric or a label renamed, a matcher's value changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["metric", "label", "value"]
RENAMED = "_renamed"
NO_VALUE = "no-such-value"
_TOKEN = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\$\{[^}]*\}|\$\w+(?::\$\w+)?|[a-zA-Z_:][\w:]*"
    r"|\d[\w.]*(?::\d[\w.]*)?|\S"  # a subquery's range and step are one word
)
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _LISTS | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


class Mutant(NamedTuple):
    """A query with one word changed: which kind of word, which one, and the whole expression."""

    kind: Kind
    word: str
    expr: str


def mutants(expr: str) -> Iterator[Mutant]:
    """A query's mutants, one for every metric, label and matcher's value that it names."""
    for kind, found in _words(expr):
        mark = found[0][0] if kind == "value" else ""
        changed = mark + NO_VALUE + mark if kind == "value" else found[0] + RENAMED
        yield Mutant(kind, found[0], expr[: found.start()] + changed + expr[found.end() :])


def _words(expr: str) -> Iterator[tuple[Kind, re.Match[str]]]:
    tokens = list(_TOKEN.finditer(expr))
    within = ""  # "{" among matchers, "(" among the labels of a list
    for place, token in enumerate(tokens):
        before = tokens[place - 1][0] if place else ""
        after = tokens[place + 1][0] if place + 1 < len(tokens) else ""
        if token[0] == "{" or (token[0] == "(" and before in _LISTS):
            within = token[0]
        elif within and token[0] == ("}" if within == "{" else ")"):
            within = ""
        elif within == "{" and token[0][0] in "\"'":
            yield "value", token
        elif _NAME.fullmatch(token[0]):
            if within:
                yield "label", token
            elif token[0].lower() not in _WORDS and after != "(" and after not in _LISTS:
                yield "metric", token
