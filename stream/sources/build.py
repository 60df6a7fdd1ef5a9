"""From the settings to the three sources: live where an endpoint is set, else the embedded replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from metrics.durations import seconds
from metrics.instruments import Instruments
from settings import Site
from settings.feeds import MarketMapping
from settings.feeds import Source as Settings
from settings.secrets import source_key
from stream.events import EventBus
from stream.messages import MARKET, ONCHAIN, SENTIMENT
from stream.sources import mapping, replay
from stream.sources.base import Clock, Source, Vitals
from stream.sources.ccxt_client import CcxtTransport
from stream.sources.http_client import HttpTransport
from stream.sources.live import LiveSource, Transport
from stream.sources.reconnect import Attempts, Rules
from stream.sources.websocket_client import WebSocketTransport


@dataclass(frozen=True)
class Builder:
    """What all sources of a site share."""

    site: Site
    clock: Clock
    counts: Instruments
    bus: EventBus
    environment: Mapping[str, str] | None = field(default=None)

    def build(self) -> tuple[Source, ...]:
        """The market, on-chain and sentiment source. Raises SettingsError for a key's file that cannot be used."""
        return self.market(), self.onchain(), self.sentiment()

    def market(self) -> Source:
        """Prices."""
        given = self.site.stream.sources.market
        if not given.endpoint:
            return replay.market(self.site.stream.replay, given.bar, self._vitals("market", given))
        if given.endpoint.startswith("ccxt:"):
            wanted = given.mapping.symbols or {f"{symbol}/USDT": symbol for symbol in self.site.stream.replay.symbols}
            fields = MarketMapping(symbols=wanted)
            transport: Transport = CcxtTransport(given.endpoint.removeprefix("ccxt:"), wanted, seconds(given.bar))
        else:
            fields, transport = given.mapping, self._transport("market", given, given.endpoint)
        reader = mapping.Reader("market", fields, mapping.MARKET_FIELDS, ("price",))
        return self._live("market", MARKET, given, reader, transport)

    def onchain(self) -> Source:
        """On-chain figures."""
        given = self.site.stream.sources.onchain
        if not given.endpoint:
            return replay.onchain(self.site.stream.replay, self._vitals("onchain", given))
        reader = mapping.Reader("onchain", given.mapping, mapping.ONCHAIN_FIELDS)
        return self._live("onchain", ONCHAIN, given, reader, self._transport("onchain", given, given.endpoint))

    def sentiment(self) -> Source:
        """Sentiment."""
        given = self.site.stream.sources.sentiment
        if not given.endpoint:
            return replay.sentiment(self.site.stream.replay, self._vitals("sentiment", given))
        reader = mapping.Reader("sentiment", given.mapping, mapping.SENTIMENT_FIELDS)
        return self._live("sentiment", SENTIMENT, given, reader, self._transport("sentiment", given, given.endpoint))

    def _vitals(self, name: str, given: Settings) -> Vitals:
        return Vitals(name, self.clock, seconds(given.stale_after), self.counts)

    def _transport(self, name: str, given: Settings, endpoint: str) -> Transport:
        key = source_key(self.site, name, self.environment)
        bearer = given.api_key_header.lower() == "authorization"
        headers = {given.api_key_header: f"Bearer {key}" if bearer else key} if key else {}
        if endpoint.startswith(("ws://", "wss://")):
            return WebSocketTransport(endpoint, headers, given.subscribe)
        return HttpTransport(endpoint, headers, seconds(given.poll))

    def _live(self, name: str, room: str, given: Settings, reader: mapping.Reader, transport: Transport) -> LiveSource:
        attempts = Attempts(Rules(seconds(given.reconnect), given.attempts, seconds(given.retry)))
        vitals = self._vitals(name, given)
        return LiveSource(name, room, vitals, transport, reader=reader, attempts=attempts, bus=self.bus)
