"""The embedded feed as sources: it tells the replay's ticks at their times, and says that it is a replay, and of what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from metrics.durations import seconds
from settings.feeds import Replay
from stream.messages import MARKET, ONCHAIN, SENTIMENT
from stream.sources.base import Description, Emit, RawMessage, State, Vitals, pause
from stream.sources.replay_derived import Derived
from stream.sources.replay_model import DAY, ReplayModel, about, history

_OFTEN = 0.005  # seconds; ticks that are due within so short a time are told together
# After a longer standstill the series goes on from now instead of rushing, and filling the processor's buffer.
_BEHIND_SECONDS, _BEHIND_TICKS = 5.0, 500
_WARM_UP = 250  # bars: 200 for the longest mean, and some for the exponential ones
_MOST_BARS = 1440
_DERIVED_EVERY = 1.0  # seconds between two figures of the on-chain and sentiment replay; symbols take turns


class ReplaySource:
    """Tells payload number k at `every · k` seconds after its start; `past` are payloads that come before the first."""

    def __init__(
        self, name: str, room: str, text: str, vitals: Vitals, *, every: float, payload: Callable[[int], dict[str, Any]],
        past: Callable[[int], Iterator[dict[str, Any]]] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.room = room
        self.vitals = vitals
        self._every = every
        self._payload = payload
        self._past = past
        self._text = text
        self._told = 0

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self.vitals.state

    @property
    def last_message_at(self) -> float | None:
        """When the last message was told, by the steady clock; None before the first."""
        return self.vitals.last_message_at

    def describe(self) -> Description:
        """That it is a replay, and of what."""
        return Description("replay", self._text)

    async def run(self, emit: Emit, stop: asyncio.Event) -> None:
        """Tells until `stop` is set."""
        clock = self.vitals.clock
        self.vitals.state = State.CONNECTED
        began, origin_ms, base = clock.steady(), clock.now_ms(), self._told
        if self._past and not self._told:
            for payload in self._past(origin_ms):
                bars = payload.get("bars")
                self._emit(emit, payload, bars[-1].start_ms + payload["bar_ms"] if bars else origin_ms)
        while True:
            due = base + int((clock.steady() - began) / self._every)
            if due - self._told > min(_BEHIND_SECONDS / self._every, _BEHIND_TICKS):
                began, origin_ms, base = clock.steady(), clock.now_ms(), self._told
                continue
            while self._told < due:
                self._told += 1
                at = origin_ms + round((self._told - base) * self._every * 1000)
                self._emit(emit, self._payload(self._told), at)
            wait = began + (self._told + 1 - base) * self._every - clock.steady()
            if await pause(stop, max(wait, _OFTEN)):
                break
        self.vitals.state = State.STOPPED

    def _emit(self, emit: Emit, payload: dict[str, Any], source_ms: int) -> None:
        message = RawMessage(self.name, payload, max(source_ms, self.vitals.clock.now_ms()), source_ms)
        self.vitals.good(message)
        emit(message)


def market(replay: Replay, bar: str, vitals: Vitals) -> ReplaySource:
    """Prices: ticks at the rate of the settings, after as much past as indicators and the 24 h figures need."""
    model = ReplayModel(replay.symbols, replay.seed, 1 / replay.rate)
    supply = {line.symbol: line.supply for line in model.lines}
    decimals = {line.symbol: line.decimals for line in model.lines}

    def payload(_number: int) -> dict[str, Any]:
        tick = model.next()
        price = _decimal(tick.price, decimals[tick.symbol])
        cap = _decimal(tick.price * supply[tick.symbol], 0)
        return {"symbol": tick.symbol, "price": price, "quantity": _decimal(tick.quantity, 6), "market_cap": cap}

    def past(now_ms: int) -> Iterator[dict[str, Any]]:
        length = seconds(bar)
        bar_ms = round(length * 1000)
        count = max(_WARM_UP, min(_MOST_BARS, round(DAY / length)))
        for symbol, bars in history(replay.symbols, replay.seed, now_ms // bar_ms * bar_ms, length, count).items():
            yield {"symbol": symbol, "bar_ms": bar_ms, "bars": bars}

    return ReplaySource("market", MARKET, about(replay.symbols), vitals, every=1 / replay.rate, payload=payload, past=past)


def onchain(replay: Replay, vitals: Vitals) -> ReplaySource:
    """On-chain figures that fit the replayed market."""
    derived = _derived(replay)
    payload = _turns(replay, derived, derived.onchain)
    first = _first(derived, derived.onchain)
    return ReplaySource("onchain", ONCHAIN, _made_from(replay), vitals, every=_DERIVED_EVERY, payload=payload, past=first)


def sentiment(replay: Replay, vitals: Vitals) -> ReplaySource:
    """Sentiment that fits the replayed market."""
    derived = _derived(replay)
    payload = _turns(replay, derived, derived.sentiment)
    first = _first(derived, derived.sentiment)
    return ReplaySource("sentiment", SENTIMENT, _made_from(replay), vitals, every=_DERIVED_EVERY, payload=payload, past=first)


def _derived(replay: Replay) -> Derived:
    return Derived(ReplayModel(replay.symbols, replay.seed, 1 / replay.rate))


def _turns(replay: Replay, derived: Derived, figures: Callable[[str], dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
    def payload(number: int) -> dict[str, Any]:
        derived.advance(int(number * _DERIVED_EVERY * replay.rate))
        return figures(derived.symbols[number % len(derived.symbols)])

    return payload


def _first(derived: Derived, figures: Callable[[str], dict[str, Any]]) -> Callable[[int], Iterator[dict[str, Any]]]:
    """One payload a symbol at the start, so that nobody waits for its turn."""
    return lambda _now_ms: (figures(symbol) for symbol in derived.symbols)


def _made_from(replay: Replay) -> str:
    return f"{about(replay.symbols)}; figures derived from its prices"


def _decimal(value: float, decimals: int) -> Decimal:
    return Decimal(f"{value:.{decimals}f}")
