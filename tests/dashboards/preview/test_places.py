"""Rows, panels, and their copies."""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.preview import places
from dashboards.preview.model import Dashboard


def board(*panels: dict[str, Any]) -> Dashboard:
    return msgspec.convert({"uid": "x", "title": "x", "panels": list(panels)}, Dashboard)


def panel(number: int, y: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "stat", "gridPos": {"x": 0, "y": y, "w": 24, "h": 4}} | more


def test_a_panel_repeats_side_by_side_and_pushes_down_what_is_below() -> None:
    one = board(panel(1, 0, repeat="host", maxPerRow=2), panel(2, 4))
    (found,) = places.sections(one, {"host": ("a", "b", "c")})
    assert [(made.key, made.x, made.y, made.w, made.scoped) for made in found.panels] == [
        ("1", 0, 0, 12, {"host": "a"}), ("1-1", 12, 0, 12, {"host": "b"}), ("1-2", 0, 4, 12, {"host": "c"}), ("2", 0, 8, 24, {}),
    ]  # fmt: skip


def test_downwards_it_keeps_its_width() -> None:
    (found,) = places.sections(board(panel(1, 0, repeat="host", repeatDirection="v")), {"host": ("a", "b")})
    assert [(made.x, made.y, made.w) for made in found.panels] == [(0, 0, 24), (0, 4, 24)]


def test_a_row_repeats_with_all_its_panels() -> None:
    row = {"id": 9, "type": "row", "title": "On $host", "repeat": "host", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}
    found = places.sections(board(row, panel(1, 1)), {"host": ("a", "b")})
    assert [(section.key, section.scoped, section.panels[0].key) for section in found] == [
        ("9", {"host": "a"}, "1"), ("9-1", {"host": "b"}, "1-1"),
    ]  # fmt: skip


def test_without_a_value_it_stands_once() -> None:
    (found,) = places.sections(board(panel(1, 0, repeat="host"), panel(2, 4, repeat="nobody")), {"host": ()})
    assert [made.key for made in found.panels] == ["1", "2"]
