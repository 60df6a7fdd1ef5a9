"""The cut to the worst lines: how many, the reader says by the variable `top`; which, is chosen once for the whole range.

`topk` alone chooses anew at every step, so that a range of a fleet shows dozens of lines. Here each series is ranked by its
extreme within the range, at the very steps that are drawn, and the ranking is asked for once (`@ end()`): it costs what the
lines themselves cost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from metrics.model import Labels
from metrics.query import Aggregate, Binary, Expr, Function, Rate, Raw, Selector, Target, Window

VARIABLE = "top"
CHOICES = (6, 12, 25, 50)
DEFAULT = 12
MOST_QUERIES = CHOICES[0]  # of a panel that is cut: each keeps a line of the least choice
CUTS = ("topk", "bottomk")
# Labels that every target has one of, and workers of one target: as many as the site likes.
OPEN = ("instance", "worker")
_ONCE = re.compile(r"\band (?:topk|bottomk)\(\$top\b.*@ end\(\)\)\)$", re.DOTALL)
_BY_NUMBER = re.compile(r"\b(?:topk|bottomk)\s*\(\s*\d")
_ANY = re.compile(r"\b(?:topk|bottomk)\s*\(")


@dataclass(frozen=True)
class Top(Expr):
    """The `op` (topk, bottomk) of an expression, for one of `queries` that share a panel; `instant` where there is no range."""

    op: str
    inner: Expr
    queries: int = 1
    instant: bool = False

    def render(self, target: Target) -> str:
        """PromQL for a panel: rules know no reader."""
        text = self.inner.render(target)
        many = f"${VARIABLE}" if self.queries == 1 else f"${VARIABLE} / {self.queries}"
        if self.instant:
            return f"{self.op}({many}, {text})"
        whole = f"({text})" if isinstance(self.inner, Binary | Raw) else text
        extreme = "max_over_time" if self.op == "topk" else "min_over_time"
        return f"{whole} and {self.op}({many}, {extreme}(({text})[$__range:$__interval] @ end()))"

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        return self.inner.labels


def kept(expr: Expr) -> frozenset[str]:
    """Those of the open labels that tell an expression's series apart though no declaration names them."""
    if isinstance(expr, Selector | Rate | Window):
        return frozenset({"instance"})
    if isinstance(expr, Aggregate):
        inner = kept(expr.inner)
        return inner - set(expr.by) if expr.keyword == "without" else frozenset(expr.by) & frozenset(OPEN)
    if isinstance(expr, Function):
        return next((kept(arg) for arg in expr.args if isinstance(arg, Expr)), frozenset())
    if isinstance(expr, Binary):
        return _of_binary(expr)
    return frozenset(expr.labels) & frozenset(OPEN) if isinstance(expr, Raw) else frozenset()


def _of_binary(expr: Binary) -> frozenset[str]:
    sides = [kept(side) for side in (expr.left, expr.right) if isinstance(side, Expr)]
    if "group_right" in expr.match:
        return sides[-1]
    listed = re.match(r"on\s*\(([^)]*)\)", expr.match)
    if listed and "group_left" not in expr.match and expr.op not in ("and", "or", "unless"):
        return sides[0] & {name.strip() for name in listed[1].split(",")}
    return sides[0] or sides[-1]  # time() on the left is a scalar


def wrong(expr: str, *, instant: bool) -> str:
    """What is wrong with an expression's cut; empty when nothing is, or it has none."""
    if _BY_NUMBER.search(expr):
        return f"is cut by a number: give the reader ${VARIABLE}"
    if not instant and _ANY.search(expr) and not _ONCE.search(expr):
        once = f"and topk(${VARIABLE}, max_over_time((…)[$__range:$__interval] @ end()))"
        return f"chooses its lines anew at each step: rank once, `{once}`"
    return ""
