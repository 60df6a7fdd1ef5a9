"""Which version answers: what was learned becomes one now and then; one that does not load is passed over, a pinned one stays.

Looking is cheap, so that a rollback by hand is seen within a second.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from metrics import analysis as ai
from metrics.instruments import Instruments
from metrics.model import Sample
from stream.analysis.engine import Engine, Served
from stream.analysis.messages import TYPES, AnalysisType
from stream.analysis.models import READS
from stream.analysis.online import StateError
from stream.analysis.predictions import Prediction, scores
from stream.analysis.versions import FORMAT, Shelf, Version, VersionError, library

FIRST = 200  # outcomes that the first version has learned from; the next ones come as they double, until time rules
_REMEMBERED = 400  # scored predictions of a model, from which its version's scores are made
_LOG = logging.getLogger("watchfloor.analysis")


@dataclass(slots=True)
class _State:
    """What is known of one model."""

    version: Version | None = None
    pinned: int | None = None
    learned: int = 0  # outcomes in the newest version
    published_at: int = 0
    first: int = 0  # when it began to learn
    scored: deque[Prediction] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))


class Publisher:
    """Puts versions on the shelf and lets the right one answer; a new one each `every_ms`."""

    def __init__(self, engine: Engine, shelf: Shelf, every_ms: int, counts: Instruments) -> None:
        self._engine, self._shelf, self._every, self._counts = engine, shelf, every_ms, counts
        self._states = {kind: _State() for kind in TYPES}
        self._broken: set[tuple[AnalysisType, int]] = set()
        self._began = 0

    def begin(self, now_ms: int) -> None:
        """Takes up where the last process stopped."""
        self._began = now_ms
        for kind, state in self._states.items():
            state.pinned = self._shelf.pinned(kind)
            self._take_best(kind, now_ms)

    def look(self, now_ms: int, *, publish: bool) -> None:
        """Does what is due: obeys a rollback, and publishes at most one version, so that nobody waits long."""
        for kind, state in self._states.items():
            pinned = self._shelf.pinned(kind)
            if pinned != state.pinned:
                state.pinned = pinned
                self._take_best(kind, now_ms)
        if publish:
            due = next((kind for kind in TYPES if self._due(kind, now_ms)), None)
            if due:
                self._publish(due, now_ms)

    def scored(self, prediction: Prediction) -> None:
        """Remembers how a prediction fared."""
        if prediction.outcome is not None and not prediction.fallback:
            self._states[prediction.model].scored.append(prediction)

    def _due(self, kind: AnalysisType, now_ms: int) -> bool:
        state, learned = self._states[kind], self._engine.samples(kind)
        if learned <= state.learned:
            return False
        if now_ms - max(state.published_at, self._began) >= self._every:
            return learned >= FIRST
        return learned >= max(2 * state.learned, FIRST) and now_ms - state.published_at >= self._every / 60

    def _publish(self, kind: AnalysisType, now_ms: int) -> None:
        state = self._states[kind]
        state.published_at, state.learned = now_ms, self._engine.samples(kind)
        made = Version(
            format=FORMAT, model=kind, version=0, made_at=now_ms, learned=state.learned, first=state.first or self._began,
            last=now_ms, features=list(READS[kind]), library=library(), scores=self._scores(kind), checksum="",
            state=self._engine.state(kind),
        )  # fmt: skip
        try:
            made = self._shelf.add(made)
        except OSError as error:
            self._counts.inc(ai.UNWRITTEN, kind)
            _LOG.warning("a version of %s cannot be written: %s", kind, error, extra={"event": "version_unwritten"})
            return
        if state.pinned is None:
            self._serve(kind, made)

    def _scores(self, kind: AnalysisType) -> dict[str, float]:
        found = scores(list(self._states[kind].scored))
        return {} if found is None else {name: float(value) for name, value in msgspec.structs.asdict(found).items()}

    def _take_best(self, kind: AnalysisType, now_ms: int) -> None:
        """Lets the best version that loads answer, and the learner go on from it; without one, the baseline answers."""
        for number in self._shelf.candidates(kind):
            try:
                version = self._shelf.load(kind, number)
                self._serve(kind, version)
            except (VersionError, StateError) as error:
                self._unreadable(kind, number, str(error))
                continue
            self._engine.learners[kind] = self._engine.restored(kind, version.state)
            state = self._states[kind]
            state.learned, state.first, state.published_at = version.learned, version.first, now_ms
            _LOG.info("%s: version %d answers", kind, number, extra={"event": "version", "model": kind, "version": number})
            return

    def _unreadable(self, kind: AnalysisType, number: int, why: str) -> None:
        if (kind, number) not in self._broken:
            self._broken.add((kind, number))
            self._counts.inc(ai.UNREADABLE, kind)
            _LOG.warning("%s: version %d does not load: %s", kind, number, why, extra={"event": "version_unreadable"})

    def _serve(self, kind: AnalysisType, version: Version) -> None:
        self._engine.served[kind] = Served(version.version, self._engine.restored(kind, version.state))
        self._states[kind].version = version

    @property
    def degraded(self) -> list[str]:
        """What is wrong with versions, in sentences."""
        return [
            f"{kind}: version {number} does not load, an earlier one answers"
            for kind, number in sorted(self._broken)
            if number > self._engine.served[kind].version
        ]

    def collect(self, now_ms: int) -> Iterator[Sample]:
        """The samples of now."""
        for kind, state in self._states.items():
            yield ai.VERSION.sample(self._engine.served[kind].version, kind)
            yield ai.PINNED.sample(int(state.pinned is not None), kind)
            if state.version is not None:
                yield ai.AGE.sample(max(now_ms - state.version.made_at, 0) / 1000, kind)
