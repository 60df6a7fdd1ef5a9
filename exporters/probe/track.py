"""What one room's messages tell a client about loss. Pure: messages in, findings out.

The rule is the protocol's (docs/guides/websocket.md, Notice loss): something was lost if and only if a message's `prev` is above
all that the client was told of. It is written down here a second time on purpose: a client that shared the server's code
would share its mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from metrics.probe import HOLE
from metrics.websocket import GAP_REASONS


class Finding(NamedTuple):
    """What a message was: "data", "repeat", "gap" with its reason and how many numbers it covers, or "" for nothing to count."""

    kind: str
    reason: str = ""
    missed: int = 0


_NOTHING, _DATA, _REPEAT = Finding(""), Finding("data"), Finding("repeat")


@dataclass
class Track:
    """A room: its numbering, the last number that came, and the greatest that the client was told of; -1: none."""

    room: str
    epoch: str = ""
    last: int = -1
    told: int = -1

    def request(self) -> dict[str, Any]:
        """The `subscribe` that begins, or goes on where this stands."""
        message: dict[str, Any] = {"type": "subscribe", "room": self.room}
        return message | ({"after": self.last, "epoch": self.epoch} if self.last >= 0 else {})

    def take(self, message: Mapping[str, Any]) -> Finding:
        """What the next message of this room is. Raises KeyError or TypeError for one that lacks a field of its type."""
        kind = message["type"]
        if kind == "data":
            return self._data(message)
        if kind == "gap":
            return self._gap(message)
        if kind == "initial-data":
            self.epoch, self.last = message["epoch"], message["seq"]
            self.told = self.last
        elif kind == "subscription" and message["epoch"] == self.epoch and not message.get("resumed"):
            self.last = self.told = max(self.told, message["seq"])
        return _NOTHING

    def _gap(self, message: Mapping[str, Any]) -> Finding:
        reason = message["reason"] if message["reason"] in GAP_REASONS else HOLE
        if reason == "epoch":
            missed, self.last = 0, -1  # initial data follows, in a numbering of its own
        else:
            missed = max(0, message["to"] - message["from"] + 1)
        self.told = max(self.told, message["to"]) if reason != "epoch" else message["to"]
        return Finding("gap", reason, missed)

    def _data(self, message: Mapping[str, Any]) -> Finding:
        seq, previous, known = message["seq"], message["prev"], max(self.last, self.told)
        if message["epoch"] != self.epoch:
            self.epoch, self.last, self.told = message["epoch"], seq, seq
            return Finding("gap", "epoch")
        if seq <= self.last:
            return _REPEAT
        self.last = seq
        if previous > known:
            self.told = previous
            return Finding("gap", HOLE, previous - known)
        return _DATA
