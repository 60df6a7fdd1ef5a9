"""The slow log's length and its last entry; Valkey's command logs. What a command held is never read further than its number."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.redis.causes import ServerError
from exporters.redis.resp import Answer
from exporters.redis.session import Asking, Server, Session
from exporters.redis.wire import Command
from metrics.model import Sample
from metrics.redis import commands as m

_LOGS = ((m.LOG_SLOW, "slow"), (m.LOG_REQUEST, "large-request"), (m.LOG_REPLY, "large-reply"))


class SlowLog:
    """Commands that took long."""

    name = "slowlog"
    help = "Entries of the slow log, and how long the last slow command took."
    emits = (m.SLOW_LENGTH, m.SLOW_ID, m.SLOW_LAST)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._length: Answer = None
        self._last: Answer = None

    def ask(self, server: Server) -> Asking:
        """Its length and its last entry; a Sentinel has none."""
        self._length = self._last = None
        if not server.sentinel:
            self._length, self._last = yield (("SLOWLOG", "LEN"), ("SLOWLOG", "GET", "1"))

    def collect(self) -> Iterator[Sample]:
        """What was answered; then the first refusal."""
        self._session.check(self.name)
        if isinstance(self._length, int):
            yield m.SLOW_LENGTH.sample(self._length)
        if isinstance(self._last, list):
            entry = self._last[0] if self._last else (0, 0, 0)
            yield m.SLOW_ID.sample(entry[0])
            yield m.SLOW_LAST.sample(entry[2] / 1e6)
        for answer in (self._length, self._last):
            if isinstance(answer, ServerError):
                raise answer


class CommandLog:
    """Valkey's logs of slow and of large commands."""

    name = "commandlog"
    help = "Entries of Valkey's logs of slow commands, large requests and large replies."
    emits = tuple(metric for metric, _ in _LOGS)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lengths: list[Answer] = []

    def ask(self, server: Server) -> Asking:
        """The three lengths, of a server that has such logs."""
        self._lengths = []
        if server.command_log and not server.sentinel:
            asked: list[Command] = [("COMMANDLOG", "LEN", kind) for _, kind in _LOGS]
            self._lengths = yield asked

    def collect(self) -> Iterator[Sample]:
        """What was answered; a refusal of one is a refusal of all."""
        self._session.check(self.name)
        for (metric, _), length in zip(_LOGS, self._lengths, strict=False):
            if isinstance(length, ServerError):
                raise length
            yield metric.sample(length)
