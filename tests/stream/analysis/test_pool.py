# ruff: noqa: S311  # chance of tests, no secrets
"""Quantiles and shares of a pool, against their definitions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.analysis.pool import Pool

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.floats(0.01, 0.99))
def test_the_quantiles_leave_out_at_most_their_share(values: list[float], share: float) -> None:
    pool = Pool(values)
    lower, upper = pool.lower(share), pool.upper(share)

    assert sum(value < lower for value in values) <= share * (len(values) + 1)
    assert sum(value > upper for value in values) <= share * (len(values) + 1)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(1, 20))
def test_it_keeps_the_last_values(values: list[float], most: int) -> None:
    pool = Pool(values, most)

    assert pool.values == values[-most:]
    assert pool.lower(0.0) == min(values[-most:])
    assert pool.upper(0.0) == max(values[-most:])


@settings(max_examples=60, deadline=None)
@given(VALUES, st.floats(-1e6, 1e6))
def test_the_share_above_falls_as_the_value_rises_and_is_never_certain(values: list[float], value: float) -> None:
    pool = Pool(values)

    assert 0 < pool.above(value) < 1
    assert pool.above(value) >= pool.above(value + 1)


def test_of_a_new_value_nine_in_ten_lie_between_the_quantiles() -> None:
    chance = random.Random(3)
    inside = total = 0
    for _ in range(300):
        pool = Pool(chance.gauss(0, 1) for _ in range(200))
        inside += pool.lower(0.05) <= chance.gauss(0, 1) <= pool.upper(0.05)
        total += 1

    assert inside / total == pytest.approx(0.9, abs=0.05)


def test_what_is_no_number_is_left_out() -> None:
    assert Pool([1.0, float("nan"), float("inf"), 2.0]).values == [1.0, 2.0]


def test_the_mean_below_is_that_of_the_tail() -> None:
    assert Pool([-3.0, -1.0, 0.0, 4.0]).mean_below(-1.0) == -2.0
    assert Pool([1.0]).mean_below(0.0) == 0.0
