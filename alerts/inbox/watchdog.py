"""The dead-man switch: an alert that always fires must keep arriving, or alerting itself is broken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LIMIT_SECONDS = 180.0


@dataclass(frozen=True)
class Pulse:
    """The state of alerting: `waiting` before the first Watchdog since installation, `alive`, or `dead`.

    `last` is the Unix time of the last Watchdog, `age` the seconds since; `limit` the seconds after which it is dead.
    """

    state: Literal["waiting", "alive", "dead"]
    last: float | None
    age: float | None
    started: float
    limit: float

    @property
    def alive(self) -> bool:
        """False only when the time is up."""
        return self.state != "dead"


def pulse(now: float, last: float | None, started: float, limit: float = LIMIT_SECONDS) -> Pulse:
    """The state at Unix time `now`, for an inbox that started at `started` and heard the Watchdog last at `last`.

    A clock that was set back makes no negative age.
    """
    if last is None:
        return Pulse("waiting" if now - started <= limit else "dead", None, None, started, limit)
    age = max(0.0, now - last)
    return Pulse("alive" if age <= limit else "dead", last, age, started, limit)
