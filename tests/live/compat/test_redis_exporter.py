"""Dashboards and rules made for redis_exporter work on our Redis exporter: same names, labels, values."""

import pytest

from tests.exporters.servers import REDIS_EXPORTER
from tests.live.compat.compare import Row, compare, lacking, share, unexplained, wrong
from tests.live.compat.page import part
from tests.live.compat.redis import PEER

pytestmark = pytest.mark.skipif(not REDIS_EXPORTER, reason="prometheus-redis-exporter is not installed")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compare(PEER)


def test_at_least_95_of_100_names_are_ours_with_the_same_labels(rows: list[Row]) -> None:
    print(part(PEER, rows))
    assert len(rows) > 120
    assert share(rows) >= 0.95


def test_what_is_missing_has_a_reason(rows: list[Row]) -> None:
    assert list(unexplained(PEER, rows)) == []


def test_values_agree(rows: list[Row]) -> None:
    assert wrong(rows) == []
    assert sum(row.compared for row in rows) > 200


def test_no_series_of_a_shared_name_is_lacking(rows: list[Row]) -> None:
    assert lacking(PEER, rows) == {}
