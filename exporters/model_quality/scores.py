"""Accuracy, hits, Brier score and widths over the window, beside the baseline's; a scrape reads only what is new."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from exporters.model_quality.feed import Feed
from exporters.model_quality.quality import Scored, scored, summary, wilson
from metrics import model_quality as m
from metrics.analysis import MODELS
from metrics.model import Sample


class Scores:
    """Scores."""

    name = "scores"
    help = "How good the models' predictions of late were, beside a naive baseline."
    emits = (
        m.ACCURACY, m.ACCURACY_BOUND, m.SCORED, m.HITS, m.BRIER, m.WIDTH, m.INTERVAL_SCORE, m.BREACHES, m.FALLBACK,
    )  # fmt: skip

    def __init__(self, feed: Feed, least: int) -> None:
        self._feed, self._least = feed, least
        self._known: deque[Scored] = deque()
        feed.new.append(lambda row: self._known.append(scored(row)))
        feed.forget.append(self._forget)

    def _forget(self, now: float) -> None:
        begin = now - self._feed.window
        self._known = deque(one for one in self._known if one.at >= begin)

    def collect(self) -> Iterator[Sample]:
        """Shares from 0 to 1, counts, scores."""
        self._feed.fresh()
        held: dict[str, list[Scored]] = {model: [] for model in MODELS}
        for one in self._known:
            held.setdefault(one.model, []).append(one)
        for model, found in held.items():
            yield from _samples(model, found, self._least)


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
