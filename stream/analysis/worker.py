"""What happens as time goes on: the engine learns, predicts on schedule and scores; versions are published and taken back.

`tick` does what is due; it neither waits nor knows a network. What it wants stored it gives to `records`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from metrics import analysis as ai
from metrics.instruments import Instruments
from metrics.model import Sample
from stream.analysis import text as lexicon
from stream.analysis.desk import ProblemError
from stream.analysis.engine import Engine, NoDataError, Question, moments
from stream.analysis.messages import ENSEMBLE, SENTIMENT, TYPES, Analysis, AnalysisRequest, AnalysisType
from stream.analysis.models.base import Stated
from stream.analysis.models.ensemble import Ensemble
from stream.analysis.predictions import ASKED, SCHEDULED, Prediction
from stream.analysis.publisher import Publisher
from stream.analysis.records import Records

_LOG = logging.getLogger("watchfloor.analysis")


@dataclass(slots=True)
class _Made:
    """What was made of one question in this step."""

    prediction: Prediction
    stated: Stated
    analysis: Analysis | None = None


@dataclass
class Worker:
    """`now_ms` is the clock. `ids` are the data store's ids by symbol: what has none is answered, and stored by its symbol.

    `writes` tells whether this process holds the lease: without it nothing is published.
    """

    engine: Engine
    records: Records
    publisher: Publisher
    counts: Instruments
    every_ms: int
    now_ms: Callable[[], int]
    ids: Mapping[str, str] = field(default_factory=dict)
    open: list[Prediction] = field(default_factory=list)
    _scheduled: int = 0
    _step: tuple[int, dict[Question, _Made]] = (0, {})

    # -- as time goes on ---------------------------------------------------------------------------------------------
    def tick(self, *, writes: bool) -> None:
        """Does what is due."""
        now = self.now_ms()
        self.engine.advance(now)
        for kind in TYPES:
            self._learn(kind, now)
        self.publisher.look(now, publish=writes)
        self._score(now)
        if now - self._scheduled >= self.every_ms:
            self._scheduled = now
            self._predict(now)

    def stand_by(self) -> None:
        """Knows the market as it is, should its turn come; learns and predicts nothing."""
        now = self.now_ms()
        self.engine.advance(now)
        self.engine.pass_over(now)

    def _learn(self, kind: AnalysisType, now: int) -> None:
        began = time.perf_counter()
        learned = self.engine.learn(kind, now)
        if learned:
            self.counts.observe(ai.TRAINING, time.perf_counter() - began, kind)
            self.counts.inc(ai.SAMPLES, kind, by=learned)

    def _predict(self, now: int) -> None:
        for asked in list(moments(self.engine, now)):
            began = time.perf_counter()
            try:
                made = self._made(asked, now, SCHEDULED)
            except NoDataError:
                continue
            self.counts.observe(ai.DURATION, time.perf_counter() - began, asked.kind)
            if asked.horizon == self.engine.horizons[0]:
                self._say(made, now)

    def _made(self, asked: Question, now: int, origin: str) -> _Made:
        """The prediction of this step: who asks twice within a step of the grid gets, and stores, the same one."""
        step = now // self.engine.step_ms
        if self._step[0] != step:
            self._step = (step, {})
        found = self._step[1].get(asked)
        self.counts.inc(ai.PREDICTIONS, asked.kind, origin)
        if found is None:
            stated = self.engine.predict(asked, now)
            crypto_id = self.ids.get(asked.symbol, asked.symbol)
            prediction = self.engine.prediction(asked, crypto_id, stated, now_ms=now, origin=origin)
            found = self._step[1][asked] = _Made(prediction, stated)
            self.records.add(prediction)
            self.open.append(prediction)
        if found.stated.fallback:
            self.counts.inc(ai.FALLBACKS, asked.kind, ai.YOUNG if found.stated.young else ai.FAILED)
        return found

    def _say(self, made: _Made, now: int) -> Analysis:
        """The analysis of a prediction; made, and kept for `analysis_history`, when it is first wanted."""
        if made.analysis is None:
            made.analysis = self.engine.analysis(made.prediction, made.stated, now)
            if made.prediction.symbol in self.ids:
                self.records.analysed(made.analysis)
        return made.analysis

    def _score(self, now: int) -> None:
        waiting: list[Prediction] = []
        for one in self.open:
            scored = self.engine.score(one, now)
            if scored is None:
                waiting.append(one)
                continue
            self.counts.inc(ai.SCORED, "missed" if scored.outcome is None else "scored")
            self.records.score(scored)
            self.publisher.scored(scored)
        self.open = waiting

    # -- questions ---------------------------------------------------------------------------------------------------
    def answer(self, request: AnalysisRequest) -> Analysis:
        """The answer. Raises ProblemError."""
        now = self.now_ms()
        asked = Question(request.type, self._symbol(request.crypto_id), self._horizon(request.horizon))
        try:
            made = self._made(asked, now, ASKED)
        except NoDataError as error:
            raise ProblemError("no-data", str(error)) from None
        found = self._say(made, now)
        if not request.text or request.type != SENTIMENT:
            return found
        return self.engine.analysis(made.prediction, made.stated, now, lexicon.score(request.text))

    def _symbol(self, crypto_id: str) -> str:
        known = self.engine.market.symbols
        wanted = crypto_id.casefold()
        for symbol in known:
            if wanted in (self.ids.get(symbol, symbol).casefold(), symbol.casefold()):
                return symbol
        if not known:
            raise ProblemError("no-data", "the stream has told of no symbol yet: ask again in a minute")
        raise ProblemError("unknown-crypto", f"{crypto_id!r} is not followed: known are {', '.join(sorted(known)[:20])}")

    def _horizon(self, seconds: int) -> int:
        horizons = self.engine.horizons
        if seconds and seconds not in horizons:
            known = ", ".join(map(str, horizons))
            raise ProblemError("unknown-horizon", f"{seconds} s is no horizon of this site: give one of {known}, or 0")
        return seconds or horizons[0]

    # -- what is told of it ------------------------------------------------------------------------------------------
    def collect(self) -> Iterator[Sample]:
        """The samples of now."""
        now = self.now_ms()
        yield ai.UNSAVED.sample(self.records.waiting)
        for room, newest in self.engine.market.newest.items():
            yield ai.DATA_AGE.sample(max(now - newest, 0) / 1000, room)
        for horizon, model in self.engine.learners[ENSEMBLE].items():
            assert isinstance(model, Ensemble)
            for expert, weight in model.weights().items():
                yield ai.WEIGHTS.sample(weight, str(horizon), expert)
        yield from self.publisher.collect(now)
