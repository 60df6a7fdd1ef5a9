"""Signals, conditions, rates: what is decided without a server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settings.api import Conditions, Scopes
from settings.stream import Demands
from stream import rates
from stream.api import live
from stream.api.conditions import Surge, conditions
from stream.api.endpoints import Data, NoStore, operations
from stream.api.fresh import Fresh
from stream.api.signals import signal
from stream.api.types import Currency, Market, OnChain, Sentiment, Technical, camel
from stream.messages import MARKET, ROOMS, SENTIMENT, Update
from tests.stream.api.world import Rooms

LIMITS = Conditions()


def _currency(price: str = "100", change: float | None = 0.0, **known: Any) -> Currency:
    market = Market(at=1, price=price, change_24h=change)
    return Currency(symbol="BTC", market=market, technical=Technical(at=1, **known))


# -- signals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("known", "word", "strength"), [
    ({"rsi": 25.0, "histogram": 0.5, "ma50": "90", "ma200": "80"}, "buy", 1.0),
    ({"rsi": 75.0, "histogram": -0.5, "ma50": "110", "ma200": "120"}, "sell", 1.0),
    ({"rsi": 50.0, "histogram": 0.5, "ma50": "90", "ma200": "80"}, "buy", 0.75),
    ({"rsi": 50.0, "histogram": 0.5, "ma50": "90", "ma200": "95"}, "hold", 0.25),
    ({"rsi": 50.0, "histogram": 0.0}, "hold", 0.0),
])  # fmt: skip
def test_indicators_vote(known: dict[str, Any], word: str, strength: float) -> None:
    told = signal(_currency(**known))
    assert told is not None
    assert (told.signal, told.strength) == (word, strength)
    assert len(told.reasons) == len(known)


def test_who_knows_nothing_says_nothing() -> None:
    assert signal(Currency(symbol="BTC")) is None
    assert signal(_currency()) is None


# -- conditions ------------------------------------------------------------------------------------------------------
def _told(currency: Currency, surge: float | None = None) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in conditions(currency, surge, LIMITS)]


@pytest.mark.parametrize(("currency", "surge", "told"), [
    (_currency(change=4.9), None, []),
    (_currency(change=5.0), None, [("price-move", "warning")]),
    (_currency(change=-5.0), None, [("price-move", "warning")]),
    (_currency(change=-10.0), None, [("price-move", "critical")]),
    (_currency(change=None), None, []),
    (_currency(), 2.9, []),
    (_currency(), 3.0, [("volume", "warning")]),
    (_currency(), 6.0, [("volume", "critical")]),
    (_currency(rsi=80.0), None, [("risk", "warning")]),
    (_currency(rsi=20.0), None, [("risk", "warning")]),
    (_currency(rsi=79.9), None, []),
    (Currency(symbol="BTC", sentiment=Sentiment(at=1, fear_greed_index=20.0)), None, [("sentiment", "warning")]),
    (Currency(symbol="BTC", sentiment=Sentiment(at=1, fear_greed_index=80.0)), None, [("sentiment", "warning")]),
    (Currency(symbol="BTC", sentiment=Sentiment(at=1, fear_greed_index=21.0)), None, []),
    (Currency(symbol="BTC", onchain=OnChain(at=1, mvrv=3.5)), None, [("risk", "critical")]),
    (Currency(symbol="BTC", onchain=OnChain(at=1, mvrv=3.4)), None, []),
])  # fmt: skip
def test_what_is_past_its_limit_is_told(currency: Currency, surge: float | None, told: list[tuple[str, str]]) -> None:
    assert _told(currency, surge) == told


def test_a_message_says_what_happened_and_how_far() -> None:
    found = next(conditions(_currency(change=-12.34), None, LIMITS))
    assert found.message == "BTC has fallen by 12.3 % in 24 h"
    assert (found.value, found.limit, found.unit) == (-12.34, 5.0, "percent")


def test_a_surge_is_told_once_the_usual_volume_is_known() -> None:
    surge = Surge()
    for second in range(599):
        surge.add(float(second), 10.0)
    assert surge.times is None
    for second in range(599, 3600):
        surge.add(float(second), 10.0)
    assert surge.times == pytest.approx(1.0)
    for second in range(3600, 3720):
        surge.add(float(second), 80.0)
    assert surge.times is not None
    assert 4 < surge.times < 8
    for second in range(3720, 8000):
        surge.add(float(second), 80.0)
    assert surge.times < 2, "what lasts becomes usual"


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e12)), max_size=50))
@settings(deadline=None, max_examples=50)
def test_no_order_of_times_breaks_a_surge(seen: list[tuple[float, float]]) -> None:
    surge = Surge()
    for at, volume in seen:
        surge.add(at, volume)
    assert surge.times is None or surge.times >= 0


# -- totals ----------------------------------------------------------------------------------------------------------
def test_totals_count_who_rises_and_falls() -> None:
    known = [_currency(change=change) for change in (1.0, 2.0, -3.0, 0.0, None)]
    told = live.totals(known)
    assert (told.symbols, told.rising, told.falling, told.mean_change_24h, told.fear_greed_index) == (5, 2, 1, 0.0, None)


@pytest.mark.parametrize(("name", "told"), [("change_24h", "change24h"), ("at", "at"), ("fear_greed_index", "fearGreedIndex")])
def test_keys_are_camel_case(name: str, told: str) -> None:
    assert camel(name) == told


# -- rates -----------------------------------------------------------------------------------------------------------
class _Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0  # the beginning of a window of ten seconds

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr(time, "time", made.time)
    return made


def test_a_rate_allows_so_many_and_comes_back_with_time(clock: _Clock) -> None:
    rate = rates.Rate("10/minute")
    clock.now = 60 * 20_000.0
    assert [rate.take("a") for _ in range(10)] == [0] * 10
    wait = rate.take("a")
    assert 1 <= wait <= 60
    assert rate.take("b") == 0
    clock.now += 61
    assert rate.take("a") == 0, "a sixtieth of the last minute's ten is forgotten"
    assert [rate.take("a") > 0 for _ in range(12)].count(False) < 3, "most of them still count"
    clock.now += 120
    assert [rate.take("a") for _ in range(10)] == [0] * 10


def test_a_rate_forgets_who_came_first_when_there_are_too_many(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 3)
    rate = rates.Rate("1/hour")
    assert [rate.take(who) for who in "abcd"] == [0] * 4
    assert rate.take("d") > 0
    assert rate.take("a") == 0
    assert clock.now == 1_000_000.0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200))
@settings(deadline=None, max_examples=50)
def test_no_window_lets_through_twice_its_rate(steps: list[float]) -> None:
    clock, passed = _Clock(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock.time)
        rate = rates.Rate("5/second")
        for step in steps:
            clock.now += step / 10
            if rate.take("a") == 0:
                passed.append(clock.now)
    for first in passed:
        assert sum(first <= at < first + 1 for at in passed) <= 10


# -- what rooms know -------------------------------------------------------------------------------------------------
def test_what_lacks_a_time_is_as_old_as_its_source_says_and_what_lacks_more_is_left_out() -> None:
    told = Update(MARKET, "BTC", {"symbol": "BTC", "price": "1"}, 5)
    nothing = Update(MARKET, "ETH", {"symbol": "ETH", "volume": "1"}, 6)
    mood = Update(SENTIMENT, "ETH", {"symbol": "ETH", "time": None, "fear_greed_index": 40.0}, 7)
    bitcoin, ether = live.currencies(Rooms([told, nothing, mood]).snapshot)
    assert (bitcoin.market, bitcoin.sentiment) == (Market(at=5, price="1"), None)
    assert (ether.market, ether.sentiment) == (None, Sentiment(at=7, fear_greed_index=40.0))


def test_settings_know_every_room_and_operation_by_its_name() -> None:
    offered = operations(Data(lambda _: [], Fresh(lambda _: [], LIMITS), NoStore()))
    assert Scopes.__struct_encode_fields__ == tuple(one.name for one in offered if not one.open)
    assert Demands.__struct_encode_fields__ == ROOMS
    assert {room for one in offered for room in one.rooms} <= set(ROOMS)
