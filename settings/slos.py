"""The section `slos:` of `site.yaml`: what is promised, in percent of good events over 30 days."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from metrics.slo import LEAST, MOST, SLOS
from settings.basic import Section

_DECLARED = {slo.name: slo for slo in SLOS}


class Slos(Section, frozen=True):
    """Objectives, in percent of good events over 30 days; from 94 to 99.999. How they page: docs/guides/slo.md."""

    api_availability: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["api_availability"].means)] = _DECLARED[
        "api_availability"
    ].objective
    api_latency: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["api_latency"].means)] = _DECLARED[
        "api_latency"
    ].objective
    delivery_latency: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["delivery_latency"].means)] = _DECLARED[
        "delivery_latency"
    ].objective
    delivery_loss: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["delivery_loss"].means)] = _DECLARED[
        "delivery_loss"
    ].objective
    database_latency: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["database_latency"].means)] = _DECLARED[
        "database_latency"
    ].objective
    cache_hits: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["cache_hits"].means)] = _DECLARED[
        "cache_hits"
    ].objective
    feed_freshness: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["feed_freshness"].means)] = _DECLARED[
        "feed_freshness"
    ].objective
    answer_time: Annotated[float, Meta(ge=LEAST, le=MOST, description=_DECLARED["answer_time"].means)] = _DECLARED[
        "answer_time"
    ].objective

    def objective(self, name: str) -> float:
        """The objective of that name, in percent. Raises AttributeError for one that is not declared."""
        percent: float = getattr(self, name)
        return percent
