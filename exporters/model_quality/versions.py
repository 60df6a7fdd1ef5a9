"""How good each model's latest versions are over a window and over a day of them, beside the baseline of the same moments."""

from __future__ import annotations

import time
from collections.abc import Iterator

from exporters.model_quality.feed import DAY, Feed
from exporters.model_quality.quality import wilson
from exporters.model_quality.tally import Tally
from metrics import durations
from metrics import model_quality as m
from metrics.analysis import MODELS
from metrics.model import Sample

LATEST = 3  # versions of a model that are told; one an hour is made
SLOTS = 12  # of one window
_FIGURES = (m.V_ACCURACY, m.V_HITS, m.V_WIDTH, m.V_BRIER, m.V_CALIBRATION)  # in the order of tally.Figures


class Versions:
    """Versions."""

    name = "versions"
    help = "How good each model's latest versions are, over a short and a long window."
    emits = (m.V_SCORED, m.V_BOUND, *_FIGURES)

    def __init__(self, feed: Feed, least: int) -> None:
        self._feed, self._least = feed, least
        self._tally = Tally(feed.window / SLOTS, SLOTS * DAY)
        feed.every.append(self._tally.add)
        feed.forget.append(self._tally.forget)

    def collect(self) -> Iterator[Sample]:
        """Shares from 0 to 1, counts, scores."""
        self._feed.fresh()
        now = time.time()
        for model in MODELS:
            for version in self._tally.versions(model)[:LATEST]:
                for length in (self._feed.window, self._feed.window * DAY):
                    yield from self._window(now - length, (model, str(version), durations.text(length)))

    def _window(self, since: float, labels: tuple[str, str, str]) -> Iterator[Sample]:
        found = self._tally.window(labels[0], int(labels[1]), since)
        if found is None:
            return
        count, own, baseline = found
        yield m.V_SCORED.sample(count, *labels)
        if count < self._least:
            return
        for of, told in (("model", own), ("baseline", baseline)):
            for metric, value in zip(_FIGURES, told, strict=True):
                yield metric.sample(value, *labels, of)
        for bound, value in zip(("lower", "upper"), wilson(own.accuracy, count), strict=True):
            yield m.V_BOUND.sample(value, *labels, bound)
