"""Processors: window and lateness by event time, bounded buffers, 24 hours, bars; whatever the order of arrival."""

from __future__ import annotations

from decimal import Decimal
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import feed as m
from stream.processors.bars import DAY_MS, Bars, Day
from stream.processors.base import MOST_SYMBOLS, Processor, Shape, amount, rounded
from stream.processors.indicators import Macd, Rsi
from stream.processors.market import MarketProcessor
from stream.processors.onchain import OnchainProcessor
from stream.processors.sentiment import SentimentProcessor, TimedMean
from stream.sources.base import RawMessage

T0 = 1_790_000_040_000  # the beginning of a minute
MARKET = Shape(1000, 100, 1000)


def raw(at: int, symbol: str = "BTC", **payload: Any) -> RawMessage:
    return RawMessage("any", {"symbol": symbol, **payload}, at, at)


def trade(at: int, price: str, quantity: str = "1", symbol: str = "BTC", **more: Any) -> RawMessage:
    return raw(at, symbol, price=Decimal(price), quantity=Decimal(quantity), **more)


def market(shape: Shape = MARKET, bar_ms: int = 60_000) -> MarketProcessor:
    return MarketProcessor(shape, bar_ms)


def counted(processor: Processor, metric: Any, *labels: str) -> Any:
    return next(value for found, at, value in processor.counts.collect() if found is metric and at == (processor.name, *labels))


def flush(processor: Processor, *messages: RawMessage) -> list[dict[str, Any]]:
    for message in messages:
        processor.add(message)
    return [dict(update.data) for update in processor.flush()]


def test_an_item_from_the_future_makes_nothing_after_it_too_late() -> None:
    processor = market()
    [ahead] = flush(processor, RawMessage("any", {"symbol": "BTC", "price": Decimal(7), "quantity": Decimal(1)}, T0, T0 + 59_000))
    assert ahead["time"] == T0
    [after] = flush(processor, trade(T0 + 100, "100"))
    assert (after["price"], after["time"]) == ("100", T0 + 100)
    assert counted(processor, m.DROPPED, "too_late") == 0


def test_a_window_of_trades() -> None:
    [data] = flush(
        market(), trade(T0, "100", "1"), trade(T0 + 300, "103.5", "2"), trade(T0 + 600, "99", "1"), trade(T0 + 900, "101")
    )

    told = {key: data[key] for key in ("price", "open", "high", "low", "close", "volume", "vwap", "trades", "time")}
    assert told == {
        "price": "101", "open": "100", "high": "103.5", "low": "99", "close": "101", "volume": "5", "vwap": "101.40",
        "trades": 4, "time": T0 + 900,
    }  # fmt: skip
    assert data["change"] == pytest.approx(1.0)
    assert data["change_24h"] is None
    assert data["rsi"] is None


def test_the_window_slides_by_event_time() -> None:
    processor = market()
    flush(processor, trade(T0, "100"), trade(T0 + 500, "101"))

    [data] = flush(processor, trade(T0 + 1200, "102"))

    assert (data["open"], data["trades"]) == ("101", 2)
    [data] = flush(processor, trade(T0 + 60_000, "90"))
    assert (data["open"], data["low"], data["trades"]) == ("90", "90", 1)


def test_nothing_new_nothing_told() -> None:
    processor = market()

    assert flush(processor, trade(T0, "100"), trade(T0, "5", symbol="ETH"))
    assert flush(processor) == []
    assert [data["symbol"] for data in flush(processor, trade(T0 + 1, "6", symbol="ETH"))] == ["ETH"]


def test_late_trades_count_within_the_window_and_are_dropped_past_it() -> None:
    processor = market()
    flush(processor, trade(T0 + 1000, "100"))

    [data] = flush(processor, trade(T0 + 400, "120", "3"), trade(T0 - 1, "500"))

    assert (data["price"], data["high"], data["open"], data["volume"]) == ("100", "120", "120", "4")
    assert data["time"] == T0 + 1000
    assert counted(processor, m.LATE) == 1
    assert counted(processor, m.DROPPED, "too_late") == 1


def test_what_is_out_of_order_within_one_run_is_not_late() -> None:
    processor = market()

    [data] = flush(processor, trade(T0 + 2000, "103"), trade(T0, "101"), trade(T0 + 1500, "102"))

    assert (data["open"], data["close"], data["trades"]) == ("102", "103", 2)
    assert counted(processor, m.LATE) == 0
    assert counted(processor, m.DROPPED, "too_late") == 0


def test_the_oldest_go_when_the_buffer_is_full() -> None:
    processor = market(Shape(3, 100, 1000))

    [data] = flush(processor, *(trade(T0 + n, str(100 + n)) for n in range(5)))

    assert (data["open"], data["trades"]) == ("102", 3)
    assert counted(processor, m.DROPPED, "overflow") == 2


def test_invented_symbols_do_not_fill_the_memory() -> None:
    processor = market(Shape(10_000, 100, 1000))

    told = flush(processor, *(trade(T0, "1", symbol=f"S{n}") for n in range(MOST_SYMBOLS + 20)))

    assert len(told) == processor.symbols == MOST_SYMBOLS
    assert counted(processor, m.DROPPED, "symbols") == 20


TRADES = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(1, 10**6), st.integers(0, 100)), min_size=1, max_size=40, unique_by=lambda t: t[0]
)


@given(TRADES, st.randoms(use_true_random=False), st.integers(1, 6))
@settings(deadline=None)
def test_the_order_of_arrival_changes_nothing_within_the_window(
    trades: list[tuple[int, int, int]], chance: Any, parts: int
) -> None:
    messages = [trade(T0 + at, str(price), str(size)) for at, price, size in trades]
    ordered = flush(market(), *sorted(messages, key=lambda item: item.source_ms))[-1]
    chance.shuffle(messages)
    processor = market()
    [last] = [flush(processor, *messages[part::parts]) for part in range(parts) if messages[part::parts]][-1]

    keys = ("price", "open", "high", "low", "volume", "vwap", "trades", "time", "change")
    assert {key: last[key] for key in keys} == {key: ordered[key] for key in keys}


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from("ABC"), st.booleans()), max_size=80), st.integers(1, 20))
@settings(deadline=None)
def test_every_message_is_taken_or_counted_as_dropped(steps: list[tuple[int, str, bool]], limit: int) -> None:
    processor = OnchainProcessor(Shape(limit, 1000, 1000))
    for at, symbol, run in steps:
        processor.add(raw(T0 + at, symbol, mvrv=1.0))
        assert processor.waiting <= limit
        if run:
            processor.flush()
    processor.flush()

    assert processor.waiting == 0
    dropped = sum(counted(processor, m.DROPPED, reason) for reason in m.DROPS)
    assert 0 <= dropped + counted(processor, m.LATE) <= len(steps)
    assert processor.symbols <= len({symbol for _, symbol, _ in steps})


def test_24_hours_from_the_past_and_from_trades() -> None:
    processor = market()
    start = T0 - DAY_MS
    bars = [(start + n * 60_000, 100.0 if n == 0 else 200.0, 210.0, 90.0, 200.0, 2.0) for n in range(1440)]
    assert flush(processor, raw(T0, bars=bars, bar_ms=60_000)) == []

    [data] = flush(processor, trade(T0 + 10, "150", "5"))

    assert data["change_24h"] == pytest.approx(50.0)
    assert data["volume_24h"] == "2885"
    assert (data["ma50"], data["ma200"]) == ("199.00", "199.75")
    assert data["bar_seconds"] == 60
    assert data["rsi"] == 0.0
    [data] = flush(processor, trade(T0 + DAY_MS, "300", "1"))
    assert data["change_24h"] == pytest.approx(50.0)  # a day before, the last bar's close of 200 stood
    assert data["volume_24h"] == "6"
    [data] = flush(processor, trade(T0 + DAY_MS + 60_000, "300", "1"))
    assert data["change_24h"] == pytest.approx(100.0)
    assert data["volume_24h"] == "2"


def test_what_the_source_says_of_24_hours_wins() -> None:
    [data] = flush(market(), trade(T0, "100", volume_24h=Decimal(12), change_24h=-3.5, market_cap=Decimal("1e9")))

    assert (data["volume_24h"], data["change_24h"], data["market_cap"]) == ("12", -3.5, "1000000000")


def test_prices_are_exact_decimal_strings() -> None:
    [data] = flush(market(), trade(T0, "0.000000012345678901", "1e-8"), trade(T0 + 1, "0.000000012345678902", "0"))

    assert data["open"] == "0.000000012345678901"
    assert data["price"] == "0.000000012345678902"
    assert data["volume"] == "0.00000001"


def test_the_figure_of_a_price_is_the_price() -> None:
    processor = market()
    processor.add(trade(T0, "100.5"))

    [update] = processor.flush()

    assert (update.room, update.symbol, update.figure, update.source_time) == ("market-data", "BTC", 100.5, T0)


def test_bars_close_when_nothing_can_come_for_them_any_more() -> None:
    bars, plain = Bars(60_000, 1000), Rsi()
    closes = [100 + (n * 7919 % 13) for n in range(40)]
    for n, close in enumerate(closes):
        bars.add(T0 + n * 60_000 + 100, 1.0)
        bars.add(T0 + n * 60_000 + 59_000, float(close))
        if n:
            bars.add(T0 + n * 60_000 + 500, 1.0)  # late within its bar: the close stands
        plain = plain.after(float(close))

    assert bars.indicators().rsi == pytest.approx(plain.value)


@given(st.lists(st.integers(1, 1000), min_size=60, max_size=120), st.data())
@settings(deadline=None, max_examples=25)
def test_silent_bars_close_where_the_last_one_did(closes: list[int], data: Any) -> None:
    bars, macd, at = Bars(1000, 1000), Macd(), T0
    before = float(closes[0])
    for close in closes:
        silent = data.draw(st.integers(0, 3))
        for _ in range(silent if at > T0 else 0):
            macd = macd.after(before)
            at += 1000
        bars.add(at + 10, float(close))
        macd, before = macd.after(float(close)), float(close)
        at += 1000

    assert bars.indicators().macd == pytest.approx(macd.value)


def test_after_a_silence_of_days_the_indicators_begin_anew() -> None:
    bars = Bars(60_000, 1000)
    for n in range(60):
        bars.add(T0 + n * 60_000, 100.0 + n)
    assert bars.indicators().rsi is not None

    bars.add(T0 + 3 * DAY_MS, 100.0)

    assert bars.indicators().rsi is None


def test_a_day_is_complete_only_when_it_was_seen() -> None:
    day = Day()
    for minute in range(1439):
        day.add(T0 + minute * 60_000, 100.0, 1.0)
    assert (day.change(100.0), day.volume) == (None, None)

    day.add(T0 + 1439 * 60_000, 100.0, 1.0)

    assert day.change(101.0) == pytest.approx(1.0)
    assert day.volume == 1440.0


def test_on_chain_figures_are_means_of_the_window_and_flows_are_netted() -> None:
    processor = OnchainProcessor(Shape(500, 1000, 5000))
    flush(processor, raw(T0, mvrv=1.0, nupl=0.1, exchange_inflow=10.0), raw(T0 + 2000, mvrv=2.0))

    [data] = flush(processor, raw(T0 + 4000, mvrv=6.0, exchange_outflow=4.0, active_addresses=Decimal(1234567)))

    assert data == {
        "symbol": "BTC", "time": T0 + 4000, "mvrv": 3.0, "nupl": 0.1, "sopr": None, "active_addresses": 1234567,
        "exchange_inflow": 10.0, "exchange_outflow": 4.0, "netflow": 6.0,
    }  # fmt: skip
    [data] = flush(processor, raw(T0 + 60_000, mvrv=7.0))
    assert (data["mvrv"], data["nupl"], data["netflow"]) == (7.0, 0.1, 6.0)  # what the window lacks is the last one known


def test_sentiment_is_smoothed_and_told_raw_as_well() -> None:
    processor = SentimentProcessor(Shape(100, 5000, 30_000))
    flush(processor, raw(T0, fear_greed_index=20.0))

    [data] = flush(processor, raw(T0 + 30_000, fear_greed_index=80.0))

    assert data["fear_greed_index"] == pytest.approx((80 + 20 / 2.718281828) / (1 + 1 / 2.718281828), rel=1e-5)
    assert data["latest"]["fear_greed_index"] == 80.0
    assert data["social_sentiment"] is None


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.floats(-100, 100)), min_size=1, max_size=30), st.randoms(use_true_random=False)
)
@settings(deadline=None)
def test_a_timed_mean_does_not_care_for_order(values: list[tuple[int, float]], chance: Any) -> None:
    ordered, shuffled = TimedMean(30_000), TimedMean(30_000)
    for at, value in sorted(values):
        ordered.add(at, value)
    chance.shuffle(values)
    for at, value in values:
        shuffled.add(at, value)

    assert shuffled.value == pytest.approx(ordered.value, abs=1e-6)
    assert min(v for _, v in values) - 1e-6 <= (ordered.value or 0) <= max(v for _, v in values) + 1e-6


def test_equal_times_give_the_plain_mean() -> None:
    held = TimedMean(1000)
    for value in (1.0, 2.0, 6.0):
        held.add(T0, value)

    assert held.value == fmean([1, 2, 6])


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1.5, "1.5"), (1e-9, "0"), (120.0, "120"), (1e15, "1000000000000000")])
def test_amounts_have_no_exponent(value: float, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize(
    ("value", "wanted"), [(None, None), (0.0, 0.0), (123456789.0, 123457000.0), (-0.000123456789, -0.000123457)]
)
def test_figures_keep_six_digits(value: float | None, wanted: float | None) -> None:
    assert rounded(value) == wanted
