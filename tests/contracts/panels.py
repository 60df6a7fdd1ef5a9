"""What a panel's query must keep to: declared names, labels and values; its legend's labels; its dashboard's variables."""

from __future__ import annotations

import re

from dashboards.lint import CONSTANT_FALLBACK, VARIABLES
from tests.contracts.promql import UndeclaredError, labels, parse, selectors
from tests.contracts.rendered import Query

_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_USED = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::\w+)?\})")  # $1 is a group of a regular expression
# https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
_GLOBAL = {"__interval", "__interval_ms", "__rate_interval", "__rate_interval_ms", "__range", "__range_s", "__range_ms"}
# Labels by which a reader narrows a whole dashboard: a query that compares one with anything else ignores the choice.
_SCOPE = set(VARIABLES) - {"datasource", "job"}


def check(query: Query) -> None:
    """Raises UndeclaredError for what no declaration has, and for a constant in the place of missing data."""
    tree = parse(query.expr)
    result = labels(tree)
    _require(set(_LEGEND.findall(query.legend)) <= result, "the legend names a label that the result does not have")
    used = {found[0] or found[1] for found in _USED.findall(query.expr)}
    _require(used <= _GLOBAL | query.variables, f"variables {used - _GLOBAL - query.variables} are not the dashboard's")
    for selector in selectors(tree):
        for matcher in selector.matchers.matchers:
            own = matcher.name not in _SCOPE or matcher.value == f"${matcher.name}"
            _require(own, f"{selector.name} compares {matcher.name} with something else than the reader's choice")
    _require(not CONSTANT_FALLBACK.search(query.expr), "a constant hides that data are missing")


def _require(fine: bool, words: str) -> None:  # noqa: FBT001  # an assertion in one line
    if not fine:
        raise UndeclaredError(words)
