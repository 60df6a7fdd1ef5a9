"""Dashboards and rules made for postgres_exporter work on our PostgreSQL exporter: same names, labels, values."""

import pytest

from tests.exporters.servers import POSTGRES_EXPORTER
from tests.live.compat.compare import Row, compare, lacking, share, unexplained, wrong
from tests.live.compat.page import part
from tests.live.compat.postgres import PEER

pytestmark = pytest.mark.skipif(not POSTGRES_EXPORTER, reason="prometheus-postgres-exporter is not installed")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compare(PEER)


def test_nearly_all_names_are_ours_with_the_same_labels(rows: list[Row]) -> None:
    print(part(PEER, rows))
    assert len(rows) > 300
    assert share(rows) >= 0.95


def test_what_is_missing_has_a_reason(rows: list[Row]) -> None:
    assert list(unexplained(PEER, rows)) == []


def test_values_agree(rows: list[Row]) -> None:
    assert wrong(rows) == []
    assert sum(row.compared for row in rows) > 400


def test_no_series_of_a_shared_name_is_lacking(rows: list[Row]) -> None:
    assert lacking(PEER, rows) == {}
