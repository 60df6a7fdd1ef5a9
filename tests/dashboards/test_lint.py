"""Each rule of the lint, broken once on a real dashboard: it is found, and named with its panel."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards import build, cli, heat, lint
from metrics.stack import DASHBOARD_SYSTEM
from settings import Site

GOOD = build.build(Site())[f"{DASHBOARD_SYSTEM}.json"]
Board = dict[str, Any]


def first(board: Board) -> dict[str, Any]:
    return next(lint.panels(board))


def put(key: str, value: Any) -> Callable[[Board], None]:
    return lambda board: board.__setitem__(key, value)


def put_panel(key: str, value: Any) -> Callable[[Board], None]:
    return lambda board: first(board).__setitem__(key, value)


def put_target(key: str, value: Any) -> Callable[[Board], None]:
    return lambda board: first(board)["targets"][0].__setitem__(key, value)


def drop_variable(name: str) -> Callable[[Board], None]:
    def drop(board: Board) -> None:
        board["templating"]["list"] = [item for item in board["templating"]["list"] if item["name"] != name]

    return drop


def share_id(board: Board) -> None:
    board["panels"][1]["id"] = board["panels"][2]["id"]


def share_id_inside_a_folded_row(board: Board) -> None:
    folded = next(panel for panel in board["panels"] if panel.get("collapsed"))
    folded["panels"][0]["id"] = board["panels"][1]["id"]


def drop_unit(board: Board) -> None:
    del first(board)["fieldConfig"]["defaults"]["unit"]


def fold_first_row(board: Board) -> None:
    board["panels"][0]["collapsed"] = True


def lines(board: Board) -> dict[str, Any]:
    return next(panel for panel in lint.panels(board) if panel["type"] == "timeseries")


def put_line(**target: str) -> Callable[[Board], None]:
    return lambda board: lines(board)["targets"][0].update(target)


def drop_annotation(number: int) -> Callable[[Board], None]:
    return lambda board: board["annotations"]["list"].pop(number)


def short_legend(board: Board) -> None:
    lines(board)["options"]["legend"]["calcs"] = ["lastNotNull", "max"]


_DISKS = 'rate(node_disk_reads_completed_total{instance=~"$instance"}[$__rate_interval])'
BROKEN = {
    "graphTooltip: is not the shared crosshair": put("graphTooltip", 0),
    "annotations: lack alerts": drop_annotation(0),
    "annotations: lack events": drop_annotation(1),
    "links: lead to no neighbour": put("links", []),
    "first row: is folded": fold_first_row,
    "first row: is folded or not there": put("panels", [{"id": 1, "type": "stat"}]),
    "CPU Usage: may draw any number of lines": put_line(expr=_DISKS, legendFormat="{{device}}"),
    "CPU Usage: may draw any number of lines: cut": put_line(expr=f"sum by (device) ({_DISKS})", legendFormat="reads"),
    "CPU Usage: may draw 20 lines": put_line(expr=f"topk(20, {_DISKS})", legendFormat="{{device}}"),
    "CPU Usage A: is cut by a number": put_line(expr=f"topk(12, {_DISKS})", legendFormat="{{device}}"),
    "CPU Usage A: chooses its lines anew at each step": put_line(expr=f"topk($top, {_DISKS})", legendFormat="{{device}}"),
    "CPU Usage: may draw any number of lines: cut it to $top": put_line(expr=_DISKS, legendFormat="{{instance}}"),
    "variable top": drop_variable("top"),
    "CPU Usage: percentiles of watchfloor_x_seconds stand alone": put_line(
        expr='histogram_quantile(0.9, sum by (le) (rate(watchfloor_x_seconds_bucket{instance=~"$instance"}[$__rate_interval])))'
    ),
    "CPU Usage: the legend lacks one of": short_legend,
    "uid: is missing": put("uid", ""),
    "title: is empty": put("title", ""),
    "description: is empty": put("description", None),
    "schemaVersion: is 12": put("schemaVersion", 12),
    "rows: were removed": put("rows", [{}]),
    "variable datasource": drop_variable("datasource"),
    "variable job": drop_variable("job"),
    "variable cluster": drop_variable("cluster"),
    "variable instance": drop_variable("instance"),
    "id: two panels share one": share_id,
    "id: two panels share one, or one": share_id_inside_a_folded_row,
    "type 'graph'": put_panel("type", "graph"),
    "title is empty": put_panel("title", ""),
    "description is empty": put_panel("description", ""),
    "Machines down: description does not tell what is normal": put_panel("description", "How many do not answer. 0 is normal."),
    "Machines down: description does not tell what to do": put_panel("description", "How many do not answer. Normal: 0."),
    "Machines down: description does not tell": put_panel("description", "Normal: 0."),
    "has no query": put_panel("targets", []),
    "has no unit": drop_unit,
    "maxDataPoints is set": put_panel("maxDataPoints", 100),
    "Machines down: datasource is not the variable": put_panel("datasource", {"uid": "abc"}),
    "Machines down A: datasource is not the variable": put_target("datasource", {"uid": "${DS_PROMETHEUS}"}),
    "has no expression": put_target("expr", " "),
    "intervalFactor is set": put_target("intervalFactor", 2),
    "falls back to a constant": put_target("expr", 'sum(up{instance=~"$instance"} == 0) or vector(0)'),
    "rate over 2m: use $__rate_interval": put_target("expr", 'rate(node_forks_total{instance=~"$instance", a="[1h]"}[2m])'),
    "no selector uses the variables": put_target("expr", "up"),
}


def test_the_dashboard_itself_is_clean() -> None:
    assert lint.lint(GOOD) == []


@pytest.mark.parametrize("said", BROKEN)
def test_a_broken_rule_is_found(said: str) -> None:
    board = copy.deepcopy(GOOD)
    BROKEN[said](board)
    assert [finding for finding in lint.lint(board) if said in finding], lint.lint(board)


def test_each_reason_for_no_heatmap_is_of_percentiles_that_are_drawn_without_one() -> None:
    boards = [list(lint.panels(board)) for board in build.build(Site()).values()]
    drawn = {name for found in boards for panel in found if panel["type"] == "timeseries" for name in heat.read(panel)}
    assert heat.ALONE.keys() <= drawn


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"'])
def test_a_file_that_is_no_dashboard(text: str) -> None:
    assert lint.lint_text(text)


def test_the_command_names_file_and_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", str(tmp_path)]) == 1
    assert "holds no dashboard" in capsys.readouterr().err
    (tmp_path / "good.json").write_text(json.dumps(GOOD), encoding="utf-8")
    assert cli.main(["lint", str(tmp_path)]) == 0
    (tmp_path / "bad.json").write_text(json.dumps(GOOD | {"uid": ""}), encoding="utf-8")
    assert cli.main(["lint", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f"{tmp_path / 'bad.json'}: uid: is missing" in error
    assert "good.json" not in error


def test_a_folder_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "--defaults", "--out", "/proc/nowhere"]) == 2
    assert capsys.readouterr().err == "/proc/nowhere: No such file or directory: name a folder that can be written\n"
