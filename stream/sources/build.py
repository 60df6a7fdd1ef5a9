"""From the settings to the three sources: live where an endpoint is set, else the embedded replay."""

from __future__ import annotations

from collections.abc import Mapping

from metrics.durations import seconds
from metrics.instruments import Instruments
from settings import Site
from stream.sources import replay
from stream.sources.base import Clock, Source, Vitals


def build_sources(
    site: Site, clock: Clock, counts: Instruments, environment: Mapping[str, str] | None = None
) -> tuple[Source, ...]:
    """The market, on-chain and sentiment source. Raises SettingsError for a key's file that cannot be used."""
    del environment
    sources = site.stream.sources

    def vitals(name: str) -> Vitals:
        stale_after = seconds(getattr(sources, name).stale_after)
        return Vitals(name, clock, stale_after, counts)

    return (
        replay.market(site.stream.replay, sources.market.bar, vitals("market")),
        replay.onchain(site.stream.replay, vitals("onchain")),
        replay.sentiment(site.stream.replay, vitals("sentiment")),
    )
