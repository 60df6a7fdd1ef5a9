"""The variables of a dashboard: their options, and the value that an address chooses. Pure: answers come in as lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.preview.interpolate import ALL, Value
from dashboards.preview.model import Variable

_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(?P<selector>.+),)?\s*(?P<label>[a-zA-Z_]\w*)\s*\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((?P<expr>.+)\)\s*", re.DOTALL)
_MOST_OPTIONS = 1_000


@dataclass(frozen=True)
class Question:
    """What Prometheus must be asked for a variable's options: label values (of a selector's series), or a query's result."""

    label: str = ""
    selector: str = ""
    expr: str = ""


@dataclass(frozen=True)
class Choice:
    """A variable with its options and its value, ready for a page; `problems` are sentences for the reader."""

    variable: Variable
    options: tuple[tuple[str, str], ...] = ()  # (value, text)
    selected: tuple[str, ...] = ()
    value: Value = field(default_factory=lambda: Value(("",)))
    problems: tuple[str, ...] = ()


def question(query: str) -> Question:
    """What a query variable's (already interpolated) text asks for.

    Raises ValueError for a function that is not known here.
    """
    query = query.strip()
    if found := _LABEL_VALUES.fullmatch(query):
        return Question(label=found["label"], selector=(found["selector"] or "").strip())
    if found := _QUERY_RESULT.fullmatch(query):
        return Question(expr=found["expr"].strip())
    raise ValueError(f"the query {query!r} is none of label_values(…), query_result(…)")


def refined(found: Sequence[str], regex: str, sort: int) -> list[str]:
    """Options after the variable's regex (its first group, if it has one) and sort order (Grafana's numbers)."""
    wanted = list(found)
    if regex:
        pattern = _pattern(regex)
        wanted = [_captured(match) for item in wanted if (match := pattern.search(item))]
    wanted = list(dict.fromkeys(wanted))
    if sort in (1, 2):
        wanted.sort(reverse=sort == 2)
    elif sort in (3, 4):
        wanted.sort(key=_number, reverse=sort == 4)
    elif sort in (5, 6):
        wanted.sort(key=str.casefold, reverse=sort == 6)
    return wanted[:_MOST_OPTIONS]


def _captured(match: re.Match[str]) -> str:
    return match.groupdict().get("value") or next((group for group in match.groups() if group is not None), match[0])


def _pattern(regex: str) -> re.Pattern[str]:
    """Grafana writes `/…/flags`, in JavaScript's form; its named groups lack Python's P."""
    found = re.fullmatch(r"/(.*)/(\w*)", regex, re.DOTALL)
    body, flags = (found[1], found[2]) if found else (regex, "")
    try:
        return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", body), re.IGNORECASE if "i" in flags else 0)
    except re.error as error:
        raise ValueError(f"its regex {regex!r} is wrong: {error}") from error


def _number(item: str) -> float:
    found = re.search(r"\d+(?:\.\d+)?", item)
    return float(found[0]) if found else -1.0


def fixed_options(variable: Variable, source: str) -> list[tuple[str, str]]:
    """The options of a variable that asks nobody: (value, text) pairs. `source` names the one data source there is."""
    if variable.type == "datasource":
        return [(source, source)]
    if variable.type in ("custom", "interval"):
        pieces = re.findall(r"(?:\\,|[^,])+", variable.query_text)
        return [_pair(piece.replace("\\,", ",").strip()) for piece in pieces if piece.strip()]
    if variable.type in ("constant", "textbox"):
        return [(variable.query_text, variable.query_text)]
    return []


def _pair(piece: str) -> tuple[str, str]:
    text, colon, value = piece.partition(" : ")
    return (value.strip(), text.strip()) if colon else (piece, piece)


def choose(variable: Variable, options: Sequence[tuple[str, str]], given: Sequence[str], *, sure: bool = True) -> Choice:
    """The value that `given` (from an address; empty: none) chooses among `options`.

    An unknown value is told and kept out, unless it cannot be known (`sure` is false: the options could not be asked for).
    """
    known = dict(options)
    problems = []
    wanted = [ALL if item in (ALL, "All") and variable.include_all else item for item in given]
    free = variable.type == "textbox" or not sure
    if unknown := [item for item in wanted if item != ALL and item not in known and not free]:
        problems.append(f"{variable.label or variable.name}: {', '.join(map(repr, unknown))} is not among its values")
        wanted = [item for item in wanted if item not in unknown]
    if len(wanted) > 1 and not variable.multi:
        problems.append(f"{variable.label or variable.name}: takes one value, so {wanted[0]!r} is shown")
        wanted = wanted[:1]
    selected = tuple(wanted) or _default(variable, known, sure=sure)
    return Choice(variable, tuple(options), selected, _value(variable, selected, known), tuple(problems))


def _default(variable: Variable, known: dict[str, str], *, sure: bool) -> tuple[str, ...]:
    saved = variable.current.get("value")
    wanted = [str(item) for item in (saved if isinstance(saved, list) else [saved] if saved is not None else [])]
    if ALL in wanted and variable.include_all:
        return (ALL,)
    kept = tuple(item for item in wanted if item in known or (not sure and item) or variable.type == "textbox")
    if kept:
        return kept if variable.multi else kept[:1]
    if known:
        return (next(iter(known)),) if not variable.include_all else (ALL,)
    return (ALL,) if variable.include_all else ()


def _value(variable: Variable, selected: tuple[str, ...], known: dict[str, str]) -> Value:
    regex = variable.multi or variable.include_all
    if ALL in selected:
        if variable.all_value:
            return Value((variable.all_value,), raw=True, text="All")
        # Without options (Prometheus did not tell them) All must match everything rather than nothing.
        return Value(tuple(known), regex=True, text="All") if known else Value((".*",), raw=True, text="All")
    return Value(selected or ("",), regex=regex, text=" + ".join(known.get(item, item) for item in selected))


def for_page(choice: Choice) -> dict[str, Any]:
    """A variable as the page's script takes it."""
    variable = choice.variable
    return {
        "name": variable.name, "label": variable.label or variable.name, "type": variable.type, "multi": variable.multi,
        "all": variable.include_all, "hidden": variable.hide == 2 or variable.type in ("constant", "datasource"),
        "options": [list(option) for option in choice.options], "selected": list(choice.selected),
        "description": variable.description or "",
    }  # fmt: skip
