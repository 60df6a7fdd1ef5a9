"""A regression that learns one sample at a time and states an interval: river's, with conformal quantiles of its errors.

- Linear regression with a normal prior on standardised features (river's `StandardScaler` and `BayesianLinearRegression`;
  Bishop, Pattern Recognition and Machine Learning, 2006, equations 3.49 to 3.58). The prior weighs as much as `PRIOR` samples.
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

import numpy as np
from river.linear_model import BayesianLinearRegression
from river.preprocessing import StandardScaler

from stream.analysis.messages import LEVEL
from stream.analysis.pool import Pool

PRIOR = 300.0  # samples
MISS = 1 - LEVEL
_GAMMA, _LEAST_MISS, _MOST_MISS = 0.005, 0.02, 0.2
_MOST_SCALED = 5.0  # standard deviations: a feature beyond that counts as that
_MOST_POINT = 3.0  # units of scale: a point beyond that counts as that


class StateError(ValueError):
    """A model's stored state that cannot be taken; the text says why."""


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
        self._scaler = StandardScaler()
        self._model = BayesianLinearRegression(alpha=1, beta=1 / PRIOR)  # river keeps prior and covariance equal at 1 alone

    @property
    def ready(self) -> bool:
        """Whether it has learned enough to state an interval."""
        return self.quantiles.ready

    def point(self, features: Mapping[str, float]) -> float:
        """The expected outcome, in units of scale."""
        found = self._model.predict_one(self._scaled(features))
        return min(max(float(found), -_MOST_POINT), _MOST_POINT)

    def learn(self, features: Mapping[str, float], point: float, outcome: float) -> None:
        """Takes what happened (in units of scale) after `features`; `point` is what had been expected then."""
        if not math.isfinite(outcome):
            return
        self.samples += 1
        self.quantiles.add(outcome - point)
        self._scaler.learn_one({name: features[name] for name in self.names})
        self._model.learn_one(self._scaled(features), min(max(outcome, -_MOST_SCALED), _MOST_SCALED))

    def _scaled(self, features: Mapping[str, float]) -> dict[str, float]:
        scaled = self._scaler.transform_one({name: features[name] for name in self.names})
        return {name: min(max(value, -_MOST_SCALED), _MOST_SCALED) for name, value in scaled.items()} | {"one": 1.0}

    # -- to and from JSON --------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """All it knows, as JSON can hold it; `restored` takes it back."""
        model, scaler = self._model, self._scaler
        return {
            "names": list(self.names),
            "samples": self.samples,
            "quantiles": self.quantiles.state(),
            "scaler": {name: [scaler.counts[name], scaler.means[name], scaler.vars[name]] for name in self.names if self.samples},
            # river has no public way to store a model but pickle: these four are all that its learning changes.
            "order": list(model._idx),  # noqa: SLF001  # see above
            "precision": model._ss_arr.tolist(),  # noqa: SLF001  # see above
            "covariance": model._ss_inv_arr.tolist(),  # noqa: SLF001  # see above
            "natural": model._eta_arr.tolist(),  # noqa: SLF001  # see above
        }

    @classmethod
    def restored(cls, names: Sequence[str], state: Mapping[str, Any]) -> Regression:
        """As it was. Raises StateError for a state that is of other features, incomplete, or not made of finite numbers."""
        try:
            found = cls(names)
            found.restore(state)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StateError(f"regression over {', '.join(names)}: {type(error).__name__}: {error}") from error
        return found

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes it all back. Raises StateError, KeyError, TypeError, ValueError."""
        if tuple(state["names"]) != self.names:
            raise StateError(f"made of other features: {state['names']}")
        self.samples = int(state["samples"])
        self.quantiles = Quantiles.restored(state["quantiles"])
        for name, (count, mean, variance) in state["scaler"].items():
            self._scaler.counts[name] = int(count)
            self._scaler.means[name], self._scaler.vars[name] = finite(mean), finite(variance)
        order = [str(name) for name in state["order"]]
        if order and set(order) != {*self.names, "one"}:
            raise StateError(f"weights of other features: {order}")
        size = len(state["natural"])
        model = self._model
        model._idx = {name: place for place, name in enumerate(order)}  # noqa: SLF001  # as in state()
        model._ss_arr = _array(state["precision"], (size, size))  # noqa: SLF001  # as in state()
        model._ss_inv_arr = np.asfortranarray(_array(state["covariance"], (size, size)))  # noqa: SLF001  # as in state()
        model._eta_arr = _array(state["natural"], (size,))  # noqa: SLF001  # as in state()
        model._cap, model._m_dirty = size, True  # noqa: SLF001  # as in state()


def finite(value: Any) -> float:
    """A finite number. Raises StateError."""
    number = float(value)
    if not math.isfinite(number):
        raise StateError(f"{value!r} is no finite number")
    return number


def numbers(state: Mapping[str, Any], name: str) -> list[float]:
    """A list of finite numbers. Raises StateError, KeyError."""
    return [finite(value) for value in state[name]]


def _array(values: Any, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    found = np.array(values, dtype=np.float64)
    if shape[0] == 0:
        return np.zeros(shape)
    if found.shape != shape or not np.isfinite(found).all():
        raise StateError(f"an array of shape {found.shape} where {shape} finite numbers belong")
    return found
