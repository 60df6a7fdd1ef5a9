"""What panels and alerts ask of the machine, PostgreSQL and Redis, and what of it Debian's exporters do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from alerts.model import site_alerts
from settings import Site
from tests.contracts.rendered import queries
from tests.live.compat.compare import reason
from tests.live.compat.peer import Peer

_VARIABLE = re.compile(r"\$\{?\w+(?::\w+)?\}?")
_RATE_WINDOW = re.compile(r"\$__(?:rate_interval|interval|range)\b")
_COMPARISON = re.compile(r" (?:[<>]=?|==|!=) [-+.\de]+")
DOMAINS = ("system", "postgres", "redis")  # as alerts/catalog has them


@dataclass(frozen=True)
class Asked:
    """A question of a panel, or an alert's expression without its threshold."""

    place: str
    expr: str

    def names(self, prefix: str) -> set[str]:
        """Its metrics that begin with the prefix."""
        return set(re.findall(rf"\b{prefix}\w+", self.expr))

    @property
    def plain(self) -> str:
        """The question with the variables of its dashboard filled in."""
        return _VARIABLE.sub(".*", _RATE_WINDOW.sub("20s", self.expr).replace("$top", "12"))

    @property
    def forms(self) -> tuple[str, ...]:
        """The question, and the same without what it compares with inside: on a healthy machine that may leave nothing."""
        return self.plain, _COMPARISON.sub("", self.plain)


def panels() -> list[Asked]:
    """Every question of every panel, also of those that ask none of the three."""
    return [Asked(query.place, query.expr) for query in queries()]


def alerts(site: Site) -> list[Asked]:
    """Both sides of the condition of every alert of the three domains: what is compared, and what must hold beside it."""
    found = []
    for alert in site_alerts(site):
        if alert.domain in DOMAINS:
            found.append(Asked(alert.name, replace(alert, threshold=None, guard=None).promql))
            if alert.guard is not None:
                found.append(Asked(alert.name, alert.guard.for_rule(factor=alert.factor)))
    return found


def untold(peer: Peer, asked: Asked) -> Iterator[tuple[str, str]]:
    """(metric, why) of what the question asks and no release tells, or not every one that Debian has."""
    for name in sorted(asked.names(peer.prefix)):
        if why := reason(peer.untold, name) or reason(peer.later, name):
            yield name, why


def exceptions(peer: Peer) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """By reason: the metrics, and the panels and alerts that go without them."""
    found: dict[str, tuple[list[str], list[str], list[str]]] = {}
    for kind, questions in ((1, panels()), (2, alerts(Site()))):
        for asked in questions:
            for name, why in untold(peer, asked):
                lists = found.setdefault(why, ([], [], []))
                for where, what in ((0, name), (kind, asked.place)):
                    if what not in lists[where]:
                        lists[where].append(what)
    return found
