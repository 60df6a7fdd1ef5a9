"""Why a panel is silent, in one sentence."""

from __future__ import annotations

import pytest

from dashboards.preview import silence
from dashboards.preview.silence import ScrapeTarget, Seen

NOON = 1_800_014_400.0
DOWN = ScrapeTarget(
    {"job": "node", "instance": "a:1"}, "down", 'Get "http://a:1/metrics": dial tcp 10.0.0.1:1: connect: connection refused'
)
UP = ScrapeTarget({"job": "node", "instance": "a:1"}, "up")


@pytest.mark.parametrize(
    ("expr", "metrics"),
    [
        ("up", ["up"]),
        (
            'sum by (le, job) (rate(http_seconds_bucket{job="a", x=~"b(c)"}[5m])) / on (instance) group_left (x) node_load1',
            ["http_seconds_bucket", "node_load1"],
        ),
        ("topk(3, a:b:rate5m) or vector(0) unless bool", ["a:b:rate5m"]),
        ('label_replace(m, "a", "$1", "b", "(.*)") offset 5m', ["m"]),
        ("histogram_quantile(0.95, sum without (x) (rate(q_bucket[$__rate_interval])))", ["q_bucket"]),
        ('{__name__="odd"} > 1e3', ["odd"]),
        ("max_over_time(x[1h:1m]) and on() y == bool 1", ["x", "y"]),
        ("1 + 2", []),
        ("time() - start_seconds", ["start_seconds"]),
    ],
)
def test_finds_the_metrics_of_a_query(expr: str, metrics: list[str]) -> None:
    assert silence.metric_names(expr) == metrics


def test_a_failing_scrape_says_since_when_and_why() -> None:
    told = silence.explain("x", [Seen("node", "a:1", NOON - 3600)], [DOWN], NOON)
    assert told == "no data since 11:00, scrape of job node, instance a:1 fails: connection refused"


def test_times_are_the_observers() -> None:
    assert "since 13:00" in silence.explain("x", [Seen("node", "a:1", NOON - 3600)], [DOWN], NOON, 120)
    assert silence.clock(NOON - 90_000, NOON, 0) == "2027-01-14 11:00"


def test_a_target_that_left_and_a_metric_that_left() -> None:
    seen = [Seen("node", "a:1", NOON - 3600)]
    assert silence.explain("x", seen, [], NOON) == "no data since 11:00: Prometheus no longer scrapes job node, instance a:1"
    assert silence.explain("x", seen, [UP], NOON).endswith("answers, but no longer with x")


def test_a_metric_nobody_ever_saw() -> None:
    assert silence.explain("x", [], [UP], NOON) == "metric x has no series in the day before this range's end"
    assert "job node, connection refused" in silence.explain("x", [], [DOWN, UP], NOON)


def test_a_declared_reason_comes_first() -> None:
    assert silence.explain("ALERTS", [], [DOWN], NOON) == "ALERTS has no series: no alert is pending or firing"
