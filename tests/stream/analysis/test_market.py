"""The grid of prices and what is made from it, against its definitions."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.analysis.market import FAST, Market
from stream.messages import MARKET, ONCHAIN, SENTIMENT

PRICES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=40)


def told(prices: list[float], step: int = 1000) -> Market:
    """A market that saw one price a step, from 1,000,000 ms on."""
    market = Market(step, 600_000)
    for place, price in enumerate(prices):
        market.take(MARKET, {"symbol": "BTC", "price": str(price)}, 1_000_000 + place * step)
        market.advance(1_000_000 + place * step)
    return market


@settings(max_examples=50, deadline=None)
@given(PRICES)
def test_a_change_is_the_log_return_and_the_realised_volatility_sums_its_squares(prices: list[float]) -> None:
    symbol = told(prices).symbols["BTC"]
    last = 1_000_000 + 1000 * (len(prices) - 1)
    moves = [math.log(after / before) for before, after in pairwise(prices)]

    assert symbol.change(1_000_000, last) == pytest.approx(math.log(prices[-1] / prices[0]), abs=1e-9)
    expected = math.sqrt(math.fsum(move * move for move in moves) / len(moves))
    assert symbol.realised(1_000_000, last) == pytest.approx(max(expected, 1e-7), rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(PRICES)
def test_the_exponential_mean_weighs_as_the_source_says(prices: list[float]) -> None:
    symbol = told(prices).symbols["BTC"]
    moves = [math.log(after / before) for before, after in pairwise(prices)]
    weights = [(1 - 1 / FAST) ** age for age in range(len(moves) - 1, -1, -1)]
    expected = math.fsum(w * m * m for w, m in zip(weights, moves, strict=True)) / math.fsum(weights)

    assert symbol.fast.volatility(1.0) == pytest.approx(max(math.sqrt(expected), 1e-7), rel=1e-6)


def test_between_messages_the_last_price_stands_and_nothing_of_later_is_known() -> None:
    market = Market(1000, 600_000)
    market.take(MARKET, {"symbol": "BTC", "price": "100"}, 1_000_000)
    market.advance(1_000_000)
    market.take(MARKET, {"symbol": "BTC", "price": "110"}, 1_005_500)
    market.advance(1_006_000)
    symbol = market.symbols["BTC"]

    assert symbol.change(1_000_000, 1_005_000) == 0
    assert symbol.change(1_000_000, 1_006_000) == pytest.approx(math.log(1.1))
    assert symbol.change(1_000_000, 1_007_000) is None
    assert symbol.change(999_000, 1_000_000) is None


def test_an_older_price_and_one_that_is_none_change_nothing() -> None:
    market = told([100, 101])
    for price, at in (("50", 999_000), ("0", 1_002_000), ("nan", 1_002_000), ("-3", 1_002_000), ("inf", 1_002_000)):
        market.take(MARKET, {"symbol": "BTC", "price": price}, at)

    assert market.symbols["BTC"].price == 101


def test_after_a_long_sleep_the_grid_begins_anew_instead_of_filling_days() -> None:
    market = told([100, 101])
    market.advance(1_000_000 + 10 * 86_400_000)
    symbol = market.symbols["BTC"]

    assert len(symbol.times) == 1
    assert symbol.change(1_000_000, 1_001_000) is None


def test_sentiment_is_the_mean_of_what_is_known_on_one_scale() -> None:
    market = told([100, 101])
    symbol = market.symbols["BTC"]
    assert symbol.mood() is None

    market.take(SENTIMENT, {"symbol": "BTC", "fear_greed_index": 75, "social_sentiment": None}, 1_002_000)
    assert symbol.mood() == 0.5
    market.take(SENTIMENT, {"symbol": "BTC", "fear_greed_index": 75, "social_sentiment": -0.5, "news_sentiment": 0.3}, 1_003_000)
    assert symbol.mood() == pytest.approx(0.1)
    market.advance(1_004_000)
    assert symbol.mood_at(1_004_000) == pytest.approx(0.1)
    assert symbol.mood_at(1_001_000) is None


def test_other_rooms_are_ignored_and_figures_are_found() -> None:
    market = told([100, 101])
    market.take("canary", {"symbol": "X"}, 1)
    market.take(ONCHAIN, {"symbol": "BTC", "mvrv": 1.5, "nupl": None}, 1_002_000)

    assert set(market.symbols) == {"BTC"}
    assert market.symbols["BTC"].figure(ONCHAIN, "mvrv") == 1.5
    assert market.symbols["BTC"].figure(ONCHAIN, "nupl") is None
