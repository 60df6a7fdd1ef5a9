"""Looking through a server's keys for patterns, a few at each scrape: SCAN under a budget of keys and of time.

A pass goes on at the next scrape where it stopped; what it found counts when it has ended, and until the next one has. So a
server with a million keys is looked through within minutes, and no scrape takes longer for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from exporters.redis.causes import ServerError
from exporters.redis.resp import Answer
from exporters.redis.wire import Command

_COUNT = 1000  # keys that the server looks at for one command, during which it does nothing else: a fraction of a millisecond
_GLOB = re.compile(r"[*?\[\]^\\]")


@dataclass(frozen=True)
class Pattern:
    """Keys that match a glob, in one database."""

    glob: str
    db: int = 0

    @property
    def single(self) -> bool:
        """Whether it is a key's name rather than a pattern."""
        return not _GLOB.search(self.glob)

    @property
    def labels(self) -> tuple[str, str]:
        """How series call it."""
        return f"db{self.db}", self.glob


@dataclass
class Pass:
    """One pattern: how far the pass under way has come, what the last whole one found, and when it ended (time.monotonic())."""

    pattern: Pattern
    kind: str = ""  # a type, which the server is to look for alone
    names: bool = True  # the names are wanted, not their number alone
    most: int = 20_000
    cursor: bytes = b"0"
    current: dict[bytes, None] = field(default_factory=dict)
    count: int = 0
    found: list[bytes] = field(default_factory=list)
    counted: int = 0
    ended: float = 0.0

    @property
    def command(self) -> Command:
        """The next step."""
        typed = ("TYPE", self.kind) if self.kind else ()
        return ("SCAN", self.cursor, "MATCH", self.pattern.glob, "COUNT", _COUNT, *typed)

    def take(self, answer: Answer, now: float) -> bool:
        """Takes a step's answer; tells whether the pass has ended. Raises the server's refusal."""
        if isinstance(answer, ServerError):
            self._begin()
            raise answer
        self.cursor, names = answer
        self.count += len(names)
        if self.names and len(self.current) < self.most:
            self.current.update(dict.fromkeys(names))
        if self.cursor != b"0":
            return False
        self.found, self.counted, self.ended = list(self.current), self.count, now
        self._begin()
        return True

    def _begin(self) -> None:
        self.cursor, self.current, self.count = b"0", {}, 0

    @property
    def known(self) -> list[bytes]:
        """Names of the last whole pass; of the first one, as far as it has come."""
        return self.found if self.ended else list(self.current)


@dataclass
class Budget:
    """What one scrape may have the server look at, and for how long; shared by the collectors of one server."""

    keys: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    looked: int = 0  # since the start
    _left: int = 0
    _until: float = 0.0

    def begin(self) -> None:
        """A scrape begins."""
        self._left, self._until = self.keys, self.clock() + self.seconds

    def take(self) -> bool:
        """Whether one step more may be; it is counted."""
        if self._left <= 0 or self.clock() >= self._until:
            return False
        self._left -= _COUNT
        self.looked += _COUNT
        return True


def looked_through(passes: Sequence[Pass], budget: Budget) -> Generator[list[Command], list[Answer], None]:
    """One step of each pass at a time, until all have ended or the budget has. Who had none this time is first next time."""
    waiting = sorted(passes, key=lambda one: one.ended)
    while waiting:
        step = [one for one in waiting if budget.take()]
        if not step:
            return
        answers = yield [command for one in step for command in in_database(one.pattern.db, [one.command])]
        waiting = [one for one, answer in zip(step, answers[1::2], strict=True) if not one.take(answer, budget.clock())]


def in_database(db: int, commands: Sequence[Command]) -> list[Command]:
    """The commands, in that database: SELECT is answered before them."""
    return [("SELECT", str(db)), *commands]
