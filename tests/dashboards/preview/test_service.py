"""The service, against a real Prometheus: data, errors in their panel, reasons for silence, headers, metrics."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from dashboards.preview.library import DEFAULTS
from dashboards.preview.model import parse
from metrics import stack
from tests.dashboards.preview import world
from tests.dashboards.preview.conftest import World
from tests.waiting import free_ports, until


def outline(text: str) -> dict[str, Any]:
    found = re.search(r'id="outline">(.*?)</script>', text)
    assert found
    made: dict[str, Any] = json.loads(found[1])
    return made


def test_a_chart_has_series_on_one_grid(running: World) -> None:
    made = world.panel(running.preview, "kitchen", 6)
    assert made["errors"] == []
    assert made["series"]
    assert all(len(series["values"]) == made["count"] for series in made["series"])
    assert "[4s]" in made["queries"][0]["expr"]
    assert made["axis"]["unit"] == "reqps"


def test_a_stat_and_a_mapping(running: World) -> None:
    assert [item["text"] for item in world.panel(running.preview, "kitchen", 3)["items"]] == ["Up"]
    assert world.panel(running.preview, "kitchen", 1)["items"][0]["state"] == "ok"


def test_a_table_has_a_row_per_target(running: World) -> None:
    def states() -> dict[str, str]:
        return {row[0]["text"]: row[2]["state"] for row in world.panel(running.preview, "kitchen", 9)["rows"]}

    made = world.panel(running.preview, "kitchen", 9)
    assert [column["name"] for column in made["columns"]] == ["Job", "instance", "Up", "Took"]
    wanted = {"prometheus": "ok", "hostile": "ok", "nobody": "critical"}
    until("a moment in which no scrape was missed", lambda: states() == wanted)


def test_a_foreign_name_for_this_machine_sees_nothing(running: World) -> None:
    """A stranger's name that points here would make his page one of our origin, which reads every figure."""
    for path in ("/", "/dashboards", "/d/kitchen", "/api/panel/kitchen/6", "/api/status", "/assets/page.js"):
        code, told, headers = world.get(running.preview + path, Host="evil.example")
        assert code == 421, path
        assert "set public_url in site.yaml" in told
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert world.get(running.preview + path, Host="desk:3000")[0] == 200, path
    assert world.get(f"{running.preview}/metrics", Host="preview.monitoring.svc:3000")[0] == 200


def test_a_query_error_stands_in_its_panel_in_prometheus_words(running: World) -> None:
    assert "parse error" in world.panel(running.preview, "kitchen", 11)["errors"][0]


def test_silence_has_a_reason(running: World) -> None:
    told = world.panel(running.preview, "kitchen", 10)["silence"]["text"]
    assert told.startswith("metric no_such_metric_total has no series")
    assert "job nobody, connection refused" in told
    assert world.panel(running.preview, "kitchen", 4)["silence"] == {"text": "None", "state": "", "words": "yes"}
    filtered = world.panel(running.preview, "kitchen", 7, **{"var-job": "hostile"})["silence"]["text"]
    assert "keeps none of them" in filtered


def test_the_committed_dashboards_have_no_query_that_prometheus_refuses(running: World, tmp_path: Path) -> None:
    files = sorted(DEFAULTS.glob("*.json"))
    assert files
    with world.preview(tmp_path, running.prometheus) as address:
        for file in files:
            dashboard = parse(file.read_bytes())
            for panel in dashboard.all_panels():
                made = world.panel(address, dashboard.uid, panel.id, **{"var-job": "$__all"})
                assert made["errors"] == [], panel.title
                assert made.get("silence", {"text": "data"})["text"], panel.title


def test_an_unreachable_prometheus_is_told_in_every_place(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    (tmp_path / "rendered" / "dashboards").mkdir(parents=True)
    (tmp_path / "rendered" / "dashboards" / "k.json").write_bytes(world.KITCHEN.read_bytes())
    with world.preview(tmp_path, nowhere) as address:
        words = f"Prometheus at {nowhere} does not answer: connection refused"
        assert words in world.panel(address, "kitchen", 6)["errors"][0]
        assert world.get(f"{address}/readyz")[:2] == (200, f"degraded: {words}\n")
        assert json.loads(world.get(f"{address}/api/status")[1])["state"] == "unknown"
        status, text, _ = world.get(f"{address}/d/kitchen")
        assert (status, words in str(outline(text)["problems"])) == (200, True)
        exposed = world.get(f"{address}/metrics")[1]
        found = re.search(rf'{stack.PREVIEW_QUERY_ERRORS.name}{{reason="unreachable"}} (\d+)', exposed)
        assert found
        assert int(found[1]) > 0


def test_broken_files_and_unknown_dashboards_are_told(running: World) -> None:
    status, text, _ = world.get(f"{running.preview}/dashboards")
    assert (status, "broken.json" in text, "is no JSON" in text) == (200, True, True)
    status, text, _ = world.get(f"{running.preview}/d/%3Cb%3E")
    assert (status, "&lt;b&gt;" in text, "<b>" in text) == (404, True, False)
    assert world.get(f"{running.preview}/api/panel/kitchen/999")[0] == 404
    assert world.get(f"{running.preview}/api/panel/kitchen/%C2%B2")[0] == 404
    assert outline(world.get(f"{running.preview}/d/kitchen")[1])["broken"]


def test_a_changed_file_is_shown(running: World) -> None:
    file = running.home / "rendered" / "dashboards" / "new.json"
    file.write_text('{"uid": "new", "title": "First", "panels": []}', encoding="utf-8")
    assert "First" in world.get(f"{running.preview}/d/new")[1]
    file.write_text('{"uid": "new", "title": "Second one", "panels": []}', encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert "Second one" in world.get(f"{running.preview}/d/new")[1]
    file.unlink()
    assert world.get(f"{running.preview}/d/new")[0] == 404


def test_unknown_values_of_an_address_are_told(running: World) -> None:
    query = "from=yesterday&refresh=often&var-job=nope&var-wombat=1&viewPanel=77"
    problems = str(outline(world.get(f"{running.preview}/d/kitchen?{query}")[1])["problems"])
    for words in (
        "'yesterday' is no time",
        "'often' is no interval",
        "'nope' is not among",
        "'wombat' is not one",
        "no panel '77'",
    ):
        assert words in problems


@pytest.mark.parametrize("query", ["viewPanel=%C2%B2", "viewPanel=" + "7" * 5000, "refresh=" + "7" * 5000 + "s"])
def test_numbers_that_are_none_are_told_too(running: World, query: str) -> None:
    status, text, _ = world.get(f"{running.preview}/d/kitchen?var-job=prometheus&{query}")
    assert (status, len(outline(text)["problems"])) == (200, 1)


def test_variables_are_asked_for_and_narrow_queries(running: World) -> None:
    found = outline(world.get(f"{running.preview}/d/kitchen?var-job=hostile")[1])
    variables = {one["name"]: one for one in found["variables"]}
    assert [option[0] for option in variables["job"]["options"]] == ["hostile", "nobody", "prometheus"]
    assert variables["job"]["selected"] == ["hostile"]
    assert variables["handler"]["options"] == []
    assert found["problems"] == ["Handler: has no value in this time range; its panels may be empty"]
    assert 'job="hostile"' in world.panel(running.preview, "kitchen", 6, **{"var-job": "hostile"})["queries"][0]["expr"]


def test_a_page_whose_clock_is_wrong_spoils_no_other_pages_variables(running: World) -> None:
    ahead = world.panel(running.preview, "kitchen", 7, at=str(round((time.time() + 600) * 1000)))
    assert ahead["series"] == [], "ten minutes ahead there is nothing yet, nor a job"
    here = world.panel(running.preview, "kitchen", 7)
    assert 'job="prometheus"' in here["queries"][0]["expr"]
    assert len(here["series"]) == 2


def test_the_strip_tells_what_fires(running: World) -> None:
    def firing() -> dict[str, Any] | None:
        found: dict[str, Any] = json.loads(world.get(f"{running.preview}/api/status")[1])
        return found if len(found["alerts"]) == 1 else None

    made = until("a firing alert", firing, 20)
    assert made["state"] == "critical"
    assert [one["title"] for one in made["alerts"]] == ["Target down <b>now</b>"]
    assert made["inbox"] == "http://localhost:9095"


@pytest.mark.parametrize(
    "path", ["/d/kitchen", "/dashboards", "/api/status", "/d/none", "/assets/none.js", "/assets/../model.py"]
)
def test_every_answer_has_a_strict_policy(running: World, path: str) -> None:
    headers = world.get(running.preview + path)[2]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_home_leads_to_a_dashboard_and_keeps_the_query(running: World) -> None:
    status, text, _ = world.get(f"{running.preview}/?from=now-1h")
    assert status == 200
    assert outline(text)["from"] == "now-1h"


def test_health_and_metrics(running: World) -> None:
    assert world.get(f"{running.preview}/healthz")[:2] == (200, "ok\n")
    assert world.get(f"{running.preview}/readyz")[:2] == (200, "ready\n")
    text = world.get(f"{running.preview}/metrics")[1]
    for metric in (stack.PREVIEW_REQUESTS, stack.PREVIEW_QUERY_DURATION, stack.PREVIEW_QUERY_ERRORS, stack.BUILD_INFO):
        assert f"# TYPE {metric.name} {metric.type}\n" in text
    assert 'service="preview"' in text


def test_it_stays_small(running: World) -> None:
    text = world.get(f"{running.preview}/metrics")[1]
    found = re.search(r"process_resident_memory_bytes (\d+)", text)
    assert found
    assert int(found[1]) < 50e6
