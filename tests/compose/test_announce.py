"""What `make up` tells the inbox, and what it says when nobody takes it."""

from __future__ import annotations

from compose.announce import announce
from metrics.process import version
from settings import parse
from tests.waiting import free_ports


def test_an_inbox_that_is_away_is_told_and_stops_nothing() -> None:
    site = parse(f"ports: {{inbox: {free_ports(1)[0]}}}")
    said = announce(site, "started")
    assert said.startswith(f"the inbox did not take the event 'Watchfloor {version()} started': ")
    assert said.endswith("`make logs s=inbox`")
