"""What the models state, whatever becomes of it: is it a number, does it move, has its distribution drifted, how old is it."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterator

from exporters.model_quality.drift import Reservoir, psi
from exporters.model_quality.feed import DAY, Feed, Row
from metrics import model_quality as m
from metrics.model import Sample

_STATED = ("point", "lower", "upper", "probability")
_SLOTS = 4  # of one window: drift is slow, and each slot of each figure costs memory
_EVERY = 30  # indices are made anew so often within a window
_BEFORE, _NOW = 1_000, 200  # values without which an index is noise


class Outputs:
    """Outputs."""

    name = "outputs"
    help = "Whether what the models state is a number and moves, how old it is, and how much of it was read."
    emits = (m.CONSTANT, m.INVALID, m.LAST_OUTCOME, m.ROWS_READ, m.REACH)

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        # When it was scored, whether it is no number, whether it is the same as the one before; by model.
        self._held: dict[str, deque[tuple[float, bool, bool]]] = defaultdict(deque)
        self._last: dict[tuple[str, str, int], tuple[float, ...]] = {}
        self._newest: dict[str, float] = {}
        feed.new.append(self._take)
        feed.forget.append(self._forget)

    def _forget(self, now: float) -> None:
        for held in self._held.values():
            while held and held[0][0] < now - self._feed.window:
                held.popleft()

    def _take(self, row: Row) -> None:
        at, model = row["scored_at"].timestamp(), row["model"]
        self._newest[model] = max(at, self._newest.get(model, 0.0))
        if row["fallback"]:
            return
        stated = tuple(row[name] for name in _STATED)
        key = (model, row["symbol"], row["horizon"])
        self._held[model].append((at, not all(map(math.isfinite, stated)), stated == self._last.get(key)))
        self._last[key] = stated

    def collect(self) -> Iterator[Sample]:
        """Shares from 0 to 1, times, counts."""
        self._feed.fresh()
        for model, held in self._held.items():
            if held:
                yield m.INVALID.sample(sum(one[1] for one in held) / len(held), model)
                yield m.CONSTANT.sample(sum(one[2] for one in held) / len(held), model)
        for model, at in self._newest.items():
            yield m.LAST_OUTCOME.sample(at, model)
        for part, count in self._feed.rows.items():
            yield m.ROWS_READ.sample(count, part)
        yield m.REACH.sample(self._feed.reach)


class Drift:
    """Drift."""

    name = "drift"
    help = "How far the distributions of what models read and state have moved from those of the day before."
    emits = (m.DRIFT,)

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._values = Reservoir(feed.window / _SLOTS, _SLOTS * DAY)
        self._made = float("-inf")
        self._samples: list[Sample] = []
        feed.every.append(self._take)
        feed.forget.append(self._values.forget)

    def _take(self, row: Row) -> None:
        if row["fallback"]:
            return
        at, model = row["scored_at"].timestamp(), row["model"]
        for name, value in row["features"].items():
            if isinstance(value, int | float):
                self._values.add(at, model, "feature", name, value)
        for name, value in (("point", row["point"]), ("width", row["upper"] - row["lower"]), ("probability", row["probability"])):
            self._values.add(at, model, "output", name, value)

    def collect(self) -> Iterator[Sample]:
        """The index of each figure; sorting a day is too much for each scrape."""
        self._feed.fresh()
        if not self._samples or time.monotonic() - self._made >= self._feed.window / _EVERY:
            self._made = time.monotonic()
            now = time.time()
            self._samples = [
                m.DRIFT.sample(psi(before, current), *key)
                for key, before, current in self._values.split(now - self._feed.window)
                if len(before) >= _BEFORE and len(current) >= _NOW
            ]
        yield from self._samples
