"""Names, labels and values of an exporter of ours against those of the standard one, on the same thing at the same time.

The standard one is read before and after ours: a counter of ours lies between its two readings; a gauge within a tenth of
them, in one of some rounds (gauges move meanwhile).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from metrics.model import Counter
from tests.exporters.servers import Series, series
from tests.live.compat.peer import Peer

ROUNDS = 6
Labels = tuple[tuple[str, str], ...]


@dataclass
class Row:
    """One of their names: whether ours has it, with which labels, and what is wrong with the values."""

    name: str
    present: bool = False
    labels_equal: bool = False
    compared: int = 0
    wrong: dict[Labels, str] = field(default_factory=dict)
    lacking: list[Labels] = field(default_factory=list)

    @property
    def matches(self) -> bool:
        """Name and labels are ours too."""
        return self.present and self.labels_equal


def compare(peer: Peer) -> list[Row]:
    """All of their names that begin with the peer's prefix."""
    rows: dict[str, Row] = {}
    with peer.pair() as (left, right):
        for _ in range(ROUNDS):
            before, mine, after = (series(server.text()) for server in (right, left, right))
            for name in sorted(set(before) & set(after)):
                if name.startswith(peer.prefix):
                    _Reading(peer, before, mine, after).fill(rows.setdefault(name, Row(name)))
    return list(rows.values())


def reason(reasons: Mapping[str, str], name: str) -> str:
    """The text of the first pattern that matches the name; empty without one."""
    return next((text for pattern, text in reasons.items() if re.fullmatch(pattern, name)), "")


@dataclass(frozen=True)
class _Reading:
    """Theirs, ours, theirs again."""

    peer: Peer
    before: Series
    mine: Series
    after: Series

    def fill(self, row: Row) -> None:
        peer = self.peer
        own_name = peer.renamed.get(row.name, row.name)
        own, before, after = self.mine.get(own_name, {}), self.before[row.name], self.after[row.name]
        first = not row.compared
        row.present = bool(own)
        row.labels_equal = self._labels_fit(own_name, own, before)
        stripped = {self._key(labels): value for labels, value in own.items()}
        counter = any(isinstance(metric, Counter) and metric.name == own_name for metric in peer.metrics)
        for labels in before.keys() & after.keys():
            key = self._key(labels)
            if key not in stripped:
                if first and not self._left_out(labels) and labels not in row.lacking:
                    row.lacking.append(labels)
                continue
            row.compared += first
            low, high = sorted((before[labels], after[labels]))
            said = self._verdict(row.name, low, stripped[key], high, counter=counter)
            if counter:
                if said:  # a counter that is wrong once is wrong
                    row.wrong[labels] = said
            elif not said:
                row.wrong[labels] = ""  # right once
            elif row.wrong.get(labels) != "":
                row.wrong[labels] = said

    def _labels_fit(self, name: str, own: Mapping[Labels, float], theirs: Mapping[Labels, float]) -> bool:
        """Whether a selector by any of their labels finds ours: a label that is declared and empty is there."""
        declared = {label for metric in self.peer.metrics if metric.name == name for label in metric.labels}
        ours, wanted = _label_names(own), _label_names(theirs) - self.peer.old_labels
        return ours - self.peer.new_labels <= wanted | declared and wanted - self.peer.new_labels <= ours | declared

    def _key(self, labels: Labels) -> Labels:
        return tuple(pair for pair in labels if pair[0] not in self.peer.new_labels | self.peer.old_labels)

    def _left_out(self, labels: Labels) -> bool:
        return any(f"{name}={value}".startswith(tuple(self.peer.elsewhere)) for name, value in labels)

    def _verdict(self, name: str, low: float, value: float, high: float, *, counter: bool) -> str:
        """Empty when the value fits between or near the two; what is wrong otherwise."""
        if reason(self.peer.uncompared, name):
            return ""
        if math.isnan(low) or math.isnan(value):
            return "" if math.isnan(low) == math.isnan(value) else f"{value} is not {low}"
        exact = next((slack for pattern, slack in self.peer.slack.items() if re.fullmatch(pattern, name)), None)
        if counter or exact is not None:
            slack = 1e-6 * abs(high) if exact is None else exact
        else:
            slack = 0.1 * max(abs(low), abs(high), 10 if float(high).is_integer() and abs(high) < 100 else 0)
        return "" if low - slack <= value <= high + slack else f"{value} is not between {low} and {high}"


def _label_names(values: Mapping[Labels, float]) -> set[str]:
    return {name for labels in values for name, _ in labels}


def share(rows: list[Row]) -> float:
    """Of their names, the part that is ours with equal label names (0 to 1)."""
    return sum(row.matches for row in rows) / len(rows)


def wrong(rows: list[Row]) -> list[str]:
    """Every value that does not fit, in words."""
    return [f"{row.name}{dict(labels)}: {said}" for row in rows for labels, said in row.wrong.items() if said]


def unexplained(peer: Peer, rows: list[Row]) -> Iterator[str]:
    """Names that ours has not, or not with their labels, and that have no reason."""
    return (row.name for row in rows if not row.matches and not reason(peer.missing, row.name))


def lacking(peer: Peer, rows: list[Row]) -> dict[str, list[Labels]]:
    """Series of shared names that ours has not and whose absence has no reason."""
    found = {row.name: row.lacking for row in rows if row.matches and row.lacking}
    return {name: series for name, series in found.items() if not reason(peer.uncompared, name)}
