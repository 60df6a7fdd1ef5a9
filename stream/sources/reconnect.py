"""The reconnect rules, as numbers: how long to wait before the next attempt, and when a source counts as failed. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

_JITTER = 0.2  # so that a thousand instances do not come back in the same second


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds between attempts, how many of them, and seconds between the slow attempts after the last one."""

    wait: float
    attempts: int
    retry: float


@dataclass(slots=True)
class Attempts:
    """Counts attempts in a row that brought no message. `uniform` draws the jitter, as random.uniform."""

    rules: Rules
    uniform: Callable[[float, float], float] = random.uniform
    in_a_row: int = field(default=0, init=False)

    def succeeded(self) -> None:
        """A good message has come."""
        self.in_a_row = 0

    def missed(self) -> float:
        """An attempt, or the connection it made, has ended; returns the seconds to wait."""
        self.in_a_row += 1
        wait = self.rules.retry if self.exhausted else self.rules.wait
        return wait * self.uniform(1 - _JITTER, 1 + _JITTER)

    @property
    def exhausted(self) -> bool:
        """Whether all attempts of the rules were used up."""
        return self.in_a_row >= self.rules.attempts
