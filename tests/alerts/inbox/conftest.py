from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.alerts.inbox.service import Inbox, Server, alertmanager, prometheus, site_yaml


@pytest.fixture
def make_inbox(tmp_path: Path) -> Iterator[Callable[..., Inbox]]:
    """Starts inboxes, in threads or as processes of their own; they are stopped at the end."""
    made: list[Inbox] = []

    def make(settings: str = "", *, start: bool = True, own_process: bool = False) -> Inbox:
        inbox = Inbox(tmp_path / f"inbox-{len(made)}", settings or site_yaml(), own_process=own_process)
        made.append(inbox)
        inbox.prepare()
        if start:
            inbox.start()
        return inbox

    yield make
    for inbox in made:
        inbox.stop()


@pytest.fixture
def inbox(make_inbox: Callable[..., Inbox]) -> Inbox:
    return make_inbox()


@pytest.fixture
def inbox_process(make_inbox: Callable[..., Inbox]) -> Inbox:
    return make_inbox(own_process=True)


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts an Alertmanager or a Prometheus; both are stopped at the end."""
    made: list[Server] = []

    def make(kind: str, *arguments: object) -> Server:
        makers: dict[str, Callable[..., Server]] = {"alertmanager": alertmanager, "prometheus": prometheus}
        server = makers[kind](tmp_path / f"{kind}-{len(made)}", *arguments)
        made.append(server)
        server.start()
        return server

    yield make
    for server in reversed(made):
        server.stop()
