"""What the models learn by, one sample at a time, in a few numbers each: a scaler, a linear and a softmax regression.

In plain Python: a model here has a dozen features, for which arrays bring nothing, and what brings arrays is larger than all
else that runs (docs/topics/models.md). The tests hold each of these against river's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any

Features = Mapping[str, float]


class StateError(ValueError):
    """A model's stored state that cannot be taken; the text says why."""


def finite(value: Any) -> float:
    """A finite number. Raises StateError."""
    number = float(value)
    if not math.isfinite(number):
        raise StateError(f"{value!r} is no finite number")
    return number


def numbers(state: Mapping[str, Any], name: str) -> list[float]:
    """A list of finite numbers. Raises StateError, KeyError."""
    return [finite(value) for value in state[name]]


class Scaler:
    """Features less their mean, over their standard deviation (Welford, Technometrics 4, 1962)."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._seen: dict[str, tuple[int, float, float]] = dict.fromkeys(self.names, (0, 0.0, 0.0))  # count, mean, variance

    def learn(self, features: Features) -> None:
        """Takes one more value of each."""
        for name, (count, mean, variance) in self._seen.items():
            value = features[name]
            moved = mean + (value - mean) / (count + 1)
            spread = (value - mean) * (value - moved)
            self._seen[name] = count + 1, moved, variance + (spread - variance) / (count + 1)

    def scaled(self, features: Features, most: float) -> list[float]:
        """Each in standard deviations, `most` at most, in the order of their names; 0 for what never varied."""
        found = []
        for name, (_, mean, variance) in self._seen.items():
            scaled = (features[name] - mean) / math.sqrt(variance) if variance > 0 else 0.0
            found.append(min(max(scaled, -most), most))
        return found

    def state(self) -> dict[str, list[float]]:
        """Count, mean and variance by name, of what was ever learned."""
        return {name: list(seen) for name, seen in self._seen.items() if seen[0]}

    def restore(self, state: Mapping[str, Sequence[Any]]) -> None:
        """As it was. Raises StateError."""
        if not set(state) <= set(self.names):
            raise StateError(f"means of other features: {sorted(state)}")
        for name, (count, mean, variance) in state.items():
            self._seen[name] = int(count), finite(mean), finite(variance)


class Linear:
    """Linear regression with a normal prior on its weights.

    Bishop, Pattern Recognition and Machine Learning, 2006, equations 3.49 to 3.58. The weights' prior has variance 1 and the
    noise variance 1/`beta`: the prior weighs as much as 1/`beta` samples. Kept are the covariance of the weights, which each
    sample changes by a product (Sherman and Morrison, 1950), and the sum of outcomes times features, in which no error can grow.
    """

    def __init__(self, size: int, beta: float) -> None:
        self.beta = beta
        self.covariance = [[float(row == column) for column in range(size)] for row in range(size)]
        self.natural = [0.0] * size
        self._weights: list[float] | None = None

    def predict(self, x: Sequence[float]) -> float:
        """The expected outcome."""
        if self._weights is None:
            self._weights = [_dot(row, self.natural) for row in self.covariance]
        return _dot(self._weights, x)

    def learn(self, x: Sequence[float], y: float) -> None:
        """Takes one sample."""
        reached = [_dot(row, x) for row in self.covariance]
        gain = self.beta / (1 + self.beta * _dot(reached, x))
        for row, value in zip(self.covariance, reached, strict=True):
            step = gain * value
            for place, other in enumerate(reached):
                row[place] -= step * other
        for place, value in enumerate(x):
            self.natural[place] += self.beta * value * y
        self._weights = None


class Softmax:
    """Softmax regression by stochastic gradient descent on the cross entropy, with weights drawn towards 0 by `l2`.

    A class has weights from its first sample on; before, it has no probability.
    """

    def __init__(self, size: int, rate: float, l2: float) -> None:
        self.size, self.rate, self.l2 = size, rate, l2
        self.weights: dict[int, list[float]] = {}

    def predict(self, x: Sequence[float]) -> dict[int, float]:
        """The probability of each class that was ever seen."""
        scores = {kind: _dot(weights, x) for kind, weights in self.weights.items()}
        most = max(scores.values(), default=0.0)
        raised = {kind: math.exp(score - most) for kind, score in scores.items()}
        total = sum(raised.values())
        return {kind: value / total for kind, value in raised.items()}

    def learn(self, x: Sequence[float], right: int) -> None:
        """Takes one sample, whose class is `right`."""
        shares = self.predict(x)
        self.weights.setdefault(right, [0.0] * self.size)
        for kind, weights in self.weights.items():
            loss = shares.get(kind, 0.0) - (kind == right)
            for place, value in enumerate(x):
                weights[place] -= self.rate * (value * loss + self.l2 * weights[place])


def _dot(one: Iterable[float], other: Iterable[float]) -> float:
    return sum(map(mul, one, other), 0.0)  # `math.fsum` raises where this overflows to no number, which the models look for
