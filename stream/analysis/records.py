"""Predictions and what became of them in the data store, and the analyses of `analysis_history`.

What is to be stored waits in memory, bounded, while the store is away; a batch is one transaction. A prediction that was stored
twice, because nobody knew how a commit had ended, stands there once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from metrics import analysis as ai
from metrics.instruments import Instruments
from stream.analysis.messages import Analysis, Forecast
from stream.analysis.predictions import Prediction
from stream.store.database import Database

_BATCH = 500  # rows of each kind in one transaction
_NEW = """
INSERT INTO ai_predictions (id, model, version, fallback, origin, crypto_id, symbol, horizon, made_at, due_at,
  point, lower, upper, probability, baseline_point, baseline_lower, baseline_upper, baseline_probability, features, expected,
  outcome, change, happened, baseline_happened, breached, scored_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO NOTHING"""
_SCORE = """
UPDATE ai_predictions SET outcome = %s, change = %s, happened = %s, baseline_happened = %s, breached = %s, scored_at = %s,
  stored_at = clock_timestamp()
WHERE id = %s AND scored_at IS NULL"""
_ANALYSIS = """
INSERT INTO analysis_history (crypto_id, analysis_type, signal, confidence, reasoning, risk_level, analysis_data, timestamp)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
_OPEN = "SELECT * FROM ai_predictions WHERE scored_at IS NULL ORDER BY due_at LIMIT %s"
_EXPIRE = """
DELETE FROM ai_predictions WHERE id IN (SELECT id FROM ai_predictions WHERE scored_at < %s ORDER BY scored_at LIMIT 5000)"""


class Records:
    """What waits for the data store; at most `most` predictions and outcomes, and as many analyses."""

    def __init__(self, most: int, counts: Instruments) -> None:
        self.most, self._counts = most, counts
        self._new: dict[str, Prediction] = {}
        self._scored: dict[str, Prediction] = {}
        self._analyses: deque[Analysis] = deque(maxlen=most)

    @property
    def waiting(self) -> int:
        """Predictions and outcomes that wait."""
        return len(self._new) + len(self._scored)

    def add(self, prediction: Prediction) -> None:
        """Keeps a new prediction."""
        self._new[prediction.id] = prediction
        self._bound()

    def score(self, prediction: Prediction) -> None:
        """Keeps what became of one."""
        held = self._new if prediction.id in self._new else self._scored
        held[prediction.id] = prediction
        self._bound()

    def analysed(self, analysis: Analysis) -> None:
        """Keeps an answer for `analysis_history`."""
        self._analyses.append(analysis)

    def _bound(self) -> None:
        while self.waiting > self.most:
            held = self._new or self._scored
            del held[next(iter(held))]
            self._counts.inc(ai.LOST)

    async def flush(self, database: Database) -> bool:
        """Stores one batch; whether more waits. Raises StoreError; then everything waits on."""
        new, scored = _first(self._new), _first(self._scored)
        analyses = list(islice(self._analyses, _BATCH))
        if not (new or scored or analyses):
            return False
        async with database.writing("predictions") as connection, connection.cursor() as cursor:
            if new:
                await cursor.executemany(_NEW, [_row(one) for one in new])
            if scored:
                await cursor.executemany(_SCORE, [(*_outcome(one), one.id) for one in scored])
            if analyses:
                await cursor.executemany(_ANALYSIS, [_analysis(one) for one in analyses])
        database.rows("predictions", len(new) + len(scored) + len(analyses))
        for held, stored in ((self._new, new), (self._scored, scored)):
            for one in stored:
                now = held.pop(one.id, None)
                if now is not None and now is not one:  # it was scored while it was stored
                    self._scored[one.id] = now
        for _ in analyses:
            self._analyses.popleft()
        return bool(self.waiting or self._analyses)

    def drop(self) -> int:
        """Gives up the batch that the store refuses for good; how many predictions and outcomes are lost by it."""
        lost = 0
        for held in (self._new, self._scored):
            for one in _first(held):
                del held[one.id]
                lost += 1
        for _ in range(min(_BATCH, len(self._analyses))):
            self._analyses.popleft()
        self._counts.inc(ai.LOST, by=lost)
        return lost


async def unscored(database: Database, most: int) -> list[Prediction]:
    """Stored predictions that have no outcome yet, those that are due first at the head."""
    async with database.writing("predictions") as connection:
        rows = await (await connection.execute(_OPEN, (most,))).fetchall()
    database.rows("predictions", len(rows))
    return [_prediction(row) for row in rows]


async def expire(database: Database, before_ms: int) -> int:
    """Deletes predictions that were scored before a time, some thousand at once; how many."""
    async with database.writing("predictions") as connection:
        return (await connection.execute(_EXPIRE, (_time(before_ms),))).rowcount


def _first(held: dict[str, Prediction]) -> list[Prediction]:
    return list(islice(held.values(), _BATCH))


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _json(value: object) -> Jsonb:
    return Jsonb(value, dumps=msgspec.json.encode)


def _figures(forecast: Forecast) -> tuple[float, ...]:
    return forecast.point, forecast.lower, forecast.upper, forecast.probability


def _outcome(one: Prediction) -> Sequence[Any]:
    scored = None if one.scored_at is None else _time(one.scored_at)
    return one.outcome, one.change, one.happened, one.baseline_happened, one.breached, scored


def _row(one: Prediction) -> Sequence[Any]:
    return (
        one.id, one.model, one.version, one.fallback, one.origin, one.crypto_id, one.symbol, one.horizon, _time(one.made_at),
        _time(one.due_at), *_figures(one.forecast), *_figures(one.baseline), _json(one.features), _json(one.expected),
        *_outcome(one),
    )  # fmt: skip


def _analysis(one: Analysis) -> Sequence[Any]:
    more = {
        "prediction": one.id, "version": one.version, "fallback": one.fallback, "horizon": one.horizon,
        "forecast": msgspec.to_builtins(one.forecast), "baseline": msgspec.to_builtins(one.baseline), **one.data,
    }  # fmt: skip
    return (
        one.crypto_id, one.type, one.signal, one.confidence, one.reasoning, one.risk_level, _json(more), _time(one.made_at)
    )  # fmt: skip


def _prediction(row: dict[str, Any]) -> Prediction:
    def figures(prefix: str) -> Forecast:
        return Forecast(**{name: row[prefix + name] for name in ("point", "lower", "upper", "probability")})

    plain = ("model", "version", "fallback", "origin", "crypto_id", "symbol", "horizon", "features", "expected")
    times = {name: round(row[name].timestamp() * 1000) for name in ("made_at", "due_at")}
    return Prediction(
        id=str(row["id"]), forecast=figures(""), baseline=figures("baseline_"), **{name: row[name] for name in plain}, **times
    )  # fmt: skip
