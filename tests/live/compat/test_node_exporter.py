"""Dashboards and rules made for node_exporter work on our system exporter: same names, labels, values."""

import pytest

from exporters.system import collectors
from exporters.system.procfs import Roots
from settings.exporters import SystemExporter
from tests.exporters.servers import NODE_EXPORTER, ours, series, theirs
from tests.live.compat.compare import Row, compare, share, table, wrong
from tests.live.compat.missing import COLLECTORS, NAMES

pytestmark = pytest.mark.skipif(not NODE_EXPORTER, reason="prometheus-node-exporter is not installed")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with ours() as left, theirs() as right:
        return compare(left, right)


def test_at_least_nine_of_ten_names_are_ours_with_the_same_labels(rows: list[Row]) -> None:
    print(table(rows))
    assert len(rows) > 200
    assert share(rows) >= 0.9


def test_what_is_missing_has_a_reason(rows: list[Row]) -> None:
    assert {row.name for row in rows if not row.matches} - NAMES.keys() == set()


def test_values_agree(rows: list[Row]) -> None:
    assert list(wrong(rows)) == []
    assert sum(row.compared for row in rows) > 250


def test_no_series_of_a_shared_name_is_lacking(rows: list[Row]) -> None:
    ours_alone = {row.name: row.lacking for row in rows if row.matches and row.lacking}
    per_collector = ("node_scrape_collector_success", "node_scrape_collector_duration_seconds")
    assert {name: labels for name, labels in ours_alone.items() if name not in per_collector} == {}


def test_each_of_its_default_collectors_is_ours_or_has_a_reason() -> None:
    with theirs() as server:
        found = series(server.text())["node_scrape_collector_success"]
    known = {collector.name for collector in collectors(SystemExporter(), Roots())}
    assert {dict(labels)["collector"] for labels in found} - known - COLLECTORS.keys() == set()
