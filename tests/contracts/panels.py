"""What a panel's query must keep to: declared names, labels and values; its legend's labels; its dashboard's variables."""

from __future__ import annotations

import importlib
import pkgutil
import re

import metrics
from dashboards.lint import CONSTANT_FALLBACK
from metrics import catalog
from tests.contracts.promql import PATTERNS, UndeclaredError, declared, labels, parse, selectors
from tests.contracts.rendered import Query

_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_USED = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::\w+)?\})")  # $1 is a group of a regular expression
# https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
_GLOBAL = {"__interval", "__interval_ms", "__rate_interval", "__rate_interval_ms", "__range", "__range_s", "__range_ms"}
# All other variables narrow a whole dashboard: a query that compares their label with anything else ignores the choice, unless
# the declaration closes its values.
_LITERAL = {"datasource", "job"}


def _patterns() -> set[str]:
    """The regular expressions that the declarations give a name, such as that of disks which are none."""
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(metrics.__path__, "metrics.")]
    texts = {value for module in modules for value in vars(module).values() if isinstance(value, str)}
    return {text[2:] for text in texts if text[:2] in ("=~", "!~")}


_KNOWN = _patterns()


def check(query: Query) -> None:
    """Raises UndeclaredError for what no declaration has, and for a constant in the place of missing data."""
    tree = parse(query.expr)
    result = labels(tree)
    _require(set(_LEGEND.findall(query.legend)) <= result, "the legend names a label that the result does not have")
    used = {found[0] or found[1] for found in _USED.findall(query.expr)}
    _require(used <= _GLOBAL | query.variables, f"variables {used - _GLOBAL - query.variables} are not the dashboard's")
    for selector in selectors(tree):
        for matcher in selector.matchers.matchers:
            free = matcher.name not in query.variables - _LITERAL or matcher.name in declared(selector.name).closed
            own = free or matcher.value == f"${matcher.name}"
            _require(own, f"{selector.name} compares {matcher.name} with something else than the reader's choice")
            known = catalog.find(selector.name)
            open_pattern = str(matcher.op) in PATTERNS and not (known and matcher.name in known.closed)
            fine = not open_pattern or matcher.value.startswith("$") or matcher.value in _KNOWN
            _require(fine, f"no declaration names the pattern {matcher.value!r}")
    _require(not CONSTANT_FALLBACK.search(query.expr), "a constant hides that data are missing")


def _require(fine: bool, words: str) -> None:  # noqa: FBT001  # an assertion in one line
    if not fine:
        raise UndeclaredError(words)
