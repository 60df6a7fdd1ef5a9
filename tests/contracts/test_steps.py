"""Panels and logs that alerts send a person to are there, under the names that the alerts give them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from alerts.model import Entry, read_catalogue
from compose.supervisor import ERRANDS
from compose.topology import services
from dashboards.build import build
from settings import Site
from settings.entrance import Entrance
from settings.paths import CLONE

_NAMED = re.compile(r"\b[Pp]anels? (`[^`]+`(?:(?:, | and )`[^`]+`)*|[A-Z][^.,;:()`]*)")
CATALOGUE = {entry.name: entry for _, entry in read_catalogue()}


def titles() -> set[str]:
    """The title of every panel of every dashboard."""
    found = set()
    for board in build(Site()).values():
        for panel in board["panels"]:
            found |= {one["title"] for one in (panel, *panel.get("panels", ()))}
    return found


TITLES = titles()


def named(entry: Entry) -> Iterator[str]:
    """What an alert's texts call panels; without backquotes, all up to the end of the clause."""
    for text in (entry.description, entry.impact, entry.cannot_see, *entry.steps):
        for found in _NAMED.finditer(text):
            yield from re.findall(r"`([^`]+)`", found[1]) or [found[1]]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_named_panel_exists(name: str) -> None:
    assert [words for words in named(CATALOGUE[name]) if words not in TITLES] == []


def test_names_are_found_in_both_manners() -> None:
    found = [name for entry in CATALOGUE.values() for name in named(entry)]
    assert len(found) > 30
    assert any(name in TITLES for name in found)


def test_each_log_that_a_page_sends_to_is_one_that_is_shown() -> None:
    """`make logs s=NAME` refuses names that it does not know."""
    known = {service.name for service in services(Site(entrance=Entrance(enabled=True)))} | {"supervisord", *ERRANDS}
    places = [
        path for part in ("docs", "alerts/catalog") for path in (CLONE / part).rglob("*") if path.suffix in (".md", ".yaml")
    ]
    asked = {name for path in places for name in re.findall(r"make logs s=([a-z_-]+)", path.read_text(encoding="utf-8"))}
    assert len(asked) > 10
    assert asked <= known, asked - known
