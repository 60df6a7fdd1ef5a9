"""A subscription as a client sees it: what was handed out, what is lost, where to resume. Pure; `/client.js` decides the same.

A client has lost something if and only if a message's `prev` is above all that it was told of: the last number it handed out,
the number of its initial data, the numbers named in gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Message = Mapping[str, Any]


class Step(NamedTuple):
    """What a message means for the one who follows.

    "hand-out": it is news (initial data, or data that comes in order); "gap": numbers that never come; "repair": something was
    lost and can be asked for again by `request()`; "ignore": it was handed out before, or will come again.
    """

    kind: Literal["hand-out", "gap", "repair", "ignore"]


HAND_OUT, GAP, REPAIR, IGNORE = Step("hand-out"), Step("gap"), Step("repair"), Step("ignore")


@dataclass
class Following:
    """One room with one client's filters; `last` is the greatest number handed out, or included in initial data; -1: none."""

    room: str
    filters: Message | None = None
    epoch: str | None = None
    last: int = -1
    _known: int = field(default=-1, repr=False)
    _replays: int = field(default=0, repr=False)
    _latest: int = field(default=-1, repr=False)
    _repairing: bool = field(default=False, repr=False)

    def request(self) -> dict[str, Any]:
        """The `subscribe` message that begins, or goes on where this stands."""
        message: dict[str, Any] = {"type": "subscribe", "room": self.room}
        if self.filters:
            message["filters"] = dict(self.filters)
        if self.epoch is not None and self.last >= 0:
            message |= {"after": self.last, "epoch": self.epoch}
        return message

    def take(self, message: Message) -> Step:
        """What the next message of this room means. Raises KeyError for a message that lacks a field of its type."""
        kind = message["type"]
        if kind == "data":
            return self._data(message)
        if kind == "initial-data":
            self.epoch, self.last = message["epoch"], message["seq"]
            self._known, self._replays, self._repairing = self.last, 0, False
            return HAND_OUT
        if kind == "gap":
            if message["reason"] == "epoch":
                self.epoch = None  # initial data follows, in a numbering of its own
            self._known = max(self._known, message["to"])
            return GAP
        if kind == "subscription":
            self._subscribed(message)
        return IGNORE

    def _subscribed(self, message: Message) -> None:
        self._repairing = False
        self._replays, self._latest = message.get("resumed", 0), message["seq"]
        if message["epoch"] == self.epoch and self.last >= 0 and not self._replays:
            self.last = self._known = max(self.last, self._latest)

    def _data(self, message: Message) -> Step:
        same = message["epoch"] == self.epoch
        if self._repairing or (same and message["seq"] <= self.last):
            return IGNORE
        if not same or message["prev"] > max(self.last, self._known):
            self._repairing = True
            return REPAIR
        self.last = message["seq"]
        if self._replays:
            self._replays -= 1
            if not self._replays:
                self._known = max(self._known, self._latest)
        return HAND_OUT
