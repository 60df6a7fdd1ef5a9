"""Accuracy, hits, Brier score and widths over the window, beside the baseline's; a scrape reads only what is new."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from exporters.model_quality.quality import Scored, scored, summary, wilson
from exporters.model_quality.reading import Reader
from metrics import model_quality as m
from metrics.analysis import MODELS
from metrics.model import Sample

# What was stored in a transaction that was open at the last scrape bears a time before it.
_OVERLAP = timedelta(seconds=5)
_MOST = 50_000  # rows that one scrape reads; the next one goes on
_QUERY = """
SELECT id::text AS id, model, fallback, scored_at, stored_at, outcome, lower, upper, probability, happened, breached,
  baseline_lower, baseline_upper, baseline_probability, baseline_happened
FROM ai_predictions
WHERE stored_at >= %(after)s AND scored_at >= %(begin)s AND outcome IS NOT NULL AND origin = 'scheduled'
ORDER BY stored_at LIMIT %(most)s"""


class Scores:
    """Scores."""

    name = "scores"
    help = "How good the models' predictions of late were, beside a naive baseline."
    emits = (
        m.ACCURACY, m.ACCURACY_BOUND, m.SCORED, m.HITS, m.BRIER, m.WIDTH, m.INTERVAL_SCORE, m.BREACHES, m.FALLBACK,
    )  # fmt: skip

    def __init__(self, reader: Reader, window: float, least: int) -> None:
        self._reader, self._window, self._least = reader, window, least
        self._known: dict[str, Scored] = {}
        self._after: datetime | None = None

    def collect(self) -> Iterator[Sample]:
        """Shares from 0 to 1, counts, scores."""
        self._read(time.time() - self._window)
        held: dict[str, list[Scored]] = {model: [] for model in MODELS}
        for one in self._known.values():
            held.setdefault(one.model, []).append(one)
        for model, found in held.items():
            yield from _samples(model, found, self._least)

    def _read(self, begin: float) -> None:
        start = datetime.fromtimestamp(begin, UTC)
        after = start if self._after is None else self._after - _OVERLAP
        rows: list[dict[str, Any]] = self._reader.rows(_QUERY, {"after": after, "begin": start, "most": _MOST})
        for row in rows:
            self._known[row["id"]] = scored(row)
            self._after = row["stored_at"]
        for key in [key for key, one in self._known.items() if one.at < begin]:
            del self._known[key]


def _samples(model: str, found: list[Scored], least: int) -> Iterator[Sample]:
    own = [one for one in found if not one.fallback]
    yield m.SCORED.sample(len(own), model)
    if found:
        yield m.FALLBACK.sample(1 - len(own) / len(found), model)
    if len(own) < least:
        return
    for of, told in (("model", summary(one.own for one in own)), ("baseline", summary(one.baseline for one in own))):
        yield m.HITS.sample(told.hits, model, of)
        yield m.BRIER.sample(told.brier, model, of)
        yield m.WIDTH.sample(told.width, model, of)
        yield m.INTERVAL_SCORE.sample(told.interval_score, model, of)
        if of == "model":
            yield m.ACCURACY.sample(told.accuracy, model)
            for bound, value in zip(("lower", "upper"), wilson(told.accuracy, len(own)), strict=True):
                yield m.ACCURACY_BOUND.sample(value, model, bound)
    breaches = [one.breached for one in own if one.breached is not None]
    if breaches:
        yield m.BREACHES.sample(sum(breaches) / len(breaches), model)
