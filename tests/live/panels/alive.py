"""Whether each word of a query does something on the running stack: a selector finds series, an exclusion excludes some.

An answer alone does not tell: `a or b` has data when `b` has none, and nobody misses the device that was to be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.appliance import Appliance
from tests.contracts.promql import parse, selectors

_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
_SPAN = "5m"


class Alive:
    """Asks one appliance, each question once."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._known: dict[str, bool] = {}

    def idle(self, expr: str) -> list[str]:
        """The selectors of a query (its variables put in) that find nothing, and the exclusions that exclude nothing."""
        return [asked for asked in questions(expr) if not self._finds(asked)]

    def _finds(self, selector: str) -> bool:
        if selector not in self._known:
            self._known[selector] = bool(self._appliance.query(f"count(count_over_time({selector}[{_SPAN}]))"))
        return self._known[selector]


def questions(expr: str) -> Iterator[str]:
    """What must be there for a query to mean something: each selector's series, and those that each of its exclusions drops."""
    for selector in selectors(parse(expr)):
        matchers = [(one.name, _OPERATORS[str(one.op)], one.value) for one in selector.matchers.matchers]
        yield _text(selector, matchers)
        for place, (label, operator, value) in enumerate(matchers):
            # What a declared pattern leaves out (loop devices, say) need not be on every machine: the contract knows patterns.
            if operator == "!=":
                dropped = (label, "=", value)
                yield _text(selector, [dropped if index == place else one for index, one in enumerate(matchers)])


def _text(selector: Any, matchers: list[tuple[str, str, str]]) -> str:
    inner = ", ".join(f"{label}{operator}{_quoted(value)}" for label, operator, value in matchers)
    return f"{selector.name}{{{inner}}}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
