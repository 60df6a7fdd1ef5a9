"""The few settings that dashboards and alerts need. Never all of them: passwords are among them."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.session import Asking, Server, Session
from exporters.redis.wire import Command
from metrics.model import Sample
from metrics.redis import server as m

_NUMBERS = {
    "maxmemory": m.CONFIG_MAXMEMORY,
    "maxclients": m.CONFIG_MAXCLIENTS,
    "io-threads": m.CONFIG_IO_THREADS,
    "repl-backlog-size": m.CONFIG_BACKLOG,
}
_BUFFERS, _SAVE, _DATABASES = "client-output-buffer-limit", "save", "databases"
_ASKED: Command = ("CONFIG", "GET", *_NUMBERS, _BUFFERS, _SAVE, _DATABASES)


class Config:
    """Settings."""

    name = "config"
    help = "The settings maxmemory, maxclients, io-threads, repl-backlog-size, client-output-buffer-limit, save."
    emits = (*_NUMBERS.values(), m.CONFIG_BUFFER_LIMIT, m.CONFIG_BUFFER_SECONDS, m.SAVES_ENABLED)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settings: dict[str, str] = {}

    def ask(self, server: Server) -> Asking:
        """The settings; a Sentinel has its own."""
        self._settings = {}
        if server.sentinel:
            return
        (answer,) = yield (_ASKED,)
        if isinstance(answer, ServerError):
            raise answer
        words = [word.decode("utf-8", "replace") for word in answer]
        self._settings = dict(zip(words[::2], words[1::2], strict=True))
        databases = info.number(self._settings.get(_DATABASES, ""))
        if isinstance(databases, int):
            self._session.databases = databases

    def collect(self) -> Iterator[Sample]:
        """The settings that are there."""
        self._session.check(self.name)
        for name, metric in _NUMBERS.items():
            value = info.number(self._settings.get(name, ""))
            if value is not None:
                yield metric.sample(value)
        words = self._settings.get(_BUFFERS, "").split()
        for kind, hard, soft, seconds in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=False):
            yield m.CONFIG_BUFFER_LIMIT.sample(int(hard), kind, "hard")
            yield m.CONFIG_BUFFER_LIMIT.sample(int(soft), kind, "soft")
            yield m.CONFIG_BUFFER_SECONDS.sample(int(seconds), kind, "soft")
        if _SAVE in self._settings:
            yield m.SAVES_ENABLED.sample(int(bool(self._settings[_SAVE])))
