"""The models at work, without clock, network or files: takes the stream, learns, answers, scores. Times are told, in ms UTC.

Two sets of models: learners change with every outcome; what answers is `served`, a frozen copy of a learner under a version
number. A sample is drawn of each symbol `SAMPLES` times a horizon and learned from when its horizon has ended, never before: what
answers at a time has seen nothing of later.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import structs

from stream.analysis import explain
from stream.analysis.market import Market, Symbol
from stream.analysis.messages import RISK, TYPES, Analysis, AnalysisType, Forecast
from stream.analysis.models import KINDS
from stream.analysis.models.base import Features, Figures, Model, NotReadyError, Stated, View
from stream.analysis.online import StateError
from stream.analysis.predictions import Prediction
from stream.messages import MARKET

SAMPLES = 4  # of each symbol in a horizon
STALE_MS = 10_000  # a price older than that is no ground for a forecast

Models = dict[int, Model]


class NoDataError(Exception):
    """The market is not known well enough; the text says what is missing."""


class Question(NamedTuple):
    """What is predicted: by which model, of which symbol, how many seconds ahead."""

    kind: AnalysisType
    symbol: str
    horizon: int


@dataclass(frozen=True, slots=True)
class _Sample:
    """A moment that will be learned from."""

    symbol: str
    made_ms: int
    due_ms: int
    features: Features
    expected: Figures


class Served(NamedTuple):
    """What answers for a model: by horizon, under a version; version 0 has learned nothing. `why` is set when there is none."""

    version: int
    models: Models
    why: str = ""


@dataclass(slots=True)
class Engine:
    """All models over `horizons` (seconds); `step_ms` is the grid of time."""

    horizons: Sequence[int]
    step_ms: int = 1_000
    market: Market = field(init=False)
    learners: dict[AnalysisType, Models] = field(init=False)
    served: dict[AnalysisType, Served] = field(init=False)
    _pending: dict[tuple[AnalysisType, int], deque[_Sample]] = field(init=False)
    _sampled: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Empty models and an empty market."""
        self.market = Market(self.step_ms, 3_000 * max(self.horizons))
        self.learners = {name: self.fresh(name) for name in KINDS}
        self.served = {name: Served(0, self.fresh(name), "has learned nothing yet") for name in KINDS}
        self._pending = {(name, horizon): deque() for name in KINDS for horizon in self.horizons}
        self._sampled = dict.fromkeys(self.horizons, 0)

    def fresh(self, kind: AnalysisType) -> Models:
        """Models that have learned nothing."""
        return {horizon: KINDS[kind]() for horizon in self.horizons}

    # -- learning ----------------------------------------------------------------------------------------------------
    def advance(self, now_ms: int) -> None:
        """Time goes on: the market's grid is filled, and samples are drawn where it is their time."""
        self.market.advance(now_ms)
        for horizon in self.horizons:
            if now_ms - self._sampled[horizon] >= horizon * 1000 / SAMPLES:
                self._sampled[horizon] = now_ms
                for symbol in self.market.symbols.values():
                    self._draw(symbol, horizon, now_ms)

    def _draw(self, symbol: Symbol, horizon: int, now_ms: int) -> None:
        if not fresh_enough(symbol, now_ms):
            return
        board = _Board(self, {name: Served(0, models) for name, models in self.learners.items()}, symbol, horizon, now_ms)
        name = str(symbol.latest[MARKET]["symbol"])
        for kind in KINDS:
            try:
                stated = board.stated(kind)
            except NoDataError:
                continue
            sample = _Sample(name, now_ms, now_ms + horizon * 1000, stated.features, stated.expected)
            self._pending[kind, horizon].append(sample)

    def learn(self, kind: AnalysisType, now_ms: int) -> int:
        """One model learns from the samples whose horizon has ended; their number."""
        learned = 0
        for horizon in self.horizons:
            pending, model = self._pending[kind, horizon], self.learners[kind][horizon]
            while pending and pending[0].due_ms <= now_ms:
                sample = pending.popleft()
                symbol = self.market.symbols[sample.symbol]
                outcome = model.outcome(symbol, sample.features, sample.made_ms, sample.due_ms)
                if outcome is not None:
                    model.learn(sample.features, sample.expected, outcome)
                    learned += 1
        return learned

    def pass_over(self, now_ms: int) -> None:
        """As who stands by, and learns nothing: samples whose horizon has ended are dropped."""
        for pending in self._pending.values():
            while pending and pending[0].due_ms <= now_ms:
                pending.popleft()

    # -- versions ----------------------------------------------------------------------------------------------------
    def state(self, kind: AnalysisType) -> dict[str, Any]:
        """All that a model's learners know, by horizon."""
        return {str(horizon): model.state() for horizon, model in self.learners[kind].items()}

    def restored(self, kind: AnalysisType, state: Mapping[str, Any]) -> Models:
        """Models from what `state` gave. Raises StateError; a horizon that it lacks begins anew."""
        models = self.fresh(kind)
        for horizon, model in models.items():
            if str(horizon) in state:
                try:
                    model.restore(state[str(horizon)])
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    raise StateError(f"horizon {horizon}: {type(error).__name__}: {error}") from error
        return models

    def samples(self, kind: AnalysisType) -> int:
        """Outcomes that a model's learners have learned from."""
        return sum(model.samples for model in self.learners[kind].values())

    # -- answering ---------------------------------------------------------------------------------------------------
    def predict(self, asked: Question, now_ms: int, *, why: str = "") -> Stated:
        """What a model states of a symbol; `why` not to ask the model itself but its baseline. Raises NoDataError, KeyError."""
        symbol = self.market.symbols[asked.symbol]
        if not fresh_enough(symbol, now_ms):
            raise NoDataError(
                f"{asked.symbol}: the last price is {(now_ms - symbol.newest_ms) / 1000:.0f} s old: look at the feed"
            )
        symbol.advance(now_ms)  # a question may come before a tick that is late
        served = self.served | {asked.kind: self.served[asked.kind]._replace(why=why)} if why else self.served
        return _Board(self, served, symbol, asked.horizon, now_ms).stated(asked.kind)

    def analysis(self, prediction: Prediction, stated: Stated, now_ms: int, text: float | None = None) -> Analysis:
        """The answer that says a prediction in words; `text` is what a text was found to say."""
        symbol = self.market.symbols[prediction.symbol]
        board = _Board(self, self.served, symbol, prediction.horizon, now_ms)
        usual = symbol.slow.volatility(symbol.seconds)
        ratio = explain.volatility_ratio(board.maybe(RISK), usual)
        found = explain.words(prediction.model, stated, ratio, text)
        more: dict[str, Any] = {"price": symbol.price, "volatility_ratio": ratio} | dict(stated.expected)
        if stated.fallback and "size" in more:
            more["size"] = 0.0  # who stands in knows of no edge
        return Analysis(
            id=prediction.id, type=prediction.model, crypto_id=prediction.crypto_id, symbol=prediction.symbol,
            horizon=prediction.horizon, made_at=prediction.made_at, due_at=prediction.due_at,
            data_age_ms=max(now_ms - symbol.newest_ms, 0), version=prediction.version, fallback=prediction.fallback,
            signal=found.signal, confidence=found.confidence, risk_level=explain.risk_level(ratio), reasoning=found.reasoning,
            forecast=prediction.forecast, baseline=prediction.baseline,
            data=more if text is None else more | {"text_sentiment": text},
        )  # fmt: skip

    def prediction(self, asked: Question, crypto_id: str, stated: Stated, *, now_ms: int, origin: str) -> Prediction:
        """What is stored of it."""
        return Prediction(
            id=str(uuid.uuid4()), model=asked.kind, version=self.served[asked.kind].version, fallback=stated.fallback,
            origin=origin, crypto_id=crypto_id, symbol=asked.symbol, horizon=asked.horizon, made_at=now_ms,
            due_at=now_ms + asked.horizon * 1000, forecast=stated.forecast, baseline=stated.baseline, features=stated.features,
            expected=stated.expected,
        )  # fmt: skip

    # -- scoring -----------------------------------------------------------------------------------------------------
    def score(self, prediction: Prediction, now_ms: int) -> Prediction | None:
        """The prediction with what happened; given up where the market's past does not reach; None while it is not due."""
        symbol = self.market.symbols.get(prediction.symbol)
        if now_ms < prediction.due_at + self.step_ms:
            return None
        model = KINDS[prediction.model]()
        outcome = symbol and model.outcome(symbol, prediction.features, prediction.made_at, prediction.due_at)
        if not outcome:
            return prediction.missed(now_ms)
        risk = prediction.value_at_risk if prediction.model == RISK else None
        return structs.replace(
            prediction,
            outcome=outcome.value,
            change=outcome.change,
            happened=model.event(prediction.features, prediction.forecast, outcome.value),
            baseline_happened=model.event(prediction.features, prediction.baseline, outcome.value),
            breached=None if risk is None else outcome.change < -risk,
            scored_at=now_ms,
        )


def fresh_enough(symbol: Symbol, now_ms: int) -> bool:
    """Whether the price is young enough for a forecast."""
    return bool(symbol.price) and now_ms - symbol.newest_ms <= STALE_MS


class _Board:
    """What all models state of one moment; each is asked once, and only when somebody needs it."""

    def __init__(self, engine: Engine, served: Mapping[AnalysisType, Served], symbol: Symbol, horizon: int, now_ms: int) -> None:
        self._engine, self._served, self._horizon = engine, served, horizon
        self._view = View(symbol, now_ms, float(horizon), self.stated)
        self._found: dict[AnalysisType, Stated] = {}

    def maybe(self, kind: AnalysisType) -> Stated | None:
        """What it states; None where the market is not known well enough."""
        try:
            return self.stated(kind)
        except NoDataError:
            return None

    def stated(self, kind: AnalysisType) -> Stated:
        """What it states. Raises NoDataError."""
        if kind not in self._found:
            self._found[kind] = self._ask(kind)
        return self._found[kind]

    def _ask(self, kind: AnalysisType) -> Stated:
        version, models, why = self._served[kind]
        model = models[self._horizon]
        features = model.features(self._view)
        if features is None:
            raise NoDataError(f"{kind}: too little of the market is known yet: ask again in a minute")
        if not all(map(math.isfinite, features.values())):
            raise NoDataError(f"{kind}: the feed's figures are out of all bounds: look at the feed")
        # The baseline goes on learning with the learner, so that it is as good as a naive one can be.
        baseline = self._engine.learners[kind][self._horizon].baseline(features)
        expected = model.expect(features)
        if why:
            return Stated(features, expected, baseline, baseline, why, young=not version)
        return _stated(model, features, expected, baseline)


def _stated(model: Model, features: Features, expected: Figures, baseline: Forecast) -> Stated:
    """The model's forecast, or the baseline and why."""
    try:
        forecast = model.forecast(features, expected)
    except NotReadyError:
        why = f"has learned from {model.samples} outcomes only"
        return Stated(features, expected, baseline, baseline, why, young=True)
    if not all(map(math.isfinite, structs.astuple(forecast))):
        return Stated(features, expected, baseline, baseline, "its figures are not finite")
    return Stated(features, expected, forecast, baseline)


def moments(engine: Engine, now_ms: int) -> Iterator[Question]:
    """Everything that can be predicted now."""
    for name, symbol in engine.market.symbols.items():
        if fresh_enough(symbol, now_ms):
            yield from (Question(kind, name, horizon) for kind in TYPES for horizon in engine.horizons)
