"""Indicators against published vectors and plain computations over whole series, and what must hold for any series."""

from __future__ import annotations

from itertools import accumulate
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.processors.indicators import Ema, Macd, MacdValue, Rsi, Sma

# ChartSchool (StockCharts), "Relative Strength Index", the spreadsheet of its worked example of Wilder's 14-day RSI.
CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140, 46.2820,
    46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783,
    44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
]  # fmt: skip
RSI = [
    70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08,
    37.77,
]  # fmt: skip
PRICES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=300)


def rsi_of(closes: list[float]) -> float | None:
    found = Rsi()
    for close in closes:
        found = found.after(close)
    return found.value


def macd_of(closes: list[float]) -> MacdValue:
    found = Macd()
    for close in closes:
        found = found.after(close)
    return found.value


def test_rsi_of_the_published_example() -> None:
    found = [rsi_of(CLOSES[: length + 1]) for length in range(len(CLOSES))]

    assert found[:14] == [None] * 14
    assert [round(value, 2) for value in found[14:] if value is not None] == pytest.approx(RSI, abs=0.011)


@given(PRICES)
@settings(deadline=None)
def test_rsi_is_an_index(closes: list[float]) -> None:
    value = rsi_of(closes)

    assert (value is None) == (len(closes) < 15)
    assert value is None or -1e-9 <= value <= 100 + 1e-9


@given(st.lists(st.integers(1, 10_000), min_size=15, max_size=60))
@settings(deadline=None)
def test_rsi_of_the_mirrored_series_is_the_mirrored_rsi(closes: list[int]) -> None:
    value, mirrored = rsi_of([float(close) for close in closes]), rsi_of([20_000.0 - close for close in closes])

    assert value is not None
    assert mirrored is not None
    assert value + mirrored == pytest.approx(100)


@pytest.mark.parametrize(("step", "value"), [(1.0, 100.0), (-1.0, 0.0), (0.0, 50.0)])
def test_rsi_at_its_ends(step: float, value: float) -> None:
    assert rsi_of([100 + step * n for n in range(30)]) == value


def plain_ema(values: list[float], period: int) -> list[float]:
    """By the definition: the mean of the first values, then a weighted step for each."""
    first = fmean(values[:period])
    return list(accumulate(values[period:], lambda before, value: before + (value - before) * 2 / (period + 1), initial=first))


@given(st.lists(st.floats(1, 1e5), min_size=60, max_size=200))
@settings(deadline=None)
def test_macd_is_what_its_definition_says(closes: list[float]) -> None:
    fast, slow = plain_ema(closes, 12), plain_ema(closes, 26)
    line = [quick - slack for quick, slack in zip(fast[14:], slow, strict=True)]
    signal = plain_ema(line, 9)

    found = macd_of(closes)

    assert found.macd == pytest.approx(line[-1], abs=1e-6)
    assert found.signal == pytest.approx(signal[-1], abs=1e-6)
    assert found.histogram == pytest.approx(line[-1] - signal[-1], abs=1e-6)


def test_macd_appears_part_by_part() -> None:
    closes = [float(n) for n in range(1, 60)]

    assert macd_of(closes[:25]) == MacdValue(None, None, None)
    assert macd_of(closes[:26]).macd == pytest.approx(7.0)  # a straight line: the means lag by 5.5 and 12.5 steps
    assert macd_of(closes[:33]).signal is None
    assert macd_of(closes[:34]).signal == pytest.approx(7.0)
    assert macd_of(closes).histogram == pytest.approx(0.0, abs=1e-9)


@given(PRICES, st.integers(1, 30), st.lists(st.floats(0.001, 1e6), max_size=40))
@settings(deadline=None)
def test_sma_is_the_mean_of_the_last_values(values: list[float], period: int, pending: list[float]) -> None:
    found = Sma(period)
    for value in values:
        found.add(value)
    everything = values + pending

    wanted = fmean(everything[-period:]) if len(everything) >= period else None
    assert found.peek(pending) == (pytest.approx(wanted, rel=1e-6, abs=1e-6) if wanted is not None else None)


@given(PRICES, st.integers(1, 40))
@settings(deadline=None)
def test_ema_stays_within_what_it_has_seen(values: list[float], period: int) -> None:
    found = Ema(period)
    for value in values:
        found = found.after(value)

    assert (found.value is None) == (len(values) < period)
    if found.value is not None:
        assert min(values) * (1 - 1e-9) <= found.value <= max(values) * (1 + 1e-9)
