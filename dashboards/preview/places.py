"""Which panels a page has and where: rows as sections; a panel or row that repeats stands there for each value. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from dashboards.preview.interpolate import ALL, Value
from dashboards.preview.model import Dashboard, Panel
from dashboards.preview.variables import Choice

WIDTH = 24
MOST_REPEATS = 50
_PER_ROW = 4


class Placed(Struct, frozen=True):
    """A panel at a place of its section; `scoped` are the values that it has for itself, `key` tells its copies apart."""

    panel: Panel
    key: str
    x: int
    y: int
    w: int
    h: int
    scoped: dict[str, str] = {}


class Section(Struct, frozen=True):
    """A row and the panels under it; those before the first row have no title. `scoped` as its panels have it."""

    key: str
    row: Panel | None
    panels: list[Placed] = field(default_factory=list)
    scoped: dict[str, str] = {}


def chosen(choices: Sequence[Choice]) -> dict[str, tuple[str, ...]]:
    """The single values that each variable stands for: all options where All is chosen."""
    return {
        choice.variable.name: tuple(value for value, _ in choice.options) if ALL in choice.selected else choice.selected
        for choice in choices
    }


def values_in(values: Mapping[str, Value], scoped: Mapping[str, str]) -> dict[str, Value]:
    """The variables' values inside of a copy."""
    return dict(values) | {name: Value((value,), regex=values[name].regex) for name, value in scoped.items() if name in values}


def sections(dashboard: Dashboard, repeats: Mapping[str, tuple[str, ...]]) -> list[Section]:
    """Every row with its panels, in order; `repeats` are the values by which panels and rows may repeat."""
    found: list[tuple[Panel | None, list[Panel]]] = [(None, [])]
    for panel in sorted(dashboard.panels, key=lambda one: (one.grid_pos.y, one.grid_pos.x)):
        if panel.type == "row":
            found.append((panel, list(panel.panels)))
        else:
            found[-1][1].append(panel)
    return [made for row, panels in found if panels for made in _copies(row, panels, repeats)]


def _copies(row: Panel | None, panels: Sequence[Panel], repeats: Mapping[str, tuple[str, ...]]) -> list[Section]:
    name = row.repeat if row and row.repeat else ""
    values = repeats.get(name, ())[:MOST_REPEATS]
    base = str(row.id) if row else "0"
    if not values:
        return [Section(base, row, _placed(panels, repeats, {}, ""))]
    made = []
    for number, value in enumerate(values):
        tail = f"-{number}" if number else ""
        scoped = {name: value}
        made.append(Section(base + tail, row, _placed(panels, {**repeats, name: (value,)}, scoped, tail), scoped))
    return made


def _placed(panels: Sequence[Panel], repeats: Mapping[str, Any], scoped: dict[str, str], tail: str) -> list[Placed]:
    """Panels with their copies; what stands below a panel that grew moves down by as much."""
    made: list[Placed] = []
    grown: list[tuple[int, int]] = []  # from which height on, by how much
    for panel in sorted(panels, key=lambda one: (one.grid_pos.y, one.grid_pos.x)):
        grid = panel.grid_pos
        top = grid.y + sum(extra for below, extra in grown if grid.y >= below)
        values = repeats.get(panel.repeat or "", ())[:MOST_REPEATS]
        if not values:
            made.append(Placed(panel, f"{panel.id}{tail}", _inside(grid.x), top, _wide(grid.w), max(1, grid.h), scoped))
            continue
        copies = _repeated(panel, top, values, scoped, tail)
        made += copies
        grown.append((grid.y + max(1, grid.h), copies[-1].y - top))
    return made


def _repeated(panel: Panel, top: int, values: Sequence[str], scoped: dict[str, str], tail: str) -> list[Placed]:
    """Side by side in equal widths, as many as `maxPerRow` says; or below one another."""
    grid, height, name = panel.grid_pos, max(1, panel.grid_pos.h), panel.repeat or ""
    across = 1 if panel.repeat_direction == "v" else max(1, min(len(values), panel.max_per_row or _PER_ROW, WIDTH))
    width = _wide(grid.w) if panel.repeat_direction == "v" else WIDTH // across
    left = _inside(grid.x) if panel.repeat_direction == "v" else 0
    return [
        Placed(
            panel, f"{panel.id}{tail}" + (f"-{number}" if number else ""), left + number % across * width,
            top + number // across * height, width, height, scoped | {name: value},
        )
        for number, value in enumerate(values)
    ]  # fmt: skip


def _inside(x: int) -> int:
    return max(0, min(x, WIDTH - 1))


def _wide(w: int) -> int:
    return max(1, min(w, WIDTH))
