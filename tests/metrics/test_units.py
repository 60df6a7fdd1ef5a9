"""Numbers with units: the table that the page's script is held to as well (test_browser.py)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from metrics import units
from metrics.model import Unit

NOW = 1_700_000_000.0
CASES = json.loads((Path(__file__).parent / "fixtures" / "units.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("value", "unit", "decimals", "text"), CASES)
def test_writes_as_the_table_says(value: float | None, unit: str, decimals: int | None, text: str) -> None:
    assert units.write(value, unit, decimals, NOW) == text


def test_writes_what_is_no_number() -> None:
    assert units.write(math.nan) == "–"  # noqa: RUF001  # the dash of the house
    assert units.write(math.inf, "bytes") == "∞"


def test_knows_every_unit_that_declarations_use() -> None:
    for unit in Unit:
        assert not units.write(2.0, unit.grafana, None, NOW).endswith(f" {unit.grafana}") or unit is Unit.SECONDS
