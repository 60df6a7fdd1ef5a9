"""The built dashboards: lint, PromQL, the SDK's types, thresholds that follow site.yaml, and bytes that stay the same."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.models.bargauge import Options as BarGaugeOptions
from grafana_foundation_sdk.models.dashboard import Dashboard
from grafana_foundation_sdk.models.heatmap import FieldConfig as HeatmapField
from grafana_foundation_sdk.models.heatmap import Options as HeatmapOptions
from grafana_foundation_sdk.models.stat import Options as StatOptions
from grafana_foundation_sdk.models.statetimeline import FieldConfig as TimelineField
from grafana_foundation_sdk.models.statetimeline import Options as TimelineOptions
from grafana_foundation_sdk.models.table import Options as TableOptions
from grafana_foundation_sdk.models.timeseries import FieldConfig, Options

from dashboards import build, cli, lint, parts
from dashboards.panels import Panels, Query
from metrics import catalog, stack
from metrics.system import signals
from settings import Site, look, parse

BOARDS = build.build(Site())
OVERVIEW = BOARDS[f"{stack.DASHBOARD_OVERVIEW}.json"]
SYSTEM = BOARDS[f"{stack.DASHBOARD_SYSTEM}.json"]
WEBSOCKET = BOARDS[f"{stack.DASHBOARD_WEBSOCKET}.json"]
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in lint.panels(board)]
TITLES = [f"{name.removesuffix('.json')}/{panel['title']}" for name, panel in PANELS]
# Kind by kind: the type of its options, and of what is custom in its fields.
KINDS: dict[str, tuple[Any, Any]] = {
    "timeseries": (Options, FieldConfig),
    "stat": (StatOptions, None),
    "table": (TableOptions, None),
    "bargauge": (BarGaugeOptions, None),
    "heatmap": (HeatmapOptions, HeatmapField),
    "state-timeline": (TimelineOptions, TimelineField),
}
VARIABLE = re.compile(r"\$(cluster|job|instance|datname|route|model|endpoint|room|source)\b")


def concrete(expr: str) -> str:
    """An expression with Grafana's variables filled in, as Prometheus gets it."""
    times = re.compile(r"\$__(?:rate_interval|interval|range)\b").sub("1m", expr)
    return VARIABLE.sub(".*", times.replace("$top", "12"))


def find(board: dict[str, Any], title: str) -> dict[str, Any]:
    return next(panel for panel in lint.panels(board) if panel["title"] == title)


@pytest.mark.parametrize("name", BOARDS)
def test_no_rule_is_broken(name: str) -> None:
    assert lint.lint(BOARDS[name]) == []


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=TITLES)
def test_every_expression_is_promql_on_declared_metrics(name: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        parsed = promql_parser.parse(concrete(target["expr"]))
        names = selectors(parsed)
        assert names, f"{name}: {target['expr']} reads nothing"
        assert [metric for metric in names if catalog.find(metric) is None] == []


def selectors(node: Any) -> list[str]:
    """Names of all series that a parsed expression selects."""
    if isinstance(node, promql_parser.VectorSelector):
        return [str(node.name)]
    if isinstance(node, promql_parser.MatrixSelector):
        return [str(node.vector_selector.name)]
    children: list[Any] = []
    for attribute in ("expr", "lhs", "rhs", "param"):
        child = getattr(node, attribute, None)
        if child is not None:
            children.append(child)
    children += list(getattr(node, "args", None) or [])
    return [name for child in children for name in selectors(child)]


@pytest.mark.parametrize("name", BOARDS)
def test_the_sdk_reads_it_without_loss(name: str) -> None:
    """Grafana's own types: a key they do not know, or a wrong kind of value, would be lost on the way through."""
    board = BOARDS[name]
    through = json.loads(json.dumps(Dashboard.from_json(board), default=lambda value: value.to_json()))
    assert through["uid"] == board["uid"]
    assert through["schemaVersion"] == 42
    assert set(board) <= set(through) | {"version"}
    assert [panel["title"] for panel in through["panels"]] == [panel["title"] for panel in board["panels"]]
    for before, after in zip(lint.panels(board), lint.panels(through), strict=True):
        assert set(before) <= set(after), before["title"]
        assert after["gridPos"] == before["gridPos"]
        assert [target["expr"] for target in after["targets"]] == [target["expr"] for target in before["targets"]]


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=TITLES)
def test_options_are_those_of_grafana(name: str, panel: dict[str, Any]) -> None:
    options, custom_of = KINDS[panel["type"]]
    known = through(options, panel["options"])
    assert set(panel["options"]) <= set(known) | {"justifyMode", "showHeader"}, name
    for key in set(panel["options"]) & set(known):
        if not isinstance(known[key], dict | list):
            assert known[key] == panel["options"][key]
        elif isinstance(known[key], dict) and known[key]:
            assert set(panel["options"][key]) <= set(known[key]), f"{name} {key}"
    if custom_of:
        custom = panel["fieldConfig"]["defaults"]["custom"]
        assert set(custom) <= set(through(custom_of, custom))


def through(kind: Any, given: dict[str, Any]) -> dict[str, Any]:
    """A part of a panel read and written by one of the SDK's types."""
    made: dict[str, Any] = json.loads(json.dumps(kind.from_json(given), default=lambda value: value.to_json()))
    return made


def test_a_query_over_a_day_is_not_asked_for_every_ten_seconds() -> None:
    assert parts.least_step("sum(rate(a[24h])) / sum(rate(b[5m]))") == "360s"
    assert parts.least_step("increase(a[1h])") == parts.least_step("rate(a[$__rate_interval])") == ""
    board = BOARDS[f"{stack.DASHBOARD_ALERTS}.json"]
    assert {target["interval"] for target in find(board, "Time to firing")["targets"]} == {"360s"}


def test_each_kind_is_in_use() -> None:
    assert {panel["type"] for _, panel in PANELS} == set(KINDS)


def test_a_heatmap_shows_the_buckets_that_prometheus_has() -> None:
    for _, panel in PANELS:
        if panel["type"] == "heatmap":
            assert panel["options"]["calculate"] is False
            assert panel["options"]["color"]["scheme"] == "Cividis"
            assert [target["format"] for target in panel["targets"]] == ["heatmap"]
            assert all(re.search(r"^sum by \(le\) \(rate\(\w+_bucket\{", target["expr"]) for target in panel["targets"])


def test_no_two_panels_cover_each_other() -> None:
    for board in BOARDS.values():
        for group in (board["panels"], *(row["panels"] for row in board["panels"] if row["type"] == "row" and row["panels"])):
            cells: set[tuple[int, int]] = set()
            for panel in group:
                at = panel["gridPos"]
                own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                assert not own & cells, panel["title"]
                assert at["x"] + at["w"] <= 24
                cells |= own


def test_the_original_s_panels_come_first_under_their_titles() -> None:
    assert [panel["title"] for panel in SYSTEM["panels"]][7:10] == ["Utilisation", "CPU Usage", "Memory Usage"]
    assert all(board["panels"][0]["title"] == "Is it fine?" for board in BOARDS.values())
    assert [panel["title"] for panel in OVERVIEW["panels"]][:5] == [
        "Is it fine?", "Firing alerts", "Targets down", "Services down", "Alerting",
    ]  # fmt: skip
    titles = [panel["title"] for panel in WEBSOCKET["panels"]]
    assert titles[0] == "Is it fine?"
    assert titles[5:9] == ["Clients", "Active Connections", "Message Rate", "Broadcast Rate"]


def test_a_panel_draws_the_thresholds_that_its_alerts_compare_with() -> None:
    steps = find(SYSTEM, "CPU Usage")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps[1:]] == [(80, look.WARNING), (90, look.CRITICAL)]
    site = parse("alerts: {HighCPUUsage: {threshold: 70}}")
    board = build.build(site)[f"{stack.DASHBOARD_SYSTEM}.json"]
    changed = find(board, "CPU Usage")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in changed] == [None, 70, 90]


def test_the_original_s_rates_of_the_stream_are_over_five_minutes() -> None:
    asked = {
        title: find(WEBSOCKET, title)["targets"][0]["expr"] for title in ("Message Rate", "Broadcast Rate", "WebSocket Errors")
    }
    for title, name in zip(asked, ("ws_message_count", "ws_broadcast_count", "ws_error_count"), strict=True):
        assert re.search(rf"rate\({name}\{{[^}}]*\}}\[5m\]\)", asked[title]), asked[title]


def test_what_is_bad_below_is_coloured_from_below() -> None:
    steps = Panels(Site()).timeseries("x", "y", Query(signals.DISK_TIME_LEFT)).thresholds
    assert steps == [{"color": look.WARNING, "value": None}, {"color": "transparent", "value": 86400}]
    override = parse("alerts: {DiskFillingUp: {threshold: 3600}}")
    assert Panels(override).timeseries("x", "y", Query(signals.DISK_TIME_LEFT)).thresholds[1]["value"] == 3600


def test_a_panel_with_an_alert_links_its_runbook() -> None:
    links = [link["url"] for link in find(SYSTEM, "CPU Usage")["links"]]
    assert links == ["http://localhost:9095/runbooks/HighCPUUsage", "http://localhost:9095/runbooks/CriticalCPUUsage"]


def test_no_row_has_a_hole() -> None:
    for name, board in BOARDS.items():
        lines: dict[tuple[int, int], int] = {}
        for place, panel in enumerate(board["panels"]):
            for one in panel.get("panels") or ([] if panel["type"] == "row" else [panel]):
                key = (place if panel["type"] == "row" else -1, one["gridPos"]["y"])
                lines[key] = lines.get(key, 0) + one["gridPos"]["w"]
        assert set(lines.values()) == {24}, name


def test_a_limit_is_dashed_with_nothing_below_it_filled() -> None:
    panel = find(build.build(Site())[f"{stack.DASHBOARD_DATABASE}.json"], "Spool")
    limit = next(one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == "B")["properties"]
    assert {item["id"]: item["value"] for item in limit} == {
        "color": {"mode": "fixed", "fixedColor": "text"}, "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": [10, 6]},
    }  # fmt: skip


def test_state_colours_mean_state_alone() -> None:
    """Series take other hues, so that green, orange and red are read as ok, warning and critical."""
    states = {look.OK, look.WARNING, look.CRITICAL, look.INFO}
    for _, panel in PANELS:
        if panel["title"] == "Open alerts":
            continue  # counts states: critical and warning
        for override in panel["fieldConfig"]["overrides"]:
            for item in override["properties"]:
                if item["id"] == "color":
                    assert item["value"]["fixedColor"] not in states, panel["title"]


def test_the_committed_defaults_are_what_is_built(tmp_path: Path) -> None:
    began = time.process_time()
    assert cli.main(["build", "--defaults", "--out", str(tmp_path)]) == 0
    assert time.process_time() - began < 5  # a tenth of this, most times
    committed = Path(build.__file__).parent / "rendered"
    assert {path.name: path.read_text(encoding="utf-8") for path in committed.glob("*.json")} == {
        path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json")
    }
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert cli.main(["build", "--defaults", "--out", str(tmp_path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_list_tells_programs_every_panel(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--json", "--defaults"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == len(PANELS)
    cpu = next(panel for panel in listed if panel["dashboard"] == stack.DASHBOARD_SYSTEM and panel["title"] == "CPU Usage")
    assert cpu["metrics"] == ["system_cpu_usage"]
    assert cpu["unit"] == "percent"


def test_every_metric_of_our_own_is_drawn() -> None:
    drawn = {name for board in BOARDS.values() for panel in lint.described(board) for name in panel["metrics"]}
    own = [metric for metric in catalog.all_metrics() if metric.name.startswith(("watchfloor_", "system_"))]
    assert [metric.name for metric in own if metric.name not in drawn and not metric.internal] == []


def test_dashboards_offer_what_they_are_about() -> None:
    own = {
        name: [variable["name"] for variable in board["templating"]["list"]][4:-1]
        for name, board in BOARDS.items()
        if len(board["templating"]["list"]) > 5
    }
    wanted = {
        stack.DASHBOARD_FEEDS: ["source"], stack.DASHBOARD_WEBSOCKET: ["room"], stack.DASHBOARD_API: ["route"],
        stack.DASHBOARD_ANALYSIS: ["model"], stack.DASHBOARD_POSTGRES: ["datname"],
    }  # fmt: skip
    assert own == {f"{uid}.json": names for uid, names in wanted.items()}
    for uid, (name,) in wanted.items():
        asked = [target["expr"] for panel in lint.panels(BOARDS[f"{uid}.json"]) for target in panel["targets"]]
        assert sum(f'{name}=~"${name}"' in expr for expr in asked) > 3, uid
