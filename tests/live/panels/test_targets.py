"""Each query of each panel of each dashboard, on the running stack under load: data, or the reason why there is none.

`make proof` is the long form: with a standby, replicas and TLS, and with every fault that moves a line at 0. Which lines
stand at 0 here depends on what the tests before these have done: only the long form judges that.
"""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from metrics import catalog
from tests.appliance import Appliance
from tests.contracts.rendered import queries
from tests.drills import catalogue
from tests.live.panels import movers, silent
from tests.live.panels.asking import Asked, ask
from tests.live.panels.faults import FAULTS
from tests.waiting import until

_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@pytest.fixture(scope="module")
def answers(under_load: Appliance) -> tuple[list[Asked], list[str]]:
    """Every query with its answer, asked until none lacks data without a reason, or a minute is over; and those that do."""
    newest: list[Asked] = []
    lacks: list[str] = []

    def complete() -> bool:
        newest[:] = ask(under_load)
        lacks[:] = lacking(under_load, newest)
        return not lacks

    with contextlib.suppress(AssertionError):  # the tests tell which has none
        until("every query has data", complete, 60, 1)
    return newest, lacks


def lacking(appliance: Appliance, asked: list[Asked]) -> list[str]:
    """Queries without data, and without a reason."""
    excused = silent.reasons(appliance, asked)
    return [f"{one.place}: {one.error or one.query.expr}" for one in asked if not one.has_data and one.place not in excused]


def test_every_query_has_data(answers: tuple[list[Asked], list[str]]) -> None:
    asked, lacks = answers
    assert len(asked) > 400
    assert lacks == []
    assert sum(one.has_data for one in asked) > 0.9 * len(asked)


def test_every_mover_is_a_drill_or_a_fault_and_every_fault_moves_something() -> None:
    assert set(movers.MOVED_BY) <= set(FAULTS) | {drill.alert for drill in catalogue.DRILLS}
    assert set(movers.MOVED_BY) >= set(FAULTS)


def test_every_metric_that_is_moved_or_not_is_drawn() -> None:
    drawn = {name for query in queries() for name in catalog.read_by(query.expr)}

    assert {name for names in movers.MOVED_BY.values() for name in names} - drawn == set()
    assert set(movers.UNMOVED) - drawn == set()


def test_every_metric_that_is_moved_or_not_is_declared() -> None:
    moved = {name for names in movers.MOVED_BY.values() for name in names}  # one of several objectives has faults of its own

    assert [name for name in (*moved, *movers.UNMOVED) if catalog.find(name) is None] == []
    assert moved.isdisjoint(movers.UNMOVED)
    assert all(len(set(names)) == len(names) for names in movers.MOVED_BY.values())


def test_values_chosen_one_by_one_find_what_all_finds(under_load: Appliance) -> None:
    at = time.time() - 5  # both at one moment that is past: what is scraped, or not, between them makes no difference
    found = {one.place for one in ask(under_load, at=at) if one.has_data}
    lost = [one.query.expr for one in ask(under_load, listed=True, only=found, at=at) if not one.has_data]

    assert len(found) > 400
    assert lost == []
