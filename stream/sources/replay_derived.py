"""On-chain and sentiment figures that fit the replayed market: derived from its ticks, by what the figures are defined as."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stream.sources.replay_model import DAY, ReplayModel, Tick

_HOUR = 3600.0
_REALISED = 1.6  # market over realised value at the start: a market in mid-cycle
_ADDRESSES = 0.05  # of the supply, at mean activity; capped, because supplies differ by orders of magnitude
_MOST_ADDRESSES = 900_000


@dataclass(slots=True)
class _State:
    """Running means of one symbol, each over its own time."""

    price: float
    realised: float
    spent: float
    fast: float
    slow: float
    activity: float = 1.0
    volume: float = 0.0
    change: float = 0.0


class Derived:
    """Follows a replay of its own, with the market's seed, so that both tell of the same market whatever their tempo."""

    def __init__(self, model: ReplayModel) -> None:
        self._model = model
        self._step = model.tick_seconds * len(model.lines)
        self._states: dict[str, _State] = {}
        for line in model.lines:
            level = math.exp(line.log)
            self._states[line.symbol] = _State(level, level / _REALISED, level, level, level)
        self._supply = {line.symbol: line.supply for line in model.lines}

    @property
    def symbols(self) -> list[str]:
        """The symbols it tells of."""
        return list(self._states)

    def advance(self, ticks: int) -> None:
        """Follows the market up to that tick."""
        while self._model.ticks < ticks:
            self._follow(self._model.next())

    def _follow(self, tick: Tick) -> None:
        state = self._states[tick.symbol]
        state.price = tick.price
        state.realised += (tick.price - state.realised) * self._weight(90 * DAY)
        state.spent += (tick.price - state.spent) * self._weight(DAY)
        state.fast += (tick.price - state.fast) * self._weight(_HOUR / 6)
        state.slow += (tick.price - state.slow) * self._weight(_HOUR)
        state.activity += (tick.activity - state.activity) * self._weight(_HOUR)
        state.volume += tick.quantity
        state.change += tick.change

    def _weight(self, seconds: float) -> float:
        return 1 - math.exp(-self._step / seconds)

    def onchain(self, symbol: str) -> dict[str, Any]:
        """The figures of now; the flows are those since the last call."""
        state = self._states[symbol]
        mvrv = state.price / state.realised
        flow, change = state.volume * 0.1, state.change
        state.volume = state.change = 0.0
        tilt = -0.2 * math.tanh(change * 500)  # coins come to exchanges when prices fall
        addresses = min(self._supply[symbol] * _ADDRESSES, _MOST_ADDRESSES) * (0.8 + 0.2 * state.activity)
        return {
            "symbol": symbol,
            "mvrv": mvrv,
            "nupl": 1 - 1 / mvrv,
            "sopr": state.price / state.spent,
            "active_addresses": float(round(addresses)),
            "exchange_inflow": flow * (1 + tilt),
            "exchange_outflow": flow * (1 - tilt),
        }

    def sentiment(self, symbol: str) -> dict[str, Any]:
        """The indices of now."""
        state = self._states[symbol]
        hourly = 0.015 * math.sqrt(_HOUR / DAY)  # a usual hour's move
        fast, slow = math.log(state.price / state.fast) / hourly, math.log(state.price / state.slow) / hourly
        fear_greed = 50 + 40 * math.tanh(slow) - 10 * math.tanh(state.activity - 1)
        return {
            "symbol": symbol,
            "fear_greed_index": fear_greed,
            "social_sentiment": math.tanh(fast),
            "news_sentiment": math.tanh(slow / 2),
            "google_trends": 100 * math.tanh(state.activity / 2),
        }
