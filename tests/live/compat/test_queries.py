"""Panels and alerts on the machine and on PostgreSQL get their data from Debian's exporters too, but for what is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest

from metrics import catalog
from tests.appliance import Appliance
from tests.contracts.rendered import queries, rules
from tests.exporters.servers import NODE_EXPORTER, POSTGRES_EXPORTER, version_of
from tests.live.compat.compare import reason
from tests.live.compat.postgres import OURS_ALONE, SINCE_0_13
from tests.live.conftest import all_up
from tests.waiting import until

pytestmark = pytest.mark.skipif(not (NODE_EXPORTER and POSTGRES_EXPORTER), reason="Debian's exporters are not installed")
_NAMES = re.compile(r"\b(?:node|pg)_\w+")
_VARIABLE = re.compile(r"\$\{?\w+(?::\w+)?\}?")


@pytest.fixture(scope="module")
def appliance() -> Iterator[Appliance]:
    standard = {"system": {"exporter": "standard"}, "postgres": {"exporter": "standard"}}
    with Appliance(factor=0.1, settings={"exporters": standard}) as running:
        until("every target has been scraped", lambda: all_up(running), 60)
        until("a rate has its samples", lambda: running.query("rate(node_cpu_seconds_total[20s])"))
        until("PostgreSQL was asked", lambda: running.query("rate(pg_stat_database_xact_commit[20s])"))
        yield running


def expected(name: str) -> bool:
    """Whether a metric must have samples: not where it has none on a healthy machine, and not where its absence is listed."""
    metric = catalog.find(name)
    older = version_of(POSTGRES_EXPORTER).startswith("0.1") and int(version_of(POSTGRES_EXPORTER).split(".")[1]) < 13
    return not (metric and metric.absent) and not reason(OURS_ALONE, name) and not (older and reason(SINCE_0_13, name))


def test_debians_exporters_run_in_the_place_of_ours(appliance: Appliance) -> None:
    assert appliance.query('node_exporter_build_info{job="system"}')
    assert appliance.query('pg_exporter_last_scrape_error{job="postgres"} == 0')
    assert not appliance.query('watchfloor_collector_success{domain="system"}')


def test_queries_of_panels_are_answered(appliance: Appliance) -> None:
    asked = [query for query in queries() if _NAMES.search(query.expr)]
    wanted = [query for query in asked if all(map(expected, _NAMES.findall(query.expr)))]
    assert len(wanted) > 50
    for query in wanted:
        plain = _VARIABLE.sub(".*", re.sub(r"\$__(?:rate_interval|interval|range)\b", "20s", query.expr))
        until(f"{query.place}: {query.expr}", partial(appliance.query, plain))  # a scrape may be missed on a busy machine


def test_metrics_of_alerts_are_there(appliance: Appliance) -> None:
    names = {name for rule in rules() for name in _NAMES.findall(rule["expr"])}
    assert len(names) > 20
    for name in filter(expected, sorted(names)):
        until(name, partial(appliance.query, name))
