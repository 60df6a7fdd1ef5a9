"""`POST /api/ai-analysis`: a question to the models, and what can keep them from answering."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Annotated, Literal, Protocol, cast

import msgspec
from msgspec import Meta

from stream.analysis.client import AnalysisError, BusyError, LateError, RefusedError
from stream.analysis.messages import MOST_TEXT, Analysis, AnalysisRequest, AnalysisType, RiskLevel, SignalWord
from stream.api.codes import ApiCode
from stream.api.operations import Answer, Asked, Operation
from stream.api.types import Millis, Query, Share, Told, camel
from stream.cache.kinds import OF_ROOM
from stream.problems import ProblemError

_AWAY = {"Retry-After": "5"}


class Question(Query, frozen=True):
    """What the models are asked. `cryptoId` is an id or a symbol; `horizon` in seconds, 0: the shortest of the site's.

    `text` is read by the model of sentiment alone.
    """

    type: AnalysisType
    crypto_id: Annotated[str, Meta(min_length=1, max_length=64)]
    horizon: Annotated[int, Meta(ge=0, le=86_400)] = 0
    text: Annotated[str, Meta(max_length=MOST_TEXT)] = ""


def _question(horizons: Sequence[int]) -> type[Question]:
    """A question that takes these horizons alone."""
    known = Literal.__getitem__((0, *horizons))  # values that only the settings know
    fields = [("horizon", known, 0)]
    made = msgspec.defstruct("Question", fields, bases=(Question,), frozen=True, kw_only=True, rename=camel)
    made.__doc__ = Question.__doc__
    return cast("type[Question]", made)


class Forecast(Told, frozen=True):
    """What is stated about the outcome: a point, an interval that holds it with `level`, the chance of the model's event."""

    point: float
    lower: float
    upper: float
    probability: Share


class Said(Told, frozen=True):
    """What a model says. `fallback` is why the naive baseline stands in for it; empty where the model itself answers."""

    id: str
    type: AnalysisType
    crypto_id: str
    symbol: str
    horizon: int
    made_at: Millis
    due_at: Millis
    data_age_ms: int
    version: int
    fallback: str
    signal: SignalWord
    confidence: float
    risk_level: RiskLevel
    reasoning: str
    forecast: Forecast
    baseline: Forecast
    level: float


class Analyst(Protocol):
    """The client of the models."""

    async def analyze(self, request: AnalysisRequest, deadline: float | None = None) -> Analysis:
        """The answer. Raises AnalysisError."""
        ...


class Asking:
    """Asks the models; `analyst` None: there are none. `horizons` (s) are those that they know, which the document then tells."""

    def __init__(self, analyst: Analyst | None, horizons: Sequence[int] = ()) -> None:
        self._analyst = analyst
        self._question = _question(horizons) if horizons else Question

    def operation(self) -> Operation:
        """The operation."""
        return Operation(
            "/api/ai-analysis", "What one of the five models says of a currency.",
            "Answered by the analysis process; each answer is stored, and scored when its horizon has passed. No advice.",
            Said, self.ask, method="POST", body=self._question,
            errors=(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE), rooms=tuple(OF_ROOM),
        )  # fmt: skip

    async def ask(self, asked: Asked) -> Answer:
        """The model's answer, for this request alone."""
        question: Question = asked.body
        if self._analyst is None:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, ApiCode.UNAVAILABLE, "This server has no models.", _AWAY)
        request = AnalysisRequest(
            type=question.type, crypto_id=question.crypto_id, horizon=question.horizon, text=question.text
        )  # fmt: skip
        try:
            found = await self._analyst.analyze(request)
        except AnalysisError as error:
            raise _problem(error) from None
        return Answer(msgspec.convert(found, Said, from_attributes=True))


def _problem(error: AnalysisError) -> ProblemError:
    """What the models' error is for who asked; where they are is nobody's business."""
    if isinstance(error, RefusedError):
        if error.code == "unknown-crypto":
            return ProblemError(HTTPStatus.NOT_FOUND, ApiCode.UNKNOWN_CRYPTO)
        return ProblemError(HTTPStatus.BAD_REQUEST, ApiCode.BAD_BODY, str(error))
    if isinstance(error, BusyError):
        code = ApiCode.NO_DATA if error.code == "no-data" else ApiCode.OVERLOADED
        retry = {"Retry-After": str(max(1, ceil(error.retry_after)))}
        return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, code, headers=retry)
    if isinstance(error, LateError):
        return ProblemError(HTTPStatus.GATEWAY_TIMEOUT, ApiCode.TOO_LATE)
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, ApiCode.UNAVAILABLE, "The models do not answer.", _AWAY)
