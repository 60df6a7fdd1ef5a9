"""A regression that learns one sample at a time and states an interval, by conformal quantiles of its errors.

- Linear regression with a normal prior on standardised features (`stream/analysis/online.py`). The prior weighs as much as
  `PRIOR` samples.
- Interval and probabilities from the pool of its own past errors, each made before the model had seen the sample (split conformal
  prediction, Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005).
- The error rate aimed at follows what happened: `miss ← miss + rate·(0.1 - missed)` (adaptive conformal inference, Gibbs &
  Candès, 2021).

Everything is in units of a scale that the caller chooses, so that outcomes of calm and of wild times are alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stream.analysis.messages import LEVEL
from stream.analysis.online import Linear, Scaler, StateError, finite, numbers
from stream.analysis.pool import Pool

PRIOR = 300.0  # samples
MISS = 1 - LEVEL
_ONE = "one"  # the name of the constant feature, the last one
_GAMMA, _LEAST_MISS, _MOST_MISS = 0.005, 0.02, 0.2
_MOST_SCALED = 5.0  # standard deviations: a feature beyond that counts as that
_MOST_POINT = 3.0  # units of scale: a point beyond that counts as that


class Quantiles:
    """Past errors, and the error rate aimed at: together they make intervals."""

    def __init__(self, errors: Sequence[float] = (), miss: float = MISS) -> None:
        self.pool = Pool(errors)
        self.miss = miss

    @property
    def ready(self) -> bool:
        """Whether there are enough errors for an interval."""
        return self.pool.ready

    def interval(self) -> tuple[float, float]:
        """The lower and upper error between which the next one is expected with 90 %."""
        return self.pool.lower(self.miss / 2), self.pool.upper(self.miss / 2)

    def add(self, error: float) -> None:
        """Takes one more error, made before it was known."""
        if self.ready:
            lower, upper = self.interval()
            self._adapt(missed=not lower <= error <= upper)
        self.pool.add(error)

    def add_score(self, score: float) -> None:
        """Takes a score of one side alone: how far an outcome lay outside (negative: inside)."""
        if self.ready:
            self._adapt(missed=score > self.pool.upper(self.miss))
        self.pool.add(score)

    def _adapt(self, *, missed: bool) -> None:
        self.miss = min(max(self.miss + _GAMMA * (MISS - missed), _LEAST_MISS), _MOST_MISS)

    def state(self) -> dict[str, Any]:
        """What `restored` takes."""
        return {"errors": self.pool.values, "miss": self.miss}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Quantiles:
        """As it was. Raises StateError."""
        errors, miss = numbers(state, "errors"), float(state["miss"])
        if not _LEAST_MISS <= miss <= _MOST_MISS:
            raise StateError(f"miss is {miss}")
        return cls(errors, miss)


class Regression:
    """One regression over the features `names`, in units of scale."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.samples = 0
        self.quantiles = Quantiles()
        self._scaler = Scaler(self.names)
        self._model = Linear(len(self.names) + 1, 1 / PRIOR)

    @property
    def ready(self) -> bool:
        """Whether it has learned enough to state an interval."""
        return self.quantiles.ready

    def point(self, features: Mapping[str, float]) -> float:
        """The expected outcome, in units of scale."""
        return min(max(self._model.predict(self._scaled(features)), -_MOST_POINT), _MOST_POINT)

    def learn(self, features: Mapping[str, float], point: float, outcome: float) -> None:
        """Takes what happened (in units of scale) after `features`; `point` is what had been expected then."""
        if not math.isfinite(outcome):
            return
        self.samples += 1
        self.quantiles.add(outcome - point)
        self._scaler.learn(features)
        self._model.learn(self._scaled(features), min(max(outcome, -_MOST_SCALED), _MOST_SCALED))

    def _scaled(self, features: Mapping[str, float]) -> list[float]:
        return [*self._scaler.scaled(features, _MOST_SCALED), 1.0]

    # -- to and from JSON --------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """All it knows, as JSON can hold it; `restored` takes it back."""
        return {
            "names": list(self.names),
            "samples": self.samples,
            "quantiles": self.quantiles.state(),
            "scaler": self._scaler.state(),
            "order": [*self.names, _ONE],
            "covariance": [list(row) for row in self._model.covariance],
            "natural": list(self._model.natural),
        }

    @classmethod
    def restored(cls, names: Sequence[str], state: Mapping[str, Any]) -> Regression:
        """As it was. Raises StateError for a state that is of other features, incomplete, or not made of finite numbers."""
        try:
            found = cls(names)
            found.restore(state)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"regression over {', '.join(names)}: {type(error).__name__}: {error}") from error
        return found

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it all back. Raises StateError, IndexError, KeyError, TypeError, ValueError."""
        if tuple(state["names"]) != self.names:
            raise StateError(f"made of other features: {state['names']}")
        self.samples = int(state["samples"])
        self.quantiles = Quantiles.restored(state["quantiles"])
        self._scaler.restore(state["scaler"])
        order = [str(name) for name in state["order"]]
        if not order:  # one that was stored before it had learned
            return
        if set(order) != {*self.names, _ONE}:
            raise StateError(f"weights of other features: {order}")
        places = [order.index(name) for name in (*self.names, _ONE)]
        natural, covariance = numbers(state, "natural"), [[finite(value) for value in row] for row in state["covariance"]]
        self._model.natural = [natural[place] for place in places]
        self._model.covariance = [[covariance[row][column] for column in places] for row in places]
