"""The system exporter over HTTP, as Prometheus and a person meet it."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tests.exporters.servers import Server, ours, series
from tests.waiting import until

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with ours() as running:
        yield running


def test_plain_text_is_the_default_and_parses(server: Server) -> None:
    status, headers, body = server.get()
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in plain(body.decode())}
    assert {"node_load1", "node_memory_MemTotal_bytes", "watchfloor_build_info", "process_cpu_seconds"} <= names


def test_openmetrics_when_it_is_asked_for(server: Server) -> None:
    _, headers, body = server.get(Accept=OPENMETRICS)
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in openmetrics(body.decode())}  # type: ignore[no-untyped-call]  # the library has none
    assert families["node_cpu_seconds"].type == "counter"
    assert families["node_vmstat_pgfault"].type == "unknown"  # a counter whose ecosystem name lacks _total


def test_gzip_when_it_is_asked_for(server: Server) -> None:
    _, headers, body = server.get(Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    text = gzip.decompress(body).decode()
    assert len(body) < len(text) / 4
    assert "node_load1 " in text


def test_collect_limits_the_answer_to_the_named_collectors(server: Server) -> None:
    found = series(server.text("/metrics?collect[]=loadavg&collect[]=filefd"))
    own = {name for name in found if not name.startswith(("watchfloor_collector_", "node_scrape_collector_"))}
    assert own == {"node_load1", "node_load5", "node_load15", "node_filefd_allocated", "node_filefd_maximum"}
    assert {dict(labels)["collector"] for labels in found["node_scrape_collector_success"]} == {"loadavg", "filefd"}


def test_an_unknown_collector_is_refused_with_the_known_names(server: Server) -> None:
    status, headers, body = server.get("/metrics?collect[]=cpu&collect[]=%3Cscript%3E")
    assert status == 400
    assert headers["Content-Type"].startswith("text/plain")
    text = body.decode()
    assert "'<script>'" in text
    assert re.search(r"known are cpu, .*\bmeminfo\b", text)


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "0", "1e999"])
def test_a_senseless_timeout_is_not_believed(server: Server, value: str) -> None:
    status, _, body = server.get("/metrics?collect[]=loadavg", X_Prometheus_Scrape_Timeout_Seconds=value)
    assert status == 200
    assert series(body.decode())["node_scrape_collector_success"][("collector", "loadavg"),] == 1


def test_every_collector_succeeds_on_this_machine(server: Server) -> None:
    found = series(server.text())
    failed = [dict(labels)["collector"] for labels, value in found["node_scrape_collector_success"].items() if value != 1]
    assert failed == []


def test_scrapes_are_counted(server: Server) -> None:
    def count() -> float:
        return series(server.text())["watchfloor_exporter_scrapes_total"][("domain", "system"),]

    first = count()
    assert count() == first + 1


def test_no_series_stands_twice(server: Server) -> None:
    lines = [line.rpartition(" ")[0] for line in server.text().splitlines() if not line.startswith("#")]
    assert sorted(set(lines)) == sorted(lines)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(server: Server, path: str) -> None:
    assert server.get(path)[0] == 200


def test_the_page_links_and_keeps_to_its_policy(server: Server) -> None:
    status, headers, body = server.get("/")
    page = body.decode()
    assert status == 200
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script|style=|https?://", page)
    for link in re.findall(r'href="([^"]+)"', page):
        assert server.get(link)[0] == 200, link
    assert "/metrics?collect%5B%5D=meminfo" in page


def test_other_paths_and_methods_are_refused(server: Server) -> None:
    assert server.get("/nothing")[0] == 404
    for target in ("nowhere", "127.0.0.1%3A22"):
        assert server.get(f"/probe?target={target}")[0] == 404
    server.connection.request("POST", "/metrics", body=json.dumps({}))
    answer = server.connection.getresponse()
    answer.read()
    assert answer.status == 405


def test_counters_never_fall_from_scrape_to_scrape(server: Server) -> None:
    counters = {line.split()[2] for line in server.text().splitlines() if line.startswith("# TYPE") and line.endswith(" counter")}
    before = series(server.text())
    until("time has passed", lambda: series(server.text())["node_time_seconds"][()] > before["node_time_seconds"][()] + 0.2)
    after = series(server.text())
    for name in counters:
        for labels, value in before.get(name, {}).items():
            if labels not in after.get(name, {}):  # an interface of other tests may be gone
                assert "device" in dict(labels), (name, labels)
                continue
            assert after[name][labels] >= value, (name, labels)
