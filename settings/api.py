"""The section `stream.api:` of `site.yaml`: who may ask how much, and when the market is worth an alert."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from metrics.durations import seconds
from settings.basic import Duration, Line, RequestRate, Section


class Conditions(Section, frozen=True):
    """From where on the market is told by `/api/alerts-fast`; twice as far is critical where a move is meant."""

    move_percent: Annotated[float, Meta(gt=0, description="A change of the price within 24 h, up or down.")] = 5.0
    volume_times: Annotated[float, Meta(gt=1, description="Volume of the last minute over the usual one of the last hour.")] = 3.0
    fear_below: Annotated[float, Meta(ge=0, le=100, description="A fear and greed index of extreme fear.")] = 20.0
    greed_above: Annotated[float, Meta(ge=0, le=100, description="A fear and greed index of extreme greed.")] = 80.0
    mvrv_above: Annotated[float, Meta(gt=0, description="Market value over realized value: holders sit on gains.")] = 3.5
    rsi_above: Annotated[
        float, Meta(ge=50, le=100, description="A relative strength index of overbought; below 100 less it: oversold.")
    ] = 80.0


_SCOPE = Meta(description="The scope that a token must carry; empty: none.")


class Scopes(Section, frozen=True, rename="kebab"):
    """Scopes that operations demand, by the last part of their path; rooms that they read may demand more."""

    cryptocurrencies: Annotated[Line, _SCOPE] = ""
    dashboard: Annotated[Line, _SCOPE] = ""
    ai_analysis: Annotated[Line, _SCOPE] = ""
    trading_signals_fast: Annotated[Line, _SCOPE] = ""
    alerts_fast: Annotated[Line, _SCOPE] = ""

    def of(self, operation: str) -> str:
        """The scope that an operation demands; empty: none, or there is no such operation."""
        return str(getattr(self, operation.replace("-", "_"), ""))


class Api(Section, frozen=True):
    """The HTTP API."""

    per_address: Annotated[
        RequestRate,
        Meta(description="Requests of one address to the public port, such as 100/second; each worker counts its own."),
    ] = "6000/minute"
    per_key: Annotated[RequestRate, Meta(description="Requests with one API key, or of one subject of JWTs.")] = "12000/minute"
    body_bytes: Annotated[int, Meta(ge=1024, le=1_048_576, description="The largest body of a request.")] = 16_384
    timeout: Annotated[Duration, Meta(description="How long an answer may take; later it is 504.")] = "5s"
    scopes: Annotated[Scopes, Meta(description="Scopes that operations demand.")] = field(default_factory=Scopes)
    conditions: Annotated[Conditions, Meta(description="Market conditions worth an alert.")] = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        """Refuses a timeout of nothing."""
        if seconds(self.timeout) <= 0:
            msg = f"timeout is {self.timeout}: give a duration above zero"
            raise ValueError(msg)
