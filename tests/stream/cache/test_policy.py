import fnmatch
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.cache.breaker import Breaker
from stream.cache.keys import EVERYTHING, checked_key, checked_pattern, covering_tag, matcher, tags
from stream.cache.policy import Lifetimes

CHANCE = st.floats(0, 1)
KEY = st.lists(st.sampled_from(["a", "b", "analysis", "BTC", "x-1"]), min_size=1, max_size=4).map(":".join)
PATTERN = st.lists(st.sampled_from(["a", "b", ":", "*", "?", "BTC"]), min_size=1, max_size=6).map("".join)


@given(st.floats(0.001, 1e6), CHANCE, st.booleans())
def test_nothing_is_fresh_for_longer_than_its_writer_says(ttl: float, chance: float, absent: bool) -> None:  # noqa: FBT001
    life = Lifetimes(redis=300, edge=3600, stale=60, negative=5, jitter=0.1).of_value(ttl, absent=absent, chance=chance)

    assert 0.89 * min(ttl, 5 if absent else ttl) <= life.fresh <= ttl
    assert life.fresh <= life.held <= life.fresh + 60
    assert life.redis == life.held


@given(CHANCE)
def test_without_a_wish_each_layer_keeps_it_for_its_own_time(chance: float) -> None:
    rules = Lifetimes(redis=300, edge=3600, stale=60, negative=5, jitter=0.1)

    assert 270 <= rules.of_value(None, absent=False, chance=chance).redis <= 300
    assert 3240 <= rules.of_value(None, absent=False, chance=chance).fresh <= 3600
    assert rules.of_value(None, absent=True, chance=chance).redis <= 5


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf])
def test_what_is_no_time_is_refused(ttl: float) -> None:
    with pytest.raises(ValueError, match="a number above zero"):
        Lifetimes(300, 0, 60, 5, 0.1).of_value(ttl, absent=False, chance=0)


@given(KEY, PATTERN)
@settings(max_examples=200)
def test_a_pattern_fits_as_a_glob_does_and_its_tag_covers_what_it_fits(key: str, pattern: str) -> None:
    fits = matcher(checked_pattern(pattern)).fullmatch(checked_key(key)) is not None

    assert fits == fnmatch.fnmatchcase(key, pattern)
    assert not fits or covering_tag(pattern) in tags(key)


def test_patterns_map_to_the_narrowest_tag() -> None:
    assert tags("analysis:BTC:risk") == (EVERYTHING, "analysis", "analysis:BTC", "analysis:BTC:risk")
    assert covering_tag("market-data:*") == "market-data"
    assert covering_tag("analysis:BTC:*") == "analysis:BTC"
    assert covering_tag("analysis:B*") == "analysis"
    assert covering_tag("sentiment:BTC") == "sentiment:BTC"
    assert covering_tag("market*") == covering_tag("*") == EVERYTHING


@pytest.mark.parametrize("key", ["", ":a", "a b", "a\n", "a/b", "a*", "@lock:a", "ä", "a" * 201])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is no cache key"):
        checked_key(key)


@pytest.mark.parametrize("pattern", ["", "a[bc]", "a\\*", "a b", "*\n"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no pattern"):
        checked_pattern(pattern)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=30))
def test_a_breaker_opens_once_and_its_probes_come_at_once_then_ever_later(gaps: list[float]) -> None:
    breaker, now = Breaker(), 100.0
    for gap in gaps:
        now += gap
        assert breaker.failed(now)
        assert not breaker.failed(now)
        waits = [breaker.wait() for _ in range(8)]
        assert waits == sorted(waits)
        assert waits[-1] == 1.0
        breaker.answered(now)
        assert not breaker.open


def test_a_layer_that_keeps_failing_is_probed_less_and_one_with_a_clean_record_at_once() -> None:
    breaker = Breaker()
    breaker.failed(0)
    assert breaker.wait() == 0
    breaker.answered(1)
    breaker.failed(2)
    assert breaker.wait() == 0.05
    breaker.answered(3)
    breaker.failed(20)
    assert breaker.wait() == 0


def test_what_began_before_the_last_probe_succeeded_opens_nothing() -> None:
    breaker = Breaker()
    assert breaker.failed(10, 9.9)
    breaker.answered(10.1)
    assert not breaker.failed(10.2, 10.05)
    assert not breaker.open
    assert breaker.failed(10.2, 10.15)


def test_a_layer_that_is_late_once_in_a_while_has_a_clean_record_too() -> None:
    breaker = Breaker()
    for now in range(5):
        breaker.failed(now)
        assert breaker.wait() == 0
        breaker.answered(now)
        for _ in range(20):
            breaker.worked()
    breaker.failed(5)
    assert breaker.wait() == 0
    breaker.answered(5)
    breaker.failed(5.1)
    assert breaker.wait() > 0, "the last one proved nothing by its answers"


def test_one_late_answer_proves_nothing_and_a_second_word_does_once() -> None:
    breaker = Breaker()
    breaker.failed(0)
    assert (breaker.open, breaker.away) == (True, False)
    assert [breaker.proven(), breaker.proven()] == [True, False]
    assert breaker.away
    breaker.answered(1)
    assert (breaker.open, breaker.away) == (False, False)
