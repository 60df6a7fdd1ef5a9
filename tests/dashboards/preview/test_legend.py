"""Names of series."""

from __future__ import annotations

from dashboards.preview import legend

A = {"__name__": "up", "job": "node", "instance": "a"}
B = {"__name__": "up", "job": "node", "instance": "b"}


def test_fills_labels_into_a_format() -> None:
    assert legend.names("{{instance}} of {{ job }}{{missing}}", [A, B], "up") == ["a of node", "b of node"]
    assert legend.names("used", [A], "up") == ["used"]


def test_without_a_format_names_in_full() -> None:
    assert legend.names("", [A, {}], "sum(up)") == ['up{instance="a", job="node"}', "sum(up)"]


def test_auto_names_by_what_tells_apart() -> None:
    assert legend.names("__auto", [A, B], "up") == ["a", "b"]
    assert legend.names("__auto", [{"job": "x"}], "up") == ["x"]
    assert legend.names("__auto", [{}], "sum(up)") == ["sum(up)"]
    assert legend.names("__auto", [A, {**B, "job": "other"}], "up")[0] == '{instance="a", job="node"}'


def test_label_values_stay_what_they_are() -> None:
    assert legend.names("{{job}}", [{"job": "{{instance}}<b>\\1"}], "up") == ["{{instance}}<b>\\1"]
