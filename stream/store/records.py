"""Rows of the data store as the rest of the workload gets them. Times are UTC; prices are exact decimals."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct


class Cryptocurrency(Struct, frozen=True):
    """One currency; `id` is the key of all others."""

    id: str
    symbol: str
    name: str
    coin_gecko_id: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class Price(Struct, frozen=True):
    """A price in US dollars; `change_24h` in percent."""

    crypto_id: str
    timestamp: datetime
    price: Decimal
    volume_24h: Decimal | None
    market_cap: Decimal | None
    change_24h: float | None


class OnChain(Struct, frozen=True):
    """On-chain figures."""

    crypto_id: str
    timestamp: datetime
    mvrv: float | None
    nupl: float | None
    sopr: float | None
    active_addresses: int | None
    exchange_inflow: float | None
    exchange_outflow: float | None


class Technical(Struct, frozen=True):
    """Indicators over bars."""

    crypto_id: str
    timestamp: datetime
    rsi: float | None
    ma50: Decimal | None
    ma200: Decimal | None
    macd: float | None
    signal: float | None
    histogram: float | None


class Sentiment(Struct, frozen=True):
    """Indices of what people feel."""

    crypto_id: str
    timestamp: datetime
    fear_greed_index: float | None
    social_sentiment: float | None
    news_sentiment: float | None
    google_trends: float | None


class Analysis(Struct, frozen=True):
    """What a model said."""

    id: int
    crypto_id: str
    timestamp: datetime
    analysis_type: str
    signal: str | None
    confidence: float | None
    reasoning: str | None
    risk_level: str | None
    analysis_data: dict[str, Any]


class NewAnalysis(Struct, frozen=True):
    """What a model says; `timestamp` None is now, by the database's clock."""

    crypto_id: str
    analysis_type: str
    signal: str | None = None
    confidence: float | None = None
    reasoning: str | None = None
    risk_level: str | None = None
    analysis_data: dict[str, Any] = {}
    timestamp: datetime | None = None


TABLES: dict[type[Price | OnChain | Technical | Sentiment], str] = {
    Price: "price_history",
    OnChain: "on_chain_metrics",
    Technical: "technical_metrics",
    Sentiment: "sentiment_data",
}
