"""How many series a query can give by default: of more than 12 lines or bars a person tells none from another.

What a declaration closes counts its values; a few others have a vocabulary of their own that is short. Any other label, that of
the machine too, has as many values as the world likes, and needs `topk`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from dashboards import top
from metrics import analysis, catalog

MAX_SERIES = top.DEFAULT
_ONE = {"cluster", "__name__"}  # an appliance watches one cluster
# Short vocabularies that no declaration closes, because another program, or site.yaml, has the last word.
_FEW = {
    "mode": 8, "direction": 2, "state": 6, "phase": 6, "bound": 2, "of": 2, "layer": 4, "generation": 3, "severity": 3,
    "alertstate": 2, "code": 5, "by": 2, "kind": 6, "task": 3, "room": 4, "domain": 6, "integration": 3, "window": 1,
    "model": len(analysis.MODELS), "job": 1,
}  # fmt: skip
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CAP = re.compile(r"\b(?:topk|bottomk)\s*\(\s*(\d+|\$top)\s*(?:/\s*(\d+)\s*)?,")
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def capped_at(expr: str) -> float:
    """The number in an expression's `topk` or `bottomk`, the default one of a variable; infinite without one."""
    found = ((MAX_SERIES if cap == "$top" else int(cap)) // int(shared or 1) for cap, shared in _CAP.findall(expr))
    return min(map(float, found), default=math.inf)


def most(expr: str, labels: Iterable[str]) -> float:
    """The largest number of series, that an expression with these labels can give; infinite when open."""
    words = dict.fromkeys(_WORD.findall(_STRING.sub('""', expr)))
    closed = [metric.closed for word in words if (metric := catalog.find(word))]
    product = 1.0
    for label in set(labels) - _ONE:
        sizes = [len(values[label]) for values in closed if label in values]
        product *= min(sizes) if sizes else _FEW.get(label, math.inf)
    return min(product, capped_at(expr))


def named(legend: str) -> list[str]:
    """The labels that a legend tells series apart by."""
    return _PLACEHOLDER.findall(legend)
