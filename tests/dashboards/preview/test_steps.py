"""The step of a query: never so long that a short range is left without points."""

from __future__ import annotations

import pytest

from dashboards.preview.ask import prepared, understood
from dashboards.preview.model import Dashboard, Panel, Target

BOARD = Dashboard(uid="x", title="X")
DAILY = Panel(type="timeseries", targets=[Target(expr="up", interval="360s")])


@pytest.mark.parametrize(("window", "step"), [("3m", 15), ("1h", 300), ("6h", 360), ("7d", 1800)])
def test_a_least_step_made_for_days_gives_way_to_a_short_range(window: str, step: float) -> None:
    asked = understood(BOARD, [("from", f"now-{window}"), ("to", "now"), ("width", "800")], 1_700_000_000)
    assert [query.step for query in prepared(DAILY, asked, {}, 10)] == [step]
