"""What Prometheus 3 reads otherwise than 2, in every rule and every panel's query.

https://prometheus.io/docs/prometheus/latest/migration/: ranges are left-open, values of `le` and `quantile` are written as
floats ("1.0"), `.` in a regular expression matches a newline too, `holt_winters` has another name. promtool of Debian's
Prometheus 2 says nothing of these.
"""

from __future__ import annotations

import re

import pytest

from metrics.durations import seconds
from settings import Site
from tests.contracts.rendered import queries, rules

EXPRESSIONS = sorted({query.expr for query in queries()} | {rule["expr"] for rule in rules()})
_BOUND = re.compile(r'\b(?:le|quantile)\s*(=~?|!=|!~)\s*"([^"]*)"')
_RANGE = re.compile(r"\[(\d[0-9a-z]*)[\]:]")


def test_there_are_expressions() -> None:
    assert len(EXPRESSIONS) > 400


def test_bounds_of_buckets_are_the_same_text_in_both() -> None:
    """A whole number is "1" in 2 and "1.0" in 3: who names one finds nothing in one of them."""
    named = {value for text in EXPRESSIONS for _, value in _BOUND.findall(text)}
    assert named
    assert {value for value in named if re.fullmatch(r"-?\d+(\.0+)?", value)} == set()


def test_nothing_is_called_by_its_old_name() -> None:
    assert [text for text in EXPRESSIONS if re.search(r"\bholt_winters\b", text)] == []


def test_ranges_hold_two_samples_when_they_are_left_open_too() -> None:
    """What begins exactly a range ago is no part of it any more: two samples take more than one scrape interval."""
    least = 2 * seconds(Site().prometheus.scrape_interval)
    short = {text for text in EXPRESSIONS for found in _RANGE.findall(text) if seconds(found) < least}
    assert short == set()


@pytest.mark.parametrize(("text", "bad"), [('le="1"', True), ('le="1.0"', True), ('le="0.5"', False), ('le="+Inf"', False)])
def test_the_look_at_bounds_sees_what_it_looks_for(text: str, bad: bool) -> None:  # noqa: FBT001  # a parameter
    ((_, value),) = _BOUND.findall(f"x_bucket{{{text}}}")
    assert bool(re.fullmatch(r"-?\d+(\.0+)?", value)) is bad
