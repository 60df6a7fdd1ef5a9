"""One connection to one server, kept from scrape to scrape; a scrape asks for everything at once.

`prepare()` runs before the collectors (`exporters.base.Domain`). A collector that asks more than INFO is a generator of lists of
commands: each list is sent together with those of all others, in one round trip, and its answers are sent back into it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from exporters.redis import info
from exporters.redis.causes import LateError, ServerError, TargetError, refused
from exporters.redis.resp import Answer
from exporters.redis.scan import Budget
from exporters.redis.wire import LATE, Address, Command, Connection, connect
from exporters.target import Change

CLIENT_NAME = "watchfloor-exporter"
_SENTINEL = "sentinel"

Asking: TypeAlias = Generator[Sequence[Command], "list[Answer]", None]
Asked: TypeAlias = Generator[Sequence[Command], "list[Answer]", "list[Answer]"]  # a part of it, with its result


@dataclass(frozen=True)
class Login:
    """Where and as whom; made anew for each connection, so that a changed password counts."""

    address: Address
    user: str = ""
    password: str = ""

    @property
    def commands(self) -> list[Command]:
        """What a connection begins with."""
        known: list[Command] = []
        if self.password:
            known.append(("AUTH", self.user, self.password) if self.user else ("AUTH", self.password))
        return [*known, ("INFO", "server")]


@dataclass(frozen=True)
class Server:
    """What a connection found: the server's words about itself."""

    fields: dict[str, str]

    @property
    def sentinel(self) -> bool:
        """Whether it is a Sentinel, which has no data."""
        return self._mode == _SENTINEL

    @property
    def cluster(self) -> bool:
        """Whether it is a node of a cluster."""
        return self._mode == "cluster"

    @property
    def command_log(self) -> bool:
        """Whether it has COMMANDLOG: Valkey from 8.1 on."""
        major, minor = (*self.fields.get("valkey_version", "").split("."), "0", "0")[:2]
        return major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= (8, 1)

    @property
    def _mode(self) -> str:
        return self.fields.get("redis_mode") or self.fields.get("server_mode", "")


@runtime_checkable
class Asker(Protocol):
    """A collector that asks something of its own."""

    @property
    def name(self) -> str:
        """The collector's."""

    def ask(self, server: Server) -> Asking:
        """Yields lists of commands and takes their answers; what it raises fails this collector alone."""


class Session:
    """Asks one server. `budget` is what looking through its keys may cost a scrape."""

    def __init__(self, name: str, login: Callable[[], Login], budget: Budget) -> None:
        self._login = login
        self.budget = budget
        self._askers: tuple[Asker, ...] = ()
        self._connection: Connection | None = None
        self._server = Server({})
        self._errors: dict[str, Exception] = {}
        self._change = Change(f"redis {name}:")
        self._info: info.Info | None = None
        self.databases = 16
        self.failure: TargetError | None = None
        self.scrapes = 0
        self.seconds = self.total = self.connecting = 0.0

    def add(self, *askers: Asker) -> None:
        """Collectors that ask something of their own; the last ones are those that may take long."""
        self._askers = askers

    def prepare(self, names: frozenset[str], deadline: float) -> None:
        """Asks for what these collectors need, by `deadline` (of time.monotonic())."""
        began = time.monotonic()
        self.scrapes += 1
        self.connecting = 0.0
        self.failure, self._info = None, None
        self._errors.clear()
        self.budget.begin()
        try:
            self._ask([asker for asker in self._askers if asker.name in names], deadline)
        except TargetError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001  # a defect of ours must not pass for an answer: what came last time would be told
            self.failure = TargetError("other", f"{type(error).__name__}: {error}")
        if self.failure:
            self.close()
        self.seconds = time.monotonic() - began
        self.total += self.seconds
        self._change.tell(self.failure)

    def check(self, name: str) -> None:
        """Raises TargetError when the server could not be asked, or what the named collector ran into."""
        if self.failure:
            raise self.failure
        if error := self._errors.get(name):
            raise error

    @property
    def info(self) -> info.Info:
        """What INFO said. Raises TargetError when the server could not be asked."""
        if self.failure:
            raise self.failure
        assert self._info
        return self._info

    @property
    def failing(self) -> bool:
        """Whether anything of the last scrape failed."""
        return bool(self.failure or self._errors)

    def close(self) -> None:
        """Ends the connection; the next scrape makes a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _ask(self, askers: list[Asker], deadline: float) -> None:
        stood = self._connection is not None
        try:
            self._converse(askers, deadline)
        except TargetError as error:
            if not stood or error.cause != "lost" or self._info:
                raise
            # The server restarted meanwhile, or ends connections that are idle: that it is there is told by a new one.
            self.close()
            self._errors.clear()
            self._converse(askers, deadline)

    def _converse(self, askers: list[Asker], deadline: float) -> None:
        connection = self._connection or self._connect(deadline)
        running = {asker.name: asker.ask(self._server) for asker in askers}
        wanted = {name: commands for name, asking in running.items() if (commands := self._next(name, asking, None))}
        first: list[Command] = [("INFO", "ALL")]
        while first or wanted:
            asked = [*first, *(command for commands in wanted.values() for command in commands)]
            answers = connection.ask(asked, deadline)
            if first:
                self._take(answers[0])
            if LATE in answers:
                self.close()
            place = len(first)
            later: dict[str, Sequence[Command]] = {}
            for name, commands in wanted.items():
                part = answers[place : place + len(commands)]
                place += len(commands)
                if following := self._next(name, running[name], part):
                    later[name] = following
            first, wanted = [], later

    def _next(self, name: str, asking: Asking, answers: list[Answer] | None) -> Sequence[Command]:
        """What a collector wants to know next; nothing when it has ended."""
        try:
            if answers is None:
                return next(asking)
            if LATE in answers:
                self._errors[name] = TimeoutError("no answer in time")
                asking.close()
                return ()
            return asking.send(answers)
        except StopIteration:
            return ()
        except Exception as error:  # noqa: BLE001  # one collector's error must not hide what the others bring
            self._errors[name] = error
            return ()

    def _take(self, answer: Answer) -> None:
        if answer is LATE:
            raise LateError
        if isinstance(answer, ServerError):
            raise refused(answer)
        if not isinstance(answer, bytes):
            raise TargetError("protocol", "INFO was answered by something else than text")
        self._info = info.parse(answer)

    def _connect(self, deadline: float) -> Connection:
        began = time.monotonic()
        login = self._login()
        connection = connect(login.address, deadline)
        try:
            self._server = _welcome(connection.ask([*login.commands, ("CLIENT", "SETNAME", CLIENT_NAME)], deadline))
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.connecting = time.monotonic() - began
        return connection


def _welcome(answers: list[Answer]) -> Server:
    """What the server says to a new connection. Raises TargetError for a refusal."""
    if LATE in answers:
        raise LateError
    for answer in answers[:-1]:  # its name is a courtesy
        if isinstance(answer, ServerError):
            raise refused(answer)
    if not isinstance(answers[-2], bytes):
        raise TargetError("protocol", "INFO was answered by something else than text")
    return Server(info.parse(answers[-2]).fields)
