"""Nothing is declared for nobody: each metric is drawn, alerted on, or says why not."""

from __future__ import annotations

import pytest

from metrics import catalog
from metrics.__main__ import complaints
from metrics.usage import usage
from tests.contracts import rendered
from tests.contracts.promql import metrics_of

USED = usage()
OWN = [metric for metric in catalog.all_metrics() if catalog.is_own(metric)]


def test_each_metric_is_drawn_alerted_on_or_says_why_not() -> None:
    assert list(complaints(USED)) == []


def test_few_of_our_own_are_internal() -> None:
    internal = [metric.name for metric in OWN if metric.internal]

    assert OWN
    assert len(internal) <= catalog.MOST_INTERNAL * len(OWN), internal


def test_each_metric_comes_from_somewhere() -> None:
    assert [metric.name for metric in catalog.all_metrics() if not USED.collected.get(metric.name)] == []


def test_a_metric_of_another_program_is_not_ours_to_emit() -> None:
    foreign = [metric for metric in catalog.all_metrics() if metric.emitter]

    assert [metric.name for metric in foreign if USED.collected[metric.name] != (metric.emitter,)] == []


@pytest.mark.parametrize("query", list(rendered.queries()), ids=lambda query: query.place)
def test_tokens_and_the_parser_find_the_same_metrics_in_panels(query: rendered.Query) -> None:
    """The documentation finds names without a parser; here the parser checks it."""
    for metric in metrics_of(query.expr):
        assert query.place in USED.drawn[metric.name]


def test_tokens_and_the_parser_find_the_same_metrics_in_alerts() -> None:
    for rule in rendered.rules():
        if "alert" in rule:
            for metric in metrics_of(rule["expr"]):
                assert USED.alerted[metric.name][rule["alert"]] == ""


def test_what_an_alert_reads_through_a_recording_counts_as_alerted_on() -> None:
    assert USED.alerted["node_cpu_seconds_total"]["HighCPUUsage"] == "system_cpu_usage"
