"""Dashboards and rules made for node_exporter work on our system exporter: same names, labels, values."""

import pytest

from exporters.system import collectors
from exporters.system.procfs import Roots
from settings.exporters import SystemExporter
from tests.exporters.servers import NODE_EXPORTER, series, theirs
from tests.live.compat.compare import Row, compare, lacking, share, unexplained, wrong
from tests.live.compat.node import PEER
from tests.live.compat.page import part

pytestmark = pytest.mark.skipif(not NODE_EXPORTER, reason="prometheus-node-exporter is not installed")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compare(PEER)


def test_nearly_all_names_are_ours_with_the_same_labels(rows: list[Row]) -> None:
    print(part(PEER, rows))
    assert len(rows) > 200
    assert share(rows) >= 0.95


def test_what_is_missing_has_a_reason(rows: list[Row]) -> None:
    assert list(unexplained(PEER, rows)) == []


def test_values_agree(rows: list[Row]) -> None:
    assert wrong(rows) == []
    assert sum(row.compared for row in rows) > 250


def test_no_series_of_a_shared_name_is_lacking(rows: list[Row]) -> None:
    assert lacking(PEER, rows) == {}


def test_each_of_its_default_collectors_is_ours_or_has_a_reason() -> None:
    with theirs() as server:
        found = series(server.text())["node_scrape_collector_success"]
    known = {collector.name for collector in collectors(SystemExporter(), Roots())}
    assert {dict(labels)["collector"] for labels in found} - known - PEER.collectors.keys() == set()
