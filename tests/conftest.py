"""What every room's tests share: who runs beside whom, and one browser a module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium

# Groups that take longest come first, so that none is left to one worker at the end; the rest follows file by file.
LONGEST_FIRST = (
    "reload",
    "appliance",
    "start",
    "starts",
    "feed",
    "drill",
    "preview",
    "stream-page",
    "stream-edge",
    "inbox-browser",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share servers run in one process: a group is named by the mark `xdist_group`, else it is the file."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    mark = item.get_closest_marker("xdist_group")
    assert mark
    return LONGEST_FIRST.index(mark.args[0]) if mark.args[0] in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """While it is there an event loop runs, and asyncio.run() does not: so it is a module's and no session's."""
    with chromium() as running:
        yield running
