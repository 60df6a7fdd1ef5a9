"""Variables in text, as Grafana and its Prometheus data source put them in."""

from __future__ import annotations

import pytest

from dashboards.preview import interpolate
from dashboards.preview.interpolate import Value
from dashboards.preview.timerange import Range

VALUES = {
    "one": Value(("a.b",)),
    "quoted": Value(('x"y\\z',)),
    "many": Value(("a.b", "c|d"), regex=True),
    "single": Value(("a.b",), regex=True),
    "all": Value((".*",), raw=True, text="All"),
    "named": Value(("v1",), text="Version 1"),
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('up{job="$one"}', 'up{job="a.b"}'),
        ('up{job="${one}"}', 'up{job="a.b"}'),
        ('up{job="[[one]]"}', 'up{job="a.b"}'),
        ('up{job=~"$many"}', r'up{job=~"(a\\.b|c\\|d)"}'),
        ('up{job=~"$single"}', r'up{job=~"a\\.b"}'),
        ('up{job=~"$all"}', 'up{job=~".*"}'),
        ('up{job="$quoted"}', r'up{job="x\"y\\z"}'),
        ("${many:regex}", r"(a\.b|c\|d)"),
        ("${single:regex}", r"a\.b"),
        ("${many:pipe}", "a.b|c|d"),
        ("${many:csv}", "a.b,c|d"),
        ("${many:glob}", "{a.b,c|d}"),
        ("${many:json}", '["a.b", "c|d"]'),
        ("${one:raw}", "a.b"),
        ("${many:doublequote}", '"a.b","c|d"'),
        ("${many:queryparam}", "var-many=a.b&var-many=c%7Cd"),
        ("${named:text}", "Version 1"),
        ("${one:percentencode}", "a.b"),
        ("$unknown ${unknown} [[unknown]]", "$unknown ${unknown} [[unknown]]"),
        ("$onetwo", "$onetwo"),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x, "a", "$1", "b", "(.*)")'),
    ],
)
def test_puts_values_into_queries(template: str, expected: str) -> None:
    assert interpolate.query(template, VALUES) == expected


def test_a_value_cannot_leave_its_string() -> None:
    evil = {"v": Value(('"} or vector(1) #',)), "w": Value(('"} or vector(1) #', "x"), regex=True)}
    assert interpolate.query('up{a="$v"}', evil) == 'up{a="\\"} or vector(1) #"}'
    inside = interpolate.query('up{a=~"$w"}', evil)
    assert inside.replace('\\\\\\"', "").count('"') == 2


def test_titles_hold_what_a_person_chose() -> None:
    assert interpolate.title("CPU of $many on ${all}", VALUES) == "CPU of a.b + c|d on All"


def test_links_are_encoded() -> None:
    assert interpolate.link("/d/x?var-q=$quoted", VALUES) == "/d/x?var-q=x%22y%5Cz"


def test_global_variables_of_a_query() -> None:
    known = interpolate.timing(Range(1000.0, 22_600.0), 30, 10)
    written = interpolate.query(
        "$__interval $__interval_ms $__rate_interval ${__range} $__range_s $__range_ms ${__from} $__to", known
    )
    assert written == "30s 30000 40s 21600s 21600 21600000 1000000 22600000"
