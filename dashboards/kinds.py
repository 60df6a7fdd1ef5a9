"""Kind by kind, what Grafana of today expects in a panel's JSON and grafanalib does not write.

The shapes are those of grafana-foundation-sdk; the tests hold every panel against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def finish(panel: Json) -> None:
    """Brings a panel's options and field configuration to the present form, in place. Raises KeyError for an unknown kind."""
    _FINISH[panel["type"]](panel)


def unit(panel: Json) -> str:
    """The id of a panel's unit: a heatmap has it on its axis, all others among the defaults of their fields."""
    if panel.get("type") == "heatmap":
        return str(panel.get("options", {}).get("yAxis", {}).get("unit") or "")
    return str(panel.get("fieldConfig", {}).get("defaults", {}).get("unit") or "")


def _timeseries(panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    scale = custom.pop("scaleDistribution")
    custom["scaleDistribution"] = {"type": scale["type"]}
    custom |= {"axisColorMode": "text", "axisBorderShow": False, "axisCenteredZero": False, "insertNulls": False}
    for key in [key for key, value in custom.items() if value is None]:
        del custom[key]
    panel["options"]["legend"]["showLegend"] = True
    panel["options"]["tooltip"]["hideZeros"] = False


def _stat(panel: Json) -> None:
    panel["options"] |= {"percentChangeColorMode": "standard", "showPercentChange": False, "wideLayout": True}


def _table(panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    defaults["custom"] = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False}
    defaults["color"] = {"mode": "thresholds"}
    defaults["mappings"] = []
    defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "transparent", "value": None}]}
    panel["options"] |= {"cellHeight": "sm", "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False}}


def _bargauge(panel: Json) -> None:
    old = panel["options"]
    given = old["fieldOptions"]
    defaults = panel["fieldConfig"]["defaults"]
    ends = {key: given["defaults"][key] for key in ("min", "max") if given["defaults"][key] is not None}
    thresholds = {"mode": "absolute", "steps": given["thresholds"]}
    defaults |= ends | {
        "unit": given["defaults"]["unit"],
        "color": {"mode": "thresholds"},
        "mappings": [],
        "thresholds": thresholds,
    }
    panel["fieldConfig"]["overrides"] = []
    panel["options"] = {
        "displayMode": old["displayMode"], "orientation": old["orientation"], "valueMode": "text", "namePlacement": "left",
        "showUnfilled": True, "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }  # fmt: skip


def _heatmap(panel: Json) -> None:
    given = panel["options"]
    defaults = panel["fieldConfig"]["defaults"]
    defaults.pop("thresholds")
    defaults["custom"] = {"scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    panel["fieldConfig"]["overrides"] = []
    # calculate=false: the buckets are Prometheus's own, which the data source takes apart (format heatmap).
    panel["options"] = {
        "calculate": False, "calculation": {}, "cellGap": 1, "cellValues": {"unit": "ops"}, "color": given["color"],
        "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9}, "legend": {"show": True},
        "rowsFrame": {"layout": "auto", "value": "Observations"}, "showValue": "never", "selectionMode": "x",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True}, "yAxis": given["yAxis"],
    }  # fmt: skip


def _statetimeline(panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "transparent", "value": None}]}
    hidden = {"legend": False, "tooltip": False, "viz": False}
    defaults["custom"] |= {"axisPlacement": "auto", "hideFrom": hidden, "insertNulls": False, "spanNulls": False}
    panel["options"]["legend"] |= {"showLegend": True, "calcs": []}
    panel["options"]["tooltip"] |= {"sort": "none", "hideZeros": False}
    panel["options"]["perPage"] = 20


_FINISH: dict[str, Callable[[Json], None]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "table": _table,
    "bargauge": _bargauge,
    "heatmap": _heatmap,
    "state-timeline": _statetimeline,
}
