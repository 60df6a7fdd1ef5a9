"""What the API tells and takes: frozen types, JSON with keys in camelCase. Times are ms UTC, amounts of money decimal strings."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

Millis: TypeAlias = Annotated[int, Meta(ge=0, description="Milliseconds UTC.")]
Age: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds since the content was made, when these bytes were made.")]
Source: TypeAlias = Literal["live", "database"]
Word: TypeAlias = Literal["buy", "hold", "sell"]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Symbols: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z0-9._-]{1,16}(?:,[A-Z0-9._-]{1,16}){0,49}$")]


def camel(name: str) -> str:
    """`change_24h` as `change24h`, `at_once` as `atOnce`."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


class Told(Struct, frozen=True, kw_only=True, rename=camel):
    """A part of an answer."""


class Query(Struct, frozen=True, kw_only=True, rename=camel, forbid_unknown_fields=True):
    """Parameters of an operation; an unknown one is refused. Left out ones are UNSET: a query has no null."""


# -- parameters ------------------------------------------------------------------------------------------------------
class Page(Query, frozen=True):
    """A part of a list. `active`: only those that are, or are not, followed."""

    active: bool | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Chosen(Query, frozen=True):
    """Symbols, separated by commas; none: all."""

    symbols: Symbols | UnsetType = UNSET

    @property
    def wanted(self) -> frozenset[str] | None:
        """The symbols as a set; None for all."""
        return None if self.symbols is UNSET else frozenset(self.symbols.split(","))


class ChosenAlerts(Chosen, frozen=True):
    """Symbols, separated by commas; none: all. `severity`: those alone."""

    severity: Literal["warning", "critical"] | UnsetType = UNSET


# -- what is known of a symbol ---------------------------------------------------------------------------------------
class Market(Told, frozen=True):
    """The latest price in US dollars; changes in percent."""

    at: Millis
    price: str
    change_24h: float | None = None
    volume_24h: str | None = None
    market_cap: str | None = None


class Technical(Told, frozen=True):
    """Indicators over the feed's bars."""

    at: Millis
    rsi: float | None = None
    ma50: str | None = None
    ma200: str | None = None
    macd: float | None = None
    signal: float | None = None
    histogram: float | None = None


class OnChain(Told, frozen=True):
    """On-chain figures."""

    at: Millis
    mvrv: float | None = None
    nupl: float | None = None
    sopr: float | None = None
    active_addresses: int | None = None
    exchange_inflow: float | None = None
    exchange_outflow: float | None = None


class Sentiment(Told, frozen=True):
    """Indices of what people feel; fear and greed from 0 to 100."""

    at: Millis
    fear_greed_index: float | None = None
    social_sentiment: float | None = None
    news_sentiment: float | None = None
    google_trends: float | None = None


class Currency(Told, frozen=True):
    """What is known of one symbol now."""

    symbol: str
    market: Market | None = None
    technical: Technical | None = None
    onchain: OnChain | None = None
    sentiment: Sentiment | None = None


# -- answers ---------------------------------------------------------------------------------------------------------
class Listed(Told, frozen=True):
    """One currency of the list. `id` is the key of the data store; without one (`source` live) the symbol stands for it."""

    id: str
    symbol: str
    name: str
    is_active: bool
    coin_gecko_id: str | None = None
    price: str | None = None
    change_24h: float | None = None
    price_at: Millis | None = None


class Cryptocurrencies(Told, frozen=True):
    """A page of currencies, by symbol. `next` is the offset of the next page, null on the last one."""

    cryptocurrencies: list[Listed]
    limit: int
    offset: int
    next: int | None
    source: Source
    generated_at: Millis
    age: Age


class Totals(Told, frozen=True):
    """The market at one look."""

    symbols: int
    rising: int
    falling: int
    mean_change_24h: float | None
    fear_greed_index: float | None


class AnalysisTold(Told, frozen=True):
    """What a model said of a currency lately."""

    crypto_id: str
    type: str
    signal: str | None
    confidence: float | None
    risk_level: str | None
    reasoning: str | None
    at: Millis


class Dashboard(Told, frozen=True):
    """Totals, every symbol, and the latest analyses."""

    totals: Totals
    currencies: list[Currency]
    analyses: list[AnalysisTold]
    source: Source
    generated_at: Millis
    age: Age


class Signal(Told, frozen=True):
    """What the indicators of a symbol say together: `strength` is how many of the votes agree. No advice."""

    symbol: str
    signal: Word
    strength: Share
    reasons: list[str]
    price: str
    at: Millis


class Signals(Told, frozen=True):
    """Trading signals from the cache, by symbol."""

    signals: list[Signal]
    generated_at: Millis
    age: Age


class Condition(Told, frozen=True):
    """A market condition past its limit. `value` and `limit` are in `unit`."""

    symbol: str
    kind: Literal["price-move", "volume", "sentiment", "risk"]
    severity: Literal["warning", "critical"]
    message: str
    value: float
    limit: float
    unit: Literal["percent", "times", "index", "ratio"]
    at: Millis


class Conditions(Told, frozen=True):
    """Market conditions from the cache, the most severe first. These are no alerts of the appliance."""

    alerts: list[Condition]
    generated_at: Millis
    age: Age
