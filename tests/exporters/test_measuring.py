"""The statistics behind the measurements."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.stats import alternate, bootstrap, ratios

FLOATS = st.floats(0.001, 1e6)


@given(st.lists(FLOATS, min_size=1, max_size=30))
def test_the_interval_holds_the_median_and_stays_within_the_values(values: list[float]) -> None:
    found = bootstrap(values)
    assert found.median == statistics.median(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    assert bootstrap(values) == found


def test_more_values_make_it_narrower() -> None:
    few, many = ([1.0, 2.0, 3.0, 4.0] * count for count in (2, 50))
    assert bootstrap(many).high - bootstrap(many).low < bootstrap(few).high - bootstrap(few).low


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        bootstrap([])


def test_the_two_take_turns_and_so_does_who_is_first() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    pairs = alternate(lambda: measure("ours"), lambda: measure("theirs"), 4)
    assert order == ["ours", "theirs", "theirs", "ours"] * 2
    assert pairs == [(1, 2), (4, 3), (5, 6), (8, 7)]


@given(st.lists(FLOATS, min_size=1, max_size=10))
def test_a_common_disturbance_cancels_out(disturbances: list[float]) -> None:
    assert ratios([(0.4 * factor, factor) for factor in disturbances]).median == pytest.approx(0.4)
