"""When a server counts as recovered."""

from __future__ import annotations

from tests.load.recovery import WELL, Seen


def seen(shares: list[float]) -> Seen:
    """A hundred requests in each second, of which so many were answered well."""
    found = Seen()
    for second, share in enumerate(shares):
        found.asked[second], found.good[second] = 100, round(100 * share)
    return found


def test_it_is_the_first_of_some_good_seconds_in_a_row() -> None:
    found = seen([0, 0, 0.5, 1, 1, 0.98, 0.99, 1, 1, 1])
    assert found.recovered(2.0, 100) == 4
    assert found.recovered(1.5, 100) == 4.5


def test_seconds_before_the_end_of_the_flood_and_those_that_are_not_over_do_not_count() -> None:
    found = seen([1] * 10)
    assert found.recovered(4.25, 100) == 0.75
    assert found.recovered(4.25, 5 + WELL + 0.4) is None
    assert found.recovered(4.25, 5 + WELL + 0.5) == 0.75


def test_what_nobody_asked_is_not_well() -> None:
    assert Seen().recovered(0, 100) is None
