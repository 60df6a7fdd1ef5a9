"""What every model is, for one horizon: features -> forecast, beside a naive baseline; outcome -> learned. Pure.

A model is asked with a `View`. Its features hold everything that forecast, baseline, score and learning need of that moment, so
that a stored row can be scored and learned from without the market's past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from stream.analysis.market import Symbol
from stream.analysis.messages import AnalysisType, Forecast

Features: TypeAlias = Mapping[str, float]
Figures: TypeAlias = Mapping[str, float]


class NotReadyError(Exception):
    """The model has not learned enough to state an interval."""


class Outcome(NamedTuple):
    """What happened: the model's own quantity, and the log return over the horizon."""

    value: float
    change: float


@dataclass(frozen=True, slots=True)
class Stated:
    """A forecast, the baseline beside it, and what both were made from.

    `fallback` says why the baseline stands in for it, `young` that this is for want of outcomes and no failure.
    """

    features: Features
    expected: Figures
    forecast: Forecast
    baseline: Forecast
    fallback: str = ""
    young: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One symbol at one moment; `seconds` of horizon ahead. `other(model)` is what another model states of the same moment."""

    symbol: Symbol
    now_ms: int
    seconds: float
    other: Callable[[AnalysisType], Stated]

    @property
    def due_ms(self) -> int:
        """When the horizon ends."""
        return self.now_ms + round(self.seconds * 1000)

    @property
    def before_ms(self) -> int:
        """Where a window as long as the horizon, which ends now, begins."""
        return self.now_ms - round(self.seconds * 1000)


class Model(Protocol):
    """One model for one horizon."""

    @property
    def samples(self) -> int:
        """Outcomes it has learned from."""
        ...

    def features(self, view: View) -> Features | None:
        """What the forecast is made from; None while the view lacks what it needs."""
        ...

    def expect(self, features: Features) -> Figures:
        """What it expects, in figures of its own; possible from the first sample on, and all that learning needs later."""
        ...

    def forecast(self, features: Features, expected: Figures) -> Forecast:
        """The forecast. Raises NotReadyError before enough was learned."""
        ...

    def baseline(self, features: Features) -> Forecast:
        """What one states who knows nothing but the past's distribution; always possible."""
        ...

    def outcome(self, symbol: Symbol, features: Features, made_ms: int, due_ms: int) -> Outcome | None:
        """What happened; None where the market's past does not reach."""
        ...

    def event(self, features: Features, forecast: Forecast, outcome: float) -> bool:
        """Whether that happened whose probability was stated."""
        ...

    def learn(self, features: Features, expected: Figures, outcome: Outcome) -> None:
        """Takes what happened after `features`, and after `expected` of that moment."""
        ...

    def state(self) -> dict[str, Any]:
        """All it knows, as JSON can hold it."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state` gave. Raises StateError."""
        ...


def forecast_of(anchor: float, scale: float, span: tuple[float, float, float], probability: float) -> Forecast:
    """A forecast from lower, point and upper in units of `scale` around `anchor`."""
    lower, point, upper = (anchor + scale * part for part in span)
    return Forecast(point=point, lower=min(lower, point), upper=max(upper, point), probability=probability)
