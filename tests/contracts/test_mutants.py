"""A query with one wrong word is caught by the contract, before anything runs; what it cannot see, the running stack tells.

A matcher's value is seen here where its label's values are declared; `tests/live/panels` has the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.contracts import rendered
from tests.contracts.mutants import Mutant, mutants
from tests.contracts.panels import check
from tests.contracts.promql import UndeclaredError, parse, selectors

QUERIES = list(rendered.queries())


def survivors(query: rendered.Query) -> Iterator[Mutant]:
    """The mutants of a query that the contract takes for right."""
    for mutant in mutants(query.expr):
        try:
            check(query._replace(expr=mutant.expr))
        except UndeclaredError:
            continue
        yield mutant


def test_every_renamed_metric_and_label_is_caught() -> None:
    made = Counter(mutant.kind for query in QUERIES for mutant in mutants(query.expr))
    survived = [(query.place, mutant) for query in QUERIES for mutant in survivors(query)]
    left = Counter(mutant.kind for _, mutant in survived)
    print("mutants caught by the contract:", {kind: f"{made[kind] - left[kind]} of {made[kind]}" for kind in made})

    assert min(made.values()) > 300
    assert [(place, mutant) for place, mutant in survived if mutant.kind != "value"] == []
    assert left["value"] < made["value"] / 10  # the running stack is asked for the rest


def test_no_word_of_a_query_is_left_out() -> None:
    """The words are found without a parser; here the parser checks it."""
    for query in QUERIES:
        found = list(mutants(query.expr))
        read = list(selectors(parse(query.expr)))
        matched = [matcher for selector in read for matcher in selector.matchers.matchers]

        assert sorted(one.word for one in found if one.kind == "metric") == sorted(one.name for one in read), query.place
        assert sum(one.kind == "value" for one in found) == len(matched), query.place
        assert all(parse(one.expr) for one in found), query.place


@pytest.mark.parametrize(
    "wrong",
    [
        'node_load1{instance="web-1"}',
        'node_load1{instance=~"$host"}',
        'sum(node_load1{instance=~"$instance"}) or vector(0)',
        'ALERTS{alertstate="fires"}',
        'watchfloor_inbox_notifications_total{status=~"firing|closed"}',
        'up{job!="no-job"}',
    ],
)
def test_the_contract_sees_what_is_wrong_with_a_panels_query(wrong: str) -> None:
    with pytest.raises(UndeclaredError):
        check(rendered.Query("", wrong, "", frozenset({"instance"})))
