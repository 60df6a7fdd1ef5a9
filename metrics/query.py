"""Expressions that stay objects until they are rendered, for a panel or for a rule.

`for_panel()` uses Grafana's interval and the dashboard's variables; `for_rule()` a fixed window, no variables, and a
factor by which every window is multiplied (1, except under the profile of drills and tests). This is no PromQL library:
what the few helpers cannot say, `raw()` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metrics.durations import scaled, seconds

if TYPE_CHECKING:
    from metrics.model import Labels, Metric

RULE_WINDOW = "5m"
# Labels that every series of a target has: `compose/topology.py` sets cluster and instance, Prometheus sets job.
TARGET_LABELS = ("cluster", "job", "instance")
_MATCHES = ("=~", "!~", "!=")
# Durations in PromQL text: in a range, a subquery's range and step, an offset; not within string literals, which match first.
_DURATIONS = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?<=[\[:])\s*(\d[0-9a-z]*)(?=\s*[\]:])|(?<=offset )(\d[0-9a-z]*)"""
)
_LEADING_BY = re.compile(r"\s*\w+\s+by\s*\(([^)]*)\)")
_GROUPED = re.compile(r"\bgroup_(?:left|right)\s*(?:\(([^)]*)\))?")
_MATCHING = re.compile(r"\b(on|ignoring)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Target:
    """Where an expression is rendered for: its default window, its factor, and the labels every selector is scoped by."""

    window: str
    factor: float = 1.0
    scope: tuple[str, ...] = ()

    def duration(self, window: str) -> str:
        """A window as this target writes it: its own default when empty, multiplied when it is a fixed one."""
        wanted = window or self.window
        return wanted if wanted.startswith("$") else scaled(wanted, self.factor)


def quote(value: str) -> str:
    """A PromQL string literal."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Expr:
    """An expression. Arithmetic and comparison take numbers and expressions; `match` is `on(…)`, `ignoring(…)` and such."""

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        raise NotImplementedError

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps; target labels (cluster, job, instance) only where the expression names them."""
        raise NotImplementedError

    def for_panel(self, scope: tuple[str, ...] = ()) -> str:
        """PromQL for a dashboard whose variables are `scope`: each selector is narrowed to their values."""
        return self.render(Target("$__rate_interval", scope=scope))

    def for_rule(self, window: str = RULE_WINDOW, factor: float = 1.0) -> str:
        """PromQL for a rule: rates over `window`; every window is multiplied by `factor`."""
        return self.render(Target(window, factor))

    def __add__(self, other: Expr | float) -> Binary:
        return Binary("+", self, other)

    def __sub__(self, other: Expr | float) -> Binary:
        return Binary("-", self, other)

    def __rsub__(self, other: float) -> Binary:
        return Binary("-", other, self)

    def __mul__(self, other: Expr | float) -> Binary:
        return Binary("*", self, other)

    def __rmul__(self, other: float) -> Binary:
        return Binary("*", other, self)

    def __truediv__(self, other: Expr | float) -> Binary:
        return Binary("/", self, other)

    def compare(self, op: str, other: Expr | float, match: str = "") -> Binary:
        """A filter: `compare(">", 0)` keeps the series above 0."""
        return Binary(op, self, other, match)

    def binary(self, op: str, other: Expr | float, match: str) -> Binary:
        """Any binary operator with vector matching: `binary("*", x, "on(instance) group_left(nodename)")`."""
        return Binary(op, self, other, match)

    def sum(self, by: Labels = ()) -> Aggregate:
        """Sum over all labels but `by`."""
        return Aggregate("sum", self, by)

    def max(self, by: Labels = ()) -> Aggregate:
        """Largest over all labels but `by`."""
        return Aggregate("max", self, by)

    def min(self, by: Labels = ()) -> Aggregate:
        """Smallest over all labels but `by`."""
        return Aggregate("min", self, by)

    def avg(self, by: Labels = ()) -> Aggregate:
        """Mean over all labels but `by`."""
        return Aggregate("avg", self, by)

    def count(self, by: Labels = ()) -> Aggregate:
        """How many series per `by`."""
        return Aggregate("count", self, by)

    def without(self, op: str, *labels: str) -> Aggregate:
        """Aggregated by `op` over exactly `labels`, which go; all others stay."""
        return Aggregate(op, self, labels, "without")

    def topk(self, k: int | str) -> Function:
        """The k largest (a number or a dashboard variable)."""
        return Function("topk", (str(k), self))

    def apply(self, name: str, *args: str) -> Function:
        """Any function of one vector: `apply("clamp_min", "0")`."""
        return Function(name, (self, *args))


@dataclass(frozen=True)
class Selector(Expr):
    """Series of one metric, by label matchers."""

    metric: Metric | None
    name: str
    matchers: tuple[tuple[str, str], ...] = ()

    def where(self, **matchers: str) -> Selector:
        """The same, narrowed further."""
        return replace(self, matchers=(*self.matchers, *matchers.items()))

    def over(self, function: str, window: str, *args: str) -> Window:
        """A function of a range: `over("max_over_time", "1h")`, `over("predict_linear", "6h", "14400")`."""
        return Window(function, self, window, args)

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        own = self.metric.labels if self.metric else ()
        parts = [f'{label}=~"${label}"' for label in target.scope if label in TARGET_LABELS or label in own]
        for label, value in self.matchers:
            op = next((match for match in _MATCHES if value.startswith(match)), "")
            parts.append(f"{label}{op or '='}{quote(value.removeprefix(op))}")
        return self.name + ("{" + ", ".join(parts) + "}" if parts else "")

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        return self.metric.labels if self.metric else ()


@dataclass(frozen=True)
class Rate(Expr):
    """`rate` or `increase` of a counter's series; the default window is the target's."""

    function: str
    selector: Selector
    window: str = ""

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        return f"{self.function}({self.selector.render(target)}[{target.duration(self.window)}])"

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        return self.selector.labels


@dataclass(frozen=True)
class Window(Expr):
    """A function over a range of fixed length. `args` are numbers, or durations (`4h`): scaled, and written in seconds."""

    function: str
    selector: Selector
    window: str
    args: tuple[str, ...] = ()

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        inner = f"{self.selector.render(target)}[{scaled(self.window, target.factor)}]"
        args = [f"{seconds(arg) * target.factor:.15g}" if arg[-1:].isalpha() else arg for arg in self.args]
        if self.function == "quantile_over_time":
            return f"{self.function}({', '.join((*args, inner))})"
        return f"{self.function}({', '.join((inner, *args))})"

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        return self.selector.labels


@dataclass(frozen=True)
class Aggregate(Expr):
    """An aggregation by, or without, labels."""

    op: str
    inner: Expr
    by: Labels = ()
    keyword: str = "by"

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        clause = f" {self.keyword} ({', '.join(self.by)}) " if self.by or self.keyword == "without" else ""
        return f"{self.op}{clause}({self.inner.render(target)})"

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        if self.keyword == "without":
            return tuple(label for label in self.inner.labels if label not in self.by)
        return self.by


@dataclass(frozen=True)
class Function(Expr):
    """A function call; strings stand as they are."""

    name: str
    args: tuple[Expr | str, ...]

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        return f"{self.name}({', '.join(_operand(arg, target, wrap=False) for arg in self.args)})"

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        inner = next((arg.labels for arg in self.args if isinstance(arg, Expr)), ())
        return tuple(label for label in inner if label != "le") if self.name == "histogram_quantile" else inner


@dataclass(frozen=True)
class Binary(Expr):
    """A binary operation; nested ones are put in parentheses."""

    op: str
    left: Expr | float
    right: Expr | float
    match: str = ""

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        middle = f" {self.op} {self.match} " if self.match else f" {self.op} "
        return _operand(self.left, target) + middle + _operand(self.right, target)

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        sides = [side.labels for side in (self.left, self.right) if isinstance(side, Expr)]
        kept = sides[-1] if "group_right" in self.match else sides[0]
        grouped, listed = _GROUPED.search(self.match), _MATCHING.search(self.match)
        if grouped:
            return (*kept, *(label for label in _names(grouped[1]) if label not in kept))
        if len(sides) == 1 or not listed:
            return kept
        return tuple(label for label in kept if (label in _names(listed[2])) == (listed[1] == "on"))


@dataclass(frozen=True)
class Raw(Expr):
    """PromQL as it stands, for a panel and for a rule; `metrics` names what it reads, for the contract tests."""

    panel: str
    rule: str
    metrics: tuple[Metric, ...] = ()

    def render(self, target: Target) -> str:
        """PromQL for that target."""
        if target.window.startswith("$"):
            return self.panel
        return _DURATIONS.sub(lambda found: found[1] or scaled(found[2] or found[3], target.factor), self.rule)

    @property
    def labels(self) -> Labels:
        """The labels that its result keeps."""
        found = _LEADING_BY.match(self.rule)
        if not found:
            raise ValueError(f"{self.rule!r} hides its labels: begin it with an aggregation `by (…)`")
        return _names(found[1])


def raw(promql: str, *metrics: Metric, panel: str = "") -> Raw:
    """The way out: PromQL for rules, and for panels where that differs. Ranges, steps and offsets are multiplied."""
    return Raw(panel or promql, promql, metrics)


def _operand(value: Expr | float | str, target: Target, *, wrap: bool = True) -> str:
    if isinstance(value, Expr):
        text = value.render(target)
        return f"({text})" if wrap and isinstance(value, Binary | Raw) else text
    return value if isinstance(value, str) else f"{value:.15g}"


def _names(listed: str | None) -> Labels:
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())
