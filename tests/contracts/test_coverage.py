"""Monitoring covers everything that runs: each service has a scrape job, alerts that see it gone, and a panel."""

from __future__ import annotations

import pytest

from compose.service import Service
from compose.topology import SERVICES
from metrics import stack
from tests.contracts import rendered
from tests.contracts.promql import metrics_of, parse, selectors

TOLD_BY_EXPORTERS = {"postgresql": "pg_up", "redis": "redis_up"}  # by the protocol that it speaks
ALERTS = {rule["alert"]: rule for rule in rendered.rules() if "alert" in rule}


def jobs_of(expression: str, name: str = "up") -> set[str]:
    """The values of `job` that the expression selects of a metric; an empty text where it selects every job."""
    found: set[str] = set()
    for selector in selectors(parse(expression)):
        if selector.name == name:
            jobs = {matcher.value for matcher in selector.matchers.matchers if matcher.name == "job"}
            found |= {"" if job.startswith("$") else job for job in jobs or {""}}
    return found


def names(expression: str) -> set[str]:
    """The metrics that the expression reads."""
    return {metric.name for metric in metrics_of(expression)}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_has_a_job_alerts_and_a_panel(service: Service) -> None:
    job = service.job
    if not job:  # it tells nothing itself: the watcher asks it, and an exporter tells of it
        assert jobs_of(ALERTS["ServiceDown"]["expr"], "watchfloor_service_up") == {""}
        if up := TOLD_BY_EXPORTERS.get(service.check):
            assert any(up in names(rule["expr"]) for rule in ALERTS.values())
            assert any(up in names(query.expr) for query in rendered.queries())
        return
    assert job in stack.JOBS
    assert job in jobs_of(ALERTS["TargetAbsent"]["expr"])
    assert jobs_of(ALERTS["TargetDown"]["expr"]) == {""}


def test_a_panel_shows_whether_the_targets_of_all_jobs_answer() -> None:
    assert [query for query in rendered.queries() if jobs_of(query.expr) == {""}]


def test_each_dashboard_that_a_link_names_exists() -> None:
    uids = {board["uid"] for board in rendered.dashboards()}
    linked = {rule["annotations"]["dashboard_url"].split("/d/")[1].split("?")[0] for rule in ALERTS.values()}

    assert uids == set(stack.DASHBOARDS)
    assert linked <= uids
