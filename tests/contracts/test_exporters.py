"""The system exporter exposes what is declared and declares what it exposes; each metric has one emitter."""

from collections.abc import Iterator

import pytest

from exporters.system import collectors
from exporters.system.procfs import Roots
from metrics import process, stack, system
from metrics.model import Metric
from metrics.system import host
from settings.exporters import SystemExporter
from tests.exporters.servers import ROOT, Series, Server, ours, series

COLLECTORS = {collector.name: collector for collector in collectors(SystemExporter(), Roots())}
# What the exporter tells of its collectors and itself, beside what collectors emit.
PER_COLLECTOR = {
    host.SCRAPE_DURATION,
    host.SCRAPE_SUCCESS,
    stack.COLLECTOR_SUCCESS,
    stack.COLLECTOR_DURATION,
    stack.COLLECTOR_TIMEOUTS,
    stack.COLLECTOR_ERRORS,
}
OF_ITSELF = {*process.METRICS, stack.BUILD_INFO, stack.EXPORTER_SCRAPES}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with ours() as running:
        yield running


def names(metrics: set[Metric] | tuple[Metric, ...]) -> set[str]:
    return {metric.name for metric in metrics}


def check(found: Series, declared: set[Metric]) -> None:
    """Both directions, and the labels."""
    assert found.keys() - names(declared) == set(), "exposed but not declared"
    silent = {metric.name for metric in declared if not metric.absent and metric.name not in found}
    assert silent == set(), "declared without `absent`, but not exposed"
    for metric in declared:
        for labels in found.get(metric.name, {}):
            assert {name for name, _ in labels} <= set(metric.labels), metric.name


def test_the_whole_exposition(server: Server) -> None:
    emitted = {metric for collector in COLLECTORS.values() for metric in collector.emits}
    check(series(server.text()), emitted | PER_COLLECTOR | OF_ITSELF)


@pytest.mark.parametrize("name", sorted(COLLECTORS))
def test_each_collector(server: Server, name: str) -> None:
    found = series(server.text(f"/metrics?collect[]={name}"))
    assert found["node_scrape_collector_success"][("collector", name),] == 1
    check(found, set(COLLECTORS[name].emits) | PER_COLLECTOR)


def test_types_and_help_are_those_declared(server: Server) -> None:
    told: dict[str, dict[str, str]] = {"HELP": {}, "TYPE": {}}
    for line in server.text().splitlines():
        if line.startswith("# "):
            _, kind, name, text = line.split(" ", 3)
            assert name not in told[kind], f"{name}: its family stands twice"
            told[kind][name] = text
    declared = {metric.name: metric for metric in (*system.METRICS, *process.METRICS, *stack.METRICS)}
    for name, kind in told["TYPE"].items():
        assert kind == declared[name].type, name
        assert told["HELP"][name] == declared[name].help.replace("\\", "\\\\"), name


def test_every_declared_metric_has_one_emitter() -> None:
    owners: dict[Metric, list[str]] = {metric: [] for metric in system.METRICS}
    for collector in COLLECTORS.values():
        assert len(set(collector.emits)) == len(collector.emits), collector.name
        for metric in collector.emits:
            owners[metric].append(collector.name)
    for metric in (host.SCRAPE_DURATION, host.SCRAPE_SUCCESS):
        owners[metric].append("the runner")
    assert {metric.name: who for metric, who in owners.items() if len(who) != 1} == {}


def test_names_are_unique_and_stand_whole_in_the_source() -> None:
    every = [metric.name for metric in (*system.METRICS, *stack.METRICS, *process.METRICS)]
    assert len(set(every)) == len(every)
    source = "".join(path.read_text() for path in (ROOT / "metrics").rglob("*.py"))
    assert [name for name in every if source.count(f'"{name}"') != 1] == []


def test_labels_of_closed_sets_exist_from_the_start(server: Server) -> None:
    found = series(server.text())
    for metric in (*system.METRICS, stack.EXPORTER_SCRAPES):
        for label, values in metric.closed.items():
            seen = {dict(labels).get(label) for labels in found[metric.name]}
            assert seen >= set(values), metric.name
