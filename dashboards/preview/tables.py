"""From Prometheus's answers to the rows of a table panel, through the transformations that dashboards here use. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from dashboards.preview import fields
from dashboards.preview.frames import Answer, number
from dashboards.preview.model import FieldConfig, Panel

Cell = str | float | None
MOST_ROWS = 500
TIME, VALUE = "Time", "Value"


class Table(Struct, frozen=True):
    """Named columns and rows of cells: text for labels, numbers for values, seconds in the column of times."""

    columns: list[str]
    rows: list[list[Cell]]

    def column(self, name: str) -> list[Cell]:
        """One column's cells."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def keeping(self, columns: Sequence[str]) -> Table:
        """Only these columns, in this order."""
        places = [self.columns.index(name) for name in columns]
        return Table(list(columns), [[row[place] for place in places] for row in self.rows])


def from_answer(answer: Answer, value_name: str) -> Table:
    """A table of one target: time, labels in order of name, the value last. Of a range, the last value."""
    labels = sorted({name for series in answer.found for name in series.metric})
    rows: list[list[Cell]] = []
    for series in answer.found:
        point = series.value or (series.values[-1] if series.values else None)
        if point:
            rows.append([point[0], *(series.metric.get(name) for name in labels), number(point[1])])
    return Table([TIME, *labels, value_name], rows)


def joined(tables: Sequence[Table], on: str = "") -> Table:
    """One table of several: rows are one row where all shared columns (or the column `on`) are equal."""
    if len(tables) == 1:
        return tables[0]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns.sort(key=lambda name: name.startswith(VALUE))  # values stand behind all labels, in the order of their queries
    shared = [on] if on else [name for name in columns if name != TIME and all(name in table.columns for table in tables)]
    rows: dict[tuple[Cell, ...], list[dict[str, Cell]]] = {}
    for table in tables:
        places = [table.columns.index(name) for name in shared if name in table.columns]
        for row in table.rows:
            _place(rows.setdefault(tuple(row[place] for place in places), []), dict(zip(table.columns, row, strict=True)))
    return Table(columns, [[row.get(name) for name in columns] for group in rows.values() for row in group])


def _place(group: list[dict[str, Cell]], row: dict[str, Cell]) -> None:
    """Into the first row of the group that has none of its values yet."""
    values = [name for name in row if name.startswith(VALUE)]
    for known in group:
        if not any(name in known for name in values):
            known.update({name: value for name, value in row.items() if name not in known})
            return
    group.append(row)


def _organize(table: Table, options: dict[str, Any]) -> Table:
    excluded = {name for name, out in options.get("excludeByName", {}).items() if out}
    included = {name for name, kept in options.get("includeByName", {}).items() if kept}
    order = options.get("indexByName", {})
    kept = [name for name in table.columns if name not in excluded and (not included or name in included)]
    kept.sort(key=lambda name: order.get(name, len(table.columns)))
    chosen = table.keeping(kept)
    renamed = options.get("renameByName", {})
    return Table([renamed.get(name) or name for name in chosen.columns], chosen.rows)


def _filter_names(table: Table, options: dict[str, Any]) -> Table:
    included = options.get("include", {}).get("names")
    excluded = options.get("exclude", {}).get("names", [])
    return table.keeping([name for name in table.columns if (not included or name in included) and name not in excluded])


def _sort_by(table: Table, options: dict[str, Any]) -> Table:
    for rule in reversed(options.get("sort", [])):
        table = sorted_by(table, str(rule.get("field", "")), descending=bool(rule.get("desc")))
    return table


def _limit(table: Table, options: dict[str, Any]) -> Table:
    return Table(table.columns, table.rows[: int(options.get("limitField", 10))])


_TRANSFORMATIONS: dict[str, Callable[[Table, dict[str, Any]], Table]] = {
    "organize": _organize,
    "filterFieldsByName": _filter_names,
    "sortBy": _sort_by,
    "limit": _limit,
}
_JOINS = ("merge", "joinByField", "seriesToColumns")


def sorted_by(table: Table, name: str, *, descending: bool) -> Table:
    """Rows by one column: numbers, then text, empty cells last; as it is when there is no such column."""
    if name not in table.columns:
        return table
    place = table.columns.index(name)
    filled = [row for row in table.rows if row[place] is not None]
    empty = [row for row in table.rows if row[place] is None]
    filled.sort(key=lambda row: (isinstance(row[place], str), row[place]), reverse=descending)
    return Table(table.columns, filled + empty)


def table(panel: Panel, answers: Sequence[Answer], now: float) -> dict[str, Any]:
    """The payload of a table panel; `notes` names transformations that are not applied here."""
    alone = len(answers) == 1
    made = [from_answer(answer, VALUE if alone else f"{VALUE} #{answer.target.ref_id}") for answer in answers]
    steps = [step for step in panel.transformations if not step.disabled]
    on = next((str(step.options.get("byField", "")) for step in steps if step.id in _JOINS[1:]), "")
    whole = joined([one for one in made if one.rows] or made[:1] or [Table([], [])], on)
    notes = []
    for step in steps:
        if step.id in _TRANSFORMATIONS:
            whole = _TRANSFORMATIONS[step.id](whole, step.options)
        elif step.id not in _JOINS:
            notes.append(f"the transformation {step.id!r} is not applied here")
    for rule in reversed(panel.options.get("sortBy", [])):
        whole = sorted_by(whole, str(rule.get("displayName", "")), descending=bool(rule.get("desc")))
    return _payload(panel, whole, now) | {"notes": notes}


def _payload(panel: Panel, whole: Table, now: float) -> dict[str, Any]:
    configs = [_config(panel, name, whole.column(name)) for name in whole.columns]
    shown = [
        (place, name, config)
        for place, (name, config) in enumerate(zip(whole.columns, configs, strict=True))
        if not _hidden(config)
    ]
    return {
        "columns": [{"name": config.display_name or name, "number": _is_number(whole.column(name))} for _, name, config in shown],
        "rows": [[_cell(row[place], name, config, now) for place, name, config in shown] for row in whole.rows[:MOST_ROWS]],
        "more": max(0, len(whole.rows) - MOST_ROWS),
    }


def _hidden(config: FieldConfig) -> bool:
    place = config.custom.get("hideFrom", {})
    return bool(config.custom.get("hidden") or (isinstance(place, dict) and place.get("viz")))


def _config(panel: Panel, name: str, cells: Sequence[Cell]) -> FieldConfig:
    kind = "time" if name == TIME else "number" if _is_number(cells) else "string"
    return fields.configured(panel.field_config, fields.Field(name=name, type=kind))


def _is_number(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, float) for cell in cells)


def _cell(cell: Cell, name: str, config: FieldConfig, now: float) -> dict[str, Any]:
    if name == TIME and isinstance(cell, float):
        return {"time": cell * 1000}
    if isinstance(cell, str):
        return {"text": cell}
    if cell is None:
        return {"text": config.no_value or ""}
    return {"text": fields.text(cell, config, now), "value": cell, "state": fields.judged(cell, config)}
