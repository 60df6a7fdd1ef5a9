"""The judge of growth: a leak is found, what is flat passes, and a short time tells nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.soak.slopes import FILES, FLAT, GROWS, MEMORY, SHORT, Points, Quantity, fitted

EVERY = 10  # seconds between scrapes
TRIES = 100
Course = Callable[[random.Random, int], list[float]]


def wandering(megabytes_an_hour: float) -> Course:
    """A process's memory: it wanders 0.2 MB about a line, each sample near the one before."""

    def course(source: random.Random, count: int) -> list[float]:
        away, found = 0.0, []
        for number in range(count):
            away = 0.98 * away + source.gauss(0, 0.04e6)
            found.append(60e6 + away + megabytes_an_hour * 1e6 * number * EVERY / 3600)
        return found

    return course


def verdicts(quantity: Quantity, course: Course, minutes: int) -> Counter[str]:
    """What is said of that course, tried with different chances."""
    count = minutes * 60 // EVERY
    tries = (list(enumerate(course(random.Random(seed), count))) for seed in range(TRIES))  # noqa: S311  # chance, not secrets
    return Counter(fitted("a", quantity, [(1e9 + number * EVERY, value) for number, value in one]).verdict for one in tries)


@pytest.mark.parametrize(("leak", "said"), [(0, FLAT), (3, GROWS)])
def test_ninety_minutes_tell_a_leak_from_none(leak: float, said: str) -> None:
    found = verdicts(MEMORY, wandering(leak), 90)
    assert found[said] >= 0.8 * TRIES, found
    assert found[FLAT if said == GROWS else GROWS] <= 0.02 * TRIES, found


@pytest.mark.parametrize("leak", [0, 3])
def test_a_minute_tells_nothing(leak: float) -> None:
    assert verdicts(MEMORY, wandering(leak), 1) == {SHORT: TRIES}


def test_what_has_not_moved_passes_only_where_a_step_would_have_shown() -> None:
    assert verdicts(MEMORY, lambda _, count: [60e6] * count, 10) == {SHORT: TRIES}
    assert verdicts(MEMORY, lambda _, count: [60e6] * count, 90) == {FLAT: TRIES}
    assert verdicts(FILES, lambda _, count: [12.0] * count, 10) == {SHORT: TRIES}
    assert verdicts(FILES, lambda _, count: [12.0] * count, 90) == {FLAT: TRIES}


def test_files_that_come_and_go_are_flat_and_those_that_stay_are_a_leak() -> None:
    assert verdicts(FILES, lambda source, count: [12.0 + source.randint(0, 2) for _ in range(count)], 90)[FLAT] > 0.9 * TRIES
    assert verdicts(FILES, lambda _, count: [12.0 + number // 60 for number in range(count)], 90) == {GROWS: TRIES}


def test_growth_of_the_first_quarter_is_warming_up() -> None:
    def warm(_: random.Random, count: int) -> list[float]:
        return [60e6 + 30e6 * min(number / (count / 4), 1) for number in range(count)]

    assert verdicts(MEMORY, warm, 90) == {FLAT: TRIES}


@pytest.mark.parametrize("points", [[], [(1e9, 60e6)], [(1e9 + at, 60e6) for at in range(11)]])
def test_too_few_samples_tell_nothing(points: Points) -> None:
    assert fitted("a", MEMORY, points).verdict == SHORT
