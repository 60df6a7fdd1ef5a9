"""Every name and label in rules, dashboards and their templates is declared."""

from __future__ import annotations

import re
from typing import Any

import pytest

from metrics import catalog
from metrics.model import RECORDING_RULE
from metrics.query import TARGET_LABELS
from tests.contracts import panels, rendered
from tests.contracts.promql import UndeclaredError, labels, metrics_of, parse

QUERIES = list(rendered.queries())
RULES = list(rendered.rules())
VARIABLES = list(rendered.variables())
_LABEL = re.compile(r"\$labels\.(\w+)")
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+),\s*(?P<label>\w+)\)")


def rule_id(rule: dict[str, str]) -> str:
    return rule.get("alert") or f"{rule['record']} = {rule['expr'][:40]}"


def test_there_is_something_to_hold_to_the_contract() -> None:
    assert len(QUERIES) > 20
    assert len(RULES) > 10
    assert VARIABLES


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_a_panel_reads_declared_names_and_labels(query: rendered.Query) -> None:
    panels.check(query)


@pytest.mark.parametrize(("place", "query"), VARIABLES, ids=[place for place, _ in VARIABLES])
def test_a_variable_asks_for_a_declared_label(place: str, query: str) -> None:
    found = _LABEL_VALUES.fullmatch(query)

    assert found, place
    assert found["label"] in labels(parse(found["selector"]))


@pytest.mark.parametrize("rule", RULES, ids=rule_id)
def test_a_rule_reads_declared_names_and_labels(rule: dict[str, Any]) -> None:
    result = labels(parse(rule["expr"])) | set(rule.get("labels", {}))

    used = {name for text in rule.get("annotations", {}).values() for name in _LABEL.findall(text)}
    assert used <= result, "an annotation names a label that the alert does not have"


@pytest.mark.parametrize(("place", "series"), list(rendered.rule_cases()), ids=[place for place, _ in rendered.rule_cases()])
def test_a_rule_test_feeds_declared_names_and_labels(place: str, series: dict[str, str]) -> None:
    for selector in series:
        assert labels(parse(selector)), place


@pytest.mark.parametrize("rule", [rule for rule in RULES if "record" in rule], ids=rule_id)
def test_a_recorded_name_is_declared_with_the_labels_that_it_gets(rule: dict[str, str]) -> None:
    metric = catalog.find(rule["record"])

    assert metric is not None
    assert metric.emitter == RECORDING_RULE
    made = (labels(parse(rule["expr"])) | set(rule.get("labels", {}))) - set(TARGET_LABELS)
    assert made - ({"le"} if rule["record"].endswith("_bucket") else set()) == set(metric.labels)


@pytest.mark.parametrize("rule", [rule for rule in RULES if "alert" in rule], ids=rule_id)
def test_an_alert_names_a_declared_signal(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["signal"] in catalog.signals()


def test_every_declared_signal_that_is_recorded_is_rendered() -> None:
    assert {rule["record"] for rule in RULES if "record" in rule} == {
        name for metric in catalog.recorded() for name in metric.series
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "node_load2",
        "sum(node_load1_total)",
        "watchfloor_inbox_delivery_seconds",
        'node_cpu_seconds_total{cpus="0"}',
        "sum by (device) (node_load1)",
        "node_load1 * on (device) node_load5",
        "node_load1 * on (instance) group_left (nodename) node_load5",
        'watchfloor_inbox_notifications_total{status="open"}',
        'label_replace(up, "a", "$1", "zone", "(.*)")',
        "absent(node_load2)",
        'rate(node_cpu_seconds_total{mod="idle"}[$__rate_interval])',
        "max_over_time(node_load2[1h:1m])",
    ],
)
def test_the_contract_sees_what_is_wrong(wrong: str) -> None:
    with pytest.raises(UndeclaredError):
        labels(parse(wrong))


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("node_load1", {"cluster", "job", "instance"}),
        ('sum by (cpu) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', {"cpu"}),
        ("topk($top, node_load1)", {"cluster", "job", "instance"}),
        ("sum without (cpu, cluster, job, instance) (node_cpu_seconds_total)", {"mode"}),
        ('absent(up{job="system"})', {"job"}),
        ('label_replace(sum by (job) (up), "service", "$1", "job", "(.*)")', {"job", "service"}),
        ("histogram_quantile(0.9, sum by (le) (rate(watchfloor_inbox_delivery_seconds_bucket[1h])))", set()),
        ("node_load1 * on (instance) group_left (nodename) node_uname_info", {"cluster", "job", "instance", "nodename"}),
    ],
)
def test_the_contract_knows_the_labels_of_a_result(expression: str, result: set[str]) -> None:
    assert labels(parse(expression)) == result
    assert metrics_of(expression)
