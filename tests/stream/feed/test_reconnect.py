"""The reconnect rules as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.sources.reconnect import Attempts, Rules

RULES = Rules(wait=5.0, attempts=10, retry=60.0)


def test_the_wait_grows_when_all_attempts_are_used_up_and_falls_back_with_a_message() -> None:
    attempts = Attempts(RULES, lambda low, high: (low + high) / 2)

    assert [attempts.missed() for _ in range(12)] == [5.0] * 9 + [60.0] * 3
    assert attempts.exhausted
    attempts.succeeded()
    assert not attempts.exhausted
    assert attempts.missed() == 5.0


@given(st.integers(1, 30))
@settings(deadline=None)
def test_waits_are_jittered_by_a_fifth(misses: int) -> None:
    attempts = Attempts(RULES)
    waits = [attempts.missed() for _ in range(misses)]

    assert all(4.0 <= wait <= 6.0 for wait in waits[:9])
    assert all(48.0 <= wait <= 72.0 for wait in waits[9:])


def test_two_instances_do_not_wait_alike() -> None:
    assert len({Attempts(RULES).missed() for _ in range(20)}) > 15


def test_one_attempt_may_be_all() -> None:
    attempts = Attempts(Rules(5.0, 1, 60.0), lambda _, high: high)

    assert attempts.missed() == pytest.approx(72.0)
    assert attempts.exhausted
