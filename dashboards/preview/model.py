"""Grafana's classic dashboard JSON as types: the part of it that is drawn here. Unknown keys are passed over.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ (schemaVersion 42).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

DRAWN_KINDS = ("timeseries", "stat", "table", "bargauge", "heatmap", "state-timeline")


class Part(Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a dashboard; keys of the file are camelCase."""


class Grid(Part, frozen=True):
    """Where a panel stands: 24 columns, a height unit is 30 px."""

    x: int = 0
    y: int = 0
    w: int = 12
    h: int = 8


class Target(Part, frozen=True):
    """One query of a panel; `interval` is the least step, a duration."""

    expr: str = ""
    legend_format: str = ""
    ref_id: str = "A"
    instant: bool = False
    range: bool = False
    format: str = "time_series"
    hide: bool = False
    interval: str | None = None

    @property
    def is_instant(self) -> bool:
        """Whether one value per series is asked for, as Grafana decides it."""
        return self.instant and not self.range


class Step(Part, frozen=True):
    """A threshold: its colour holds from `value` up; the first one has no value."""

    color: str = "green"
    value: float | None = None


class Thresholds(Part, frozen=True):
    """Steps in rising order; `percentage` counts between the field's min and max."""

    mode: str = "absolute"
    steps: list[Step] = field(default_factory=list)


class Result(Part, frozen=True):
    """What a value mapping shows instead of the value."""

    text: str | None = None
    color: str | None = None


class Mapping(Part, frozen=True):
    """A value mapping: `options` by type, see fields.py."""

    type: str = "value"
    options: dict[str, Any] = field(default_factory=dict)


class FieldConfig(Part, frozen=True):
    """How values are written and judged."""

    unit: str | None = None
    min: float | None = None
    max: float | None = None
    decimals: int | None = None
    display_name: str | None = None
    no_value: str | None = None
    color: dict[str, Any] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    mappings: list[Mapping] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)


class Matcher(Part, frozen=True):
    """Which fields an override is for."""

    id: str = ""
    options: Any = None


class Property(Part, frozen=True):
    """One key of FieldConfig that an override sets; `custom.lineWidth` reaches into `custom`."""

    id: str = ""
    value: Any = None


class Override(Part, frozen=True):
    """Properties for the fields that match."""

    matcher: Matcher
    properties: list[Property] = field(default_factory=list)


class FieldOptions(Part, frozen=True):
    """Defaults and overrides."""

    defaults: FieldConfig = field(default_factory=FieldConfig)
    overrides: list[Override] = field(default_factory=list)


class Transformation(Part, frozen=True):
    """A change to the result before it is drawn."""

    id: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    disabled: bool = False


class Link(Part, frozen=True):
    """A link of a dashboard or a panel; `tags` select dashboards where `type` is "dashboards"."""

    title: str = ""
    type: str = "link"
    url: str = ""
    tags: list[str] = field(default_factory=list)
    keep_time: bool = False
    include_vars: bool = False


class Panel(Part, frozen=True):
    """A panel, or a row with the panels that it hides when collapsed."""

    id: int = 0
    type: str = ""
    title: str = ""
    description: str = ""
    grid_pos: Grid = field(default_factory=Grid)
    targets: list[Target] = field(default_factory=list)
    field_config: FieldOptions = field(default_factory=FieldOptions)
    options: dict[str, Any] = field(default_factory=dict)
    transformations: list[Transformation] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    interval: str | None = None
    max_data_points: int | None = None
    repeat: str | None = None
    repeat_direction: str | None = None
    max_per_row: int | None = None
    collapsed: bool = False
    panels: list[Panel] = field(default_factory=list)

    @property
    def drawn(self) -> bool:
        """Whether this program draws it; the others say "open in Grafana"."""
        return self.type in DRAWN_KINDS


class Variable(Part, frozen=True):
    """A dashboard variable. `query` is text, or Grafana's object with the text under `query`."""

    name: str
    type: str = "query"
    label: str | None = None
    description: str | None = None
    hide: int = 0
    query: Any = ""
    regex: str = ""
    sort: int = 0
    multi: bool = False
    include_all: bool = False
    all_value: str | None = None
    current: dict[str, Any] = field(default_factory=dict)
    options: list[dict[str, Any]] = field(default_factory=list)

    @property
    def query_text(self) -> str:
        """The query as one text."""
        return str(self.query.get("query", "")) if isinstance(self.query, dict) else str(self.query or "")


class TimeRange(Part, frozen=True):
    """The range a dashboard opens with."""

    from_: str = field(default="now-6h", name="from")
    to: str = "now"


class Templating(Part, frozen=True):
    """The variables of a dashboard, in order; a later one may use an earlier one."""

    variables: list[Variable] = field(default_factory=list, name="list")


class Annotation(Part, frozen=True):
    """A query whose samples above 0 are events; `{{label}}` in its formats. Newer files have the expression in `target`."""

    name: str = ""
    enable: bool = True
    expr: str = ""
    target: dict[str, Any] = field(default_factory=dict)
    icon_color: str = ""
    title_format: str | None = None
    text_format: str | None = None
    step: str | None = None
    use_value_for_time: Any = False

    @property
    def expression(self) -> str:
        """The query, wherever it stands; empty for Grafana's own annotations."""
        return self.expr or str(self.target.get("expr") or "")


class Annotations(Part, frozen=True):
    """The annotation queries of a dashboard."""

    queries: list[Annotation] = field(default_factory=list, name="list")


class TimePicker(Part, frozen=True):
    """Choices of the time picker."""

    refresh_intervals: list[str] = field(default_factory=list, name="refresh_intervals")


class Dashboard(Part, frozen=True):
    """A dashboard file."""

    uid: str
    title: str
    description: str = ""
    tags: list[str] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    templating: Templating = field(default_factory=Templating)
    annotations: Annotations = field(default_factory=Annotations)
    time: TimeRange = field(default_factory=TimeRange)
    timepicker: TimePicker = field(default_factory=TimePicker)
    refresh: str | bool = ""
    timezone: str = ""
    links: list[Link] = field(default_factory=list)

    def all_panels(self) -> list[Panel]:
        """Every panel that is no row, those of collapsed rows included."""
        inner = [panel for row in self.panels for panel in row.panels]
        return [panel for panel in (*self.panels, *inner) if panel.type != "row"]

    def panel(self, wanted: int) -> Panel | None:
        """The panel of that id."""
        return next((panel for panel in self.all_panels() if panel.id == wanted), None)


def parse(raw: bytes) -> Dashboard:
    """The dashboard of a file's bytes.

    Raises ValueError, in words for a person, when it is no JSON or no dashboard.
    """
    try:
        # Values such as `"max": "auto"` or a null list stand in real files; strict=False takes numbers written as text.
        return msgspec.convert(_without_null(msgspec.json.decode(raw)), Dashboard, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"is no dashboard of Grafana's classic form: {error}") from error
    except msgspec.DecodeError as error:
        raise ValueError(f"is no JSON: {error}") from error


def _without_null(value: Any) -> Any:
    """Grafana writes null where it means "default"; a threshold's null value is the one that is its own default."""
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value
