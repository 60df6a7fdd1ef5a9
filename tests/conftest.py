"""What every room's tests share: who runs beside whom, and one browser a module."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # pytest-xdist publishes no types

from tests import groups
from tests.browser import chromium

# A machine that stands still for a moment is no slow code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Gives workers whole groups. xdist's own marks for that (3.8) do nothing under pytest 9.2, and say nothing."""

    def _split_scope(self, nodeid: str) -> str:
        return groups.group(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        others = [work for one, work in self.assigned_work.items() if one is not node]
        running = [name for work in others for name, tests in work.items() if not all(tests.values())]
        self.workqueue.move_to_end(groups.choice(list(self.workqueue), running), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: groups.rank(item.nodeid))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """While it is there an event loop runs, and asyncio.run() does not: so it is a module's and no session's."""
    with chromium() as running:
        yield running
