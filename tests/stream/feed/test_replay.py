"""The embedded feed: one seed, one series; ticks as volatile as real days scaled by √t; and it says what it is."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from metrics import feed as m
from settings.feeds import Replay
from stream.sources import replay
from stream.sources.base import Clock, RawMessage, State, Vitals
from stream.sources.daily import SERIES, daily
from stream.sources.replay_derived import Derived
from stream.sources.replay_model import BLOCK, DAY, Bootstrap, ReplayModel, Tick, about, history, lines
from tests.stream.feed.servers import eventually

SYMBOLS = ["BTC", "ETH", "SOL", "BNB", "XRP"]


def ticks(seed: int, count: int, seconds: float = 1.0, symbols: list[str] | None = None) -> list[Tick]:
    model = ReplayModel(symbols or SYMBOLS, seed, seconds)
    return [model.next() for _ in range(count)]


def test_the_data_are_twenty_years_of_real_days() -> None:
    found = daily()

    assert (found.first, found.last) == ("1999-01-04", "2018-12-28")
    assert {len(values) for values in found.excess.values()} == {5009}
    assert min(found.excess["sp500"]) == pytest.approx(-0.0947, abs=2e-4)  # 2008-10-15
    assert max(found.excess["nasdaq"]) == pytest.approx(0.1325, abs=2e-4)  # 2001-01-03
    assert 0.9 < fmean(found.activity) < 1.1


def test_the_same_seed_gives_the_same_series() -> None:
    assert ticks(7, 2000) == ticks(7, 2000)
    assert ticks(7, 50) != ticks(8, 50)


def test_symbols_take_turns_and_prices_stay_within_reason() -> None:
    found = ticks(1, 5000)

    assert [tick.symbol for tick in found[:7]] == [*SYMBOLS, "BTC", "ETH"]
    assert all(0.5 < tick.price / 60_000 < 2 for tick in found if tick.symbol == "BTC")
    assert all(tick.quantity > 0 for tick in found)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 60.0, DAY])
def test_volatility_scales_with_the_root_of_time(seconds: float) -> None:
    found = ticks(3, 40_000, seconds, ["BTC"])
    span = seconds / DAY

    spread = pstdev(tick.change for tick in found) / math.sqrt(span)

    assert spread == pytest.approx(pstdev(daily().excess["nasdaq"]), rel=0.05)
    drift = fmean(tick.change for tick in found) / span - daily().mean["nasdaq"]
    assert abs(drift) < 4 * spread / math.sqrt(len(found) * span / BLOCK)


def test_an_hour_of_ticks_is_as_volatile_as_an_hour() -> None:
    found = ticks(5, 200_000, 10.0, ["BTC"])
    hours = [sum(tick.change for tick in found[start : start + 360]) for start in range(0, len(found) - 359, 360)]

    # Within a block days keep their order, and real days lean back a little after a move: that much less is an hour's sum.
    days, count = daily().excess["nasdaq"], len(daily().excess["nasdaq"])
    echo = [fmean(days[n] * days[(n + lag) % count] for n in range(count)) / pstdev(days) ** 2 for lag in range(1, BLOCK)]
    ratio = 1 + 2 * sum((1 - lag / BLOCK) * value for lag, value in enumerate(echo, 1))
    assert 0.8 < ratio < 1
    assert pstdev(hours) == pytest.approx(pstdev(days) * math.sqrt(3600 / DAY * ratio), rel=0.1)


def test_volatility_clusters_as_it_does_in_the_days_themselves() -> None:
    moves = [abs(tick.change) for tick in ticks(11, 20_000, DAY, ["BTC"])]
    mean = fmean(moves)
    together = fmean((one - mean) * (two - mean) for one, two in zip(moves[:-5], moves[5:], strict=True))

    assert together / pstdev(moves) ** 2 > 0.1  # five ticks apart; independent draws would give 0 ± 0.01


def test_symbols_of_related_series_move_together_and_others_do_not() -> None:
    found = ticks(2, 50_000)
    moves = {symbol: [tick.change for tick in found if tick.symbol == symbol] for symbol in SYMBOLS}

    def together(one: str, two: str) -> float:
        pairs = zip(moves[one], moves[two], strict=True)
        first, second = fmean(moves[one]), fmean(moves[two])
        return fmean((a - first) * (b - second) for a, b in pairs) / pstdev(moves[one]) / pstdev(moves[two])

    assert together("BTC", "ETH") > 0.7  # NASDAQ and S&P 500 of the same days
    assert abs(together("BTC", "BNB")) < 0.15  # NASDAQ of days far apart


def test_days_come_in_blocks() -> None:
    bootstrap = Bootstrap("x")
    days = [bootstrap.next_day() for _ in range(BLOCK * 50)]

    for start in range(0, len(days), BLOCK):
        block = days[start : start + BLOCK]
        assert all((after - before) % len(daily().activity) == 1 for before, after in pairwise(block))
    assert len({days[start] for start in range(0, len(days), BLOCK)}) > 40


def test_the_past_ends_where_the_ticks_begin() -> None:
    bars = history(SYMBOLS, 1, 1_790_000_040_000, 60, 300)

    for line in lines(SYMBOLS):
        held = bars[line.symbol]
        assert [bar.start_ms for bar in held] == list(range(1_790_000_040_000 - 300 * 60_000, 1_790_000_040_000, 60_000))
        assert held[-1].close == pytest.approx(math.exp(line.log), rel=1e-6)
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in held)
        assert all(before.close == after.open for before, after in pairwise(held))
        changes = [math.log(after.close / before.close) for before, after in pairwise(held)]
        wanted = pstdev(daily().excess[line.series]) * math.sqrt(60 / DAY)
        assert pstdev(changes) == pytest.approx(wanted, rel=0.5)


def test_derived_figures_keep_to_their_definitions() -> None:
    derived = Derived(ReplayModel(SYMBOLS, 1, 0.1))
    for step in range(200):
        derived.advance(step * 50)
        for symbol in SYMBOLS:
            chain, feeling = derived.onchain(symbol), derived.sentiment(symbol)
            assert chain["nupl"] == pytest.approx(1 - 1 / chain["mvrv"])
            assert chain["exchange_inflow"] >= 0
            assert chain["exchange_outflow"] >= 0
            assert 0 <= feeling["fear_greed_index"] <= 100
            assert -1 <= feeling["social_sentiment"] <= 1
            assert -1 <= feeling["news_sentiment"] <= 1
            assert 0 <= feeling["google_trends"] <= 100


def test_it_says_what_it_is() -> None:
    text = about(SYMBOLS)

    assert text.startswith("Replay, no live data: daily returns of 1999 to 2018")
    assert "BTC: NASDAQ Composite" in text
    assert all(name in text for name in SERIES.values())


def _holds(got: list[RawMessage], count: int) -> bool:
    return len(got) == count


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clock = Clock(wall=lambda: 1_790_000_000 + self.now, steady=lambda: self.now)


def test_it_keeps_its_rate_by_the_clock_and_does_not_rush_after_a_standstill() -> None:
    async def story() -> None:
        hands, got, stop = Hands(), list[RawMessage](), asyncio.Event()
        source = replay.market(Replay(rate=100, symbols=["BTC"]), "1m", Vitals("market", hands.clock, 30))
        task = asyncio.create_task(source.run(got.append, stop))
        await eventually("the past", lambda: len(got) == 1)
        assert len(got[0].payload["bars"]) == 1440

        hands.now += 1
        await eventually("one second of ticks", lambda: len(got) == 101)
        assert [item.source_ms for item in got[1:4]] == [1_790_001_000_010, 1_790_001_000_020, 1_790_001_000_030]
        hands.now += 3600

        def ticks_again() -> bool:
            hands.now += 0.01
            return len(got) > 101

        await eventually("ticks after the standstill", ticks_again)
        assert len(got) < 151
        assert got[101].source_ms > 1_790_000_000_000 + 4601 * 1000

        stop.set()
        async with asyncio.timeout(5):
            await task
        assert source.state is State.STOPPED
        assert sum(value for metric, _, value in source.vitals.counts.collect() if metric is m.MESSAGES) == len(got)  # type: ignore[misc]  # a counter's values are numbers

    asyncio.run(story())


def test_a_fast_replay_does_not_flood_the_buffer_after_a_stall() -> None:
    async def story() -> None:
        hands, got, stop = Hands(), list[RawMessage](), asyncio.Event()
        source = replay.market(Replay(rate=5000, symbols=["BTC"]), "1h", Vitals("market", hands.clock, 30))
        task = asyncio.create_task(source.run(got.append, stop))
        await eventually("the past", lambda: len(got) == 1)

        hands.now += 0.09
        await eventually("what is due", lambda: len(got) == 451)
        hands.now += 1

        def ticks_again() -> bool:
            hands.now += 0.001
            return len(got) > 451

        await eventually("ticks after the stall", ticks_again)
        assert len(got) < 451 + 500
        stop.set()
        async with asyncio.timeout(5):
            await task

    asyncio.run(story())


def test_on_chain_and_sentiment_begin_with_every_symbol() -> None:
    async def story() -> None:
        for build in (replay.onchain, replay.sentiment):
            hands, got, stop = Hands(), list[RawMessage](), asyncio.Event()
            source = build(Replay(), Vitals(build.__name__, hands.clock, 30))
            task = asyncio.create_task(source.run(got.append, stop))
            await eventually("all symbols", partial(_holds, got, 5))
            hands.now += 5
            await eventually("a turn of all", partial(_holds, got, 10))
            assert [item.payload["symbol"] for item in got[:5]] == SYMBOLS
            assert {item.payload["symbol"] for item in got[5:]} == set(SYMBOLS)
            stop.set()
            async with asyncio.timeout(5):
                await task

    asyncio.run(story())
