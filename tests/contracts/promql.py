"""What an expression reads, by promql-parser's tree: its metrics and labels against the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql

from metrics import bus, catalog, stack
from metrics.model import Histogram, Metric
from metrics.query import TARGET_LABELS

_TARGET = frozenset(TARGET_LABELS)
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_INTERVAL = re.compile(r"\$__(?:rate_interval|interval|range)\b|\$\{__\w+\}")
_VARIABLE = re.compile(r"\$\w+|\$\{\w+(?::\w+)?\}")
_WORD = re.compile(r"[\w-]*")
PATTERNS = {"MatchOp.Re", "MatchOp.NotRe"}
# Labels whose values are known whatever the metric.
_CLOSED = {"job": stack.JOBS, "alertstate": ("pending", "firing"), "severity": stack.SEVERITIES}
_ADDS_LABEL = {"label_replace", "label_join"}


class UndeclaredError(AssertionError):
    """An expression uses a name or a label that no declaration has."""


def parse(expression: str) -> Any:
    """The tree of a panel's or a rule's expression; dashboard variables outside strings become numbers or durations."""
    strings: list[str] = []

    def keep(found: re.Match[str]) -> str:
        strings.append(found[0])
        return f'"{len(strings) - 1}"'

    text = _VARIABLE.sub("5", _INTERVAL.sub("5m", _STRING.sub(keep, expression)))
    return promql.parse(_STRING.sub(lambda found: strings[int(found[0][1:-1])], text))


def metrics_of(expression: str) -> set[Metric]:
    """The declared metrics that an expression reads. Raises UndeclaredError for a name that is none."""
    return {declared(selector.name) for selector in selectors(parse(expression))}


def declared(name: str) -> Metric:
    """The metric that has a series of this name. Raises UndeclaredError when there is none."""
    metric = catalog.find(name)
    if metric is None or name not in metric.series:
        raise UndeclaredError(f"{name} is no declared series")
    return metric


def selectors(node: Any) -> Iterator[Any]:
    """Every vector selector below a node."""
    if isinstance(node, promql.VectorSelector):
        yield node
    elif isinstance(node, promql.MatrixSelector):
        yield node.vector_selector
    for child in _children(node):
        yield from selectors(child)


def _children(node: Any) -> list[Any]:
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.Call):
        return list(node.args)
    if isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.SubqueryExpr | promql.UnaryExpr):
        return [node.expr]
    return []


def labels(node: Any) -> frozenset[str]:
    """The labels that the result may have; every label that the expression names on the way is checked.

    Raises UndeclaredError for one that is not there to be matched, grouped or joined by.
    """
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, promql.VectorSelector):
        return _of_selector(node)
    if isinstance(node, promql.AggregateExpr):
        return _of_aggregation(node)
    if isinstance(node, promql.BinaryExpr):
        return _of_binary(node)
    if isinstance(node, promql.Call):
        return _of_call(node)
    return frozenset().union(*(labels(child) for child in _children(node)))


def _of_selector(selector: Any) -> frozenset[str]:
    metric = declared(selector.name)
    own = frozenset(metric.labels) | _TARGET | ({catalog.WORKER_LABEL} if metric in bus.METRICS else set())
    if isinstance(metric, Histogram) and selector.name.endswith("_bucket"):
        own |= {"le"}
    for matcher in selector.matchers.matchers:
        _require({matcher.name}, own, f"{selector.name} matches")
        known = _CLOSED.get(matcher.name) or metric.closed.get(matcher.name)
        if known:
            _require(_compared(matcher), known, f"{selector.name} matches {matcher.name}")
    return own


def _compared(matcher: Any) -> set[str]:
    """The values that a matcher names, as far as it names them: a pattern that is more than a list of words names none."""
    listed = set(matcher.value.split("|")) if str(matcher.op) in PATTERNS else {matcher.value}
    return listed - {""} if all(_WORD.fullmatch(value) for value in listed) else set()


def _of_aggregation(node: Any) -> frozenset[str]:
    inner = labels(node.expr)
    if node.modifier is None:
        return frozenset() if str(node.op) not in {"topk", "bottomk"} else inner
    named = frozenset(node.modifier.labels)
    _require(named, inner, "an aggregation names")
    return named if node.modifier.type == promql.AggModifierType.By else inner - named


def _of_binary(node: Any) -> frozenset[str]:
    left, right = labels(node.lhs), labels(node.rhs)
    modifier = node.modifier
    matching = modifier.matching if modifier else None
    if matching is None:
        return left or right
    named = frozenset(matching.labels)
    included = matching.type == promql.LabelModifierType.Include
    for side in (left, right) if included else (left | right,):
        _require(named, side, "a join is on")
    if str(node.op) in {"and", "or", "unless"}:
        return left | right if str(node.op) == "or" else left
    grouped = frozenset(modifier.group_labels or ())
    if modifier.card == promql.VectorMatchCardinality.ManyToOne:
        _require(grouped, right, "group_left adds")
        return left | grouped
    if modifier.card == promql.VectorMatchCardinality.OneToMany:
        _require(grouped, left, "group_right adds")
        return right | grouped
    return left & named if included else left - named


def _of_call(node: Any) -> frozenset[str]:
    name = node.func.name
    if name in {"absent", "absent_over_time"}:
        return frozenset(
            matcher.name
            for selector in selectors(node)
            if _of_selector(selector)
            for matcher in selector.matchers.matchers
            if str(matcher.op) == "MatchOp.Equal"
        )
    found = frozenset().union(*(labels(argument) for argument in node.args))
    if name in _ADDS_LABEL:
        texts = [argument.val for argument in node.args if isinstance(argument, promql.StringLiteral)]
        _require({texts[2]} if name == "label_replace" else set(texts[2:]), found, f"{name} reads")
        return found | {texts[0]}
    return found - {"le"} if name == "histogram_quantile" else found


def _require(named: set[str] | frozenset[str], known: frozenset[str] | tuple[str, ...], what: str) -> None:
    missing = sorted(set(named) - set(known))
    if missing:
        raise UndeclaredError(f"{what} {', '.join(missing)}; there is {', '.join(sorted(known)) or 'nothing'}")
