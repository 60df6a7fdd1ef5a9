# ruff: noqa: S311  # chance of tests, no secrets
"""The replayed market at the speed of the processor: hours of it pass in seconds, and the engine sees nothing of later."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stream.analysis.engine import Engine, NoDataError, Served, moments
from stream.analysis.messages import AnalysisType
from stream.analysis.models import KINDS
from stream.analysis.predictions import SCHEDULED, Prediction
from stream.messages import MARKET, ONCHAIN, SENTIMENT
from stream.sources.replay_derived import Derived
from stream.sources.replay_model import ReplayModel

SYMBOLS = ["BTC", "ETH", "SOL"]
START = 1_700_000_000_000
_PREDICT_EVERY, _LEAST_SAMPLES = 30, 250


@dataclass
class World:
    """A market with an engine that follows it; `prices` replaces the replay's: (symbol, replayed price) -> price."""

    horizons: tuple[int, ...] = (60,)
    seed: int = 1
    prices: Callable[[str, float], float] = lambda _, price: price
    engine: Engine = field(init=False)
    now: int = START
    scored: list[Prediction] = field(default_factory=list)
    _open: list[Prediction] = field(default_factory=list)
    _published: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.engine = Engine(self.horizons)
        tick = 1 / len(SYMBOLS)
        self._model = ReplayModel(SYMBOLS, self.seed, tick)
        self._derived = Derived(ReplayModel(SYMBOLS, self.seed, tick))

    def step(self) -> None:
        """One second: what the stream tells, what the engine makes of it."""
        self.now += 1000
        for _ in SYMBOLS:
            tick = self._model.next()
            price = self.prices(tick.symbol, tick.price)
            self.engine.market.take(MARKET, {"symbol": tick.symbol, "price": str(price)}, self.now - 1)
        self._derived.advance(self._model.ticks)
        name = SYMBOLS[self.now // 1000 % len(SYMBOLS)]
        self.engine.market.take(ONCHAIN, self._derived.onchain(name), self.now - 1)
        self.engine.market.take(SENTIMENT, self._derived.sentiment(name), self.now - 1)
        self.engine.advance(self.now)
        for kind in KINDS:
            self.engine.learn(kind, self.now)

    def run(self, seconds: int, *, publish: bool = True) -> None:
        """Lets time pass: versions are published as they double, predictions made each half minute, and scored when due."""
        for second in range(seconds):
            self.step()
            if publish:
                self._publish()
            if second % _PREDICT_EVERY == 0:
                self._predict()
            waiting: list[Prediction] = []
            for one in self._open:
                scored = self.engine.score(one, self.now)
                (waiting if scored is None else self.scored).append(scored or one)
            self._open = waiting

    def _publish(self) -> None:
        for kind in KINDS:
            samples = self.engine.samples(kind)
            if samples >= max(2 * self._published[kind], _LEAST_SAMPLES):
                self._published[kind] = samples
                self.serve(kind, self.engine.state(kind))

    def serve(self, kind: AnalysisType, state: dict[str, Any]) -> None:
        """Lets a state answer as the next version."""
        self.engine.served[kind] = Served(self.engine.served[kind].version + 1, self.engine.restored(kind, state))

    def _predict(self) -> None:
        for asked in moments(self.engine, self.now):
            try:
                stated = self.engine.predict(asked, self.now)
            except NoDataError:
                continue
            crypto_id = asked.symbol.lower()
            self._open.append(self.engine.prediction(asked, crypto_id, stated, now_ms=self.now, origin=SCHEDULED))

    def of(self, kind: AnalysisType, *, after: int = 0) -> list[Prediction]:
        """Scored predictions of a model itself, made from `after` on."""
        return [one for one in self.scored if one.model == kind and not one.fallback and one.made_at >= after]


def shuffled(predictions: list[Prediction], seed: int = 7) -> list[tuple[Prediction, Prediction]]:
    """Each prediction with another one whose outcome it gets: what is then left of skill is chance or a leak."""
    others = list(predictions)
    random.Random(seed).shuffle(others)
    return list(zip(predictions, others, strict=True))
