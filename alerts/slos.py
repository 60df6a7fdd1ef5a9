"""Recording rules of objectives: what a site promises, and the events that are good and bad. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from metrics import slo
from metrics.query import Expr, raw
from metrics.slo import Slo
from metrics.slo_signals import BAD, BUDGET, EVERY, OBJECTIVE, TOTAL
from settings import Site


class Rule(NamedTuple):
    """One recording rule, with the labels that it adds and its interval."""

    record: str
    expr: Expr
    labels: tuple[tuple[str, str], ...]
    every: str = EVERY


def rules(domain: str, site: Site) -> tuple[Rule, ...]:
    """The rules that stand before those of the domain's signals: of the domain `slo`, four an objective; of others, none."""
    return tuple(rule for one in slo.SLOS for rule in _of(one, site)) if domain == "slo" else ()


def _of(one: Slo, site: Site) -> Iterator[Rule]:
    percent = site.slos.objective(one.name)
    own = (("slo", one.name),)
    constant = (("cluster", site.cluster), *own)  # as the series that these are compared with have it
    yield Rule(OBJECTIVE.name, raw(f"vector({percent / 100:.12g})"), constant)
    yield Rule(BUDGET.name, raw(f"vector({(100 - percent) / 100:.12g})"), constant)
    yield Rule(BAD.name, one.bad, own)
    yield Rule(TOTAL.name, one.total, own)
