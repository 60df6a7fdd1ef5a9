"""The real services expose what is declared, all of it and nothing else, under exactly the declared labels."""

from __future__ import annotations

import urllib.parse
from collections import defaultdict

import pytest

from metrics import catalog
from metrics.query import TARGET_LABELS
from metrics.usage import usage
from tests.appliance import Appliance, get
from tests.live.panels.asking import annotation_queries
from tests.waiting import until

# Prometheus adds these to each scrape and alert; those that we use are declared.
_PROMETHEUS_ADDS = ("up", "scrape_", "ALERTS")
_FOLDERS = {
    "alerts/inbox": "inbox",
    "compose": "watcher",
    "dashboards/preview": "preview",
    "exporters": "system",
    "stream": "stream",
    "stream/analysis": "analysis",
    "stream/store/upkeep": "store",
}
_PREFIXES = {"pg_": "postgres", "redis_": "redis"}
_JOBS = (*_FOLDERS.values(), "probe", "model_quality", "redis")
COLLECTED = usage().collected


def exposed(appliance: Appliance, job: str) -> dict[str, set[str]]:
    """Label names by series name, of one job, as Prometheus has them."""
    query = urllib.parse.urlencode({"match[]": f'{{job="{job}"}}'})
    found: dict[str, set[str]] = defaultdict(set)
    for series in get(appliance.url("prometheus", f"/api/v1/series?{query}"))["data"]:
        # Recording rules keep the job of their source.
        metric = catalog.find(series["__name__"])
        if not (metric and metric.emitter) and not series["__name__"].startswith(_PROMETHEUS_ADDS):
            found[series["__name__"]] |= set(series) - {"__name__", *TARGET_LABELS}
    return found


def job_of(name: str) -> str:
    """The job that must expose a metric; an empty text for what every service exposes, or none of ours."""
    for place in COLLECTED[name]:
        if place.startswith("`"):
            # The frame of the exporters tells each domain's success under the domain's own names.
            return next((job for start, job in _PREFIXES.items() if name.startswith(start)), _FOLDERS[place.strip("`")])
    exporter, found, _ = COLLECTED[name][0].partition(" exporter, collector ")
    return exporter if found else ""


@pytest.mark.parametrize("job", _JOBS)
def test_what_a_service_exposes_is_declared(job: str, appliance: Appliance) -> None:
    found = exposed(appliance, job)

    assert found
    undeclared = [name for name in found if (metric := catalog.find(name)) is None or name not in metric.series]
    assert undeclared == []
    for name, labels in found.items():
        metric = catalog.find(name)
        assert metric is not None
        extra = {"le"} if name.endswith("_bucket") else set()
        # Processes that share a job are told apart by `worker`. A label whose value is empty is none to Prometheus.
        assert labels - extra - {"worker"} <= set(metric.labels), name


@pytest.mark.parametrize("job", _JOBS)
def test_what_is_declared_is_exposed(job: str, appliance: Appliance) -> None:
    own = [
        metric
        for metric in catalog.all_metrics()
        if not metric.emitter and not metric.absent and job_of(metric.name) in (job, "")
    ]
    wanted = {name for metric in own for name in metric.series}

    def complete() -> bool:
        missing.clear()
        missing.update(wanted - set(exposed(appliance, job)))
        return not missing

    missing: set[str] = set()
    try:
        until("every declared metric", complete, 30)
    except AssertionError:
        pytest.fail(f"{job} does not expose {sorted(missing)}")


@pytest.mark.parametrize("program", ["prometheus", "alertmanager"])
def test_what_we_use_of_other_programs_they_expose(program: str, appliance: Appliance) -> None:
    for metric in catalog.all_metrics():
        if metric.emitter == program and not metric.absent:
            query = urllib.parse.urlencode({"match[]": metric.series[0]})
            series = get(appliance.url("prometheus", f"/api/v1/series?{query}"))["data"]
            assert series, metric.name
            assert all(set(metric.labels) <= set(found) for found in series), metric.name


def test_prometheus_understands_what_every_annotation_asks(appliance: Appliance) -> None:
    asked = list(annotation_queries(appliance))
    assert asked
    assert [place for place in asked if place[1]] == []
