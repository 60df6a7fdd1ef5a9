"""The section `stream.sources` of `site.yaml`: where market, on-chain and sentiment data come from, and how they are read."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from metrics.durations import seconds
from settings.basic import Duration, Feed, FileOrNone, Header, JsonPath, Line, MarketFeed, Section, Symbol

TimeUnit = Literal["ms", "s", "us", "ns", "iso"]

# Keys that every source has, with defaults of its own.
Poll: TypeAlias = Annotated[Duration, Meta(description="How often an http source is asked.")]
Reconnect: TypeAlias = Annotated[Duration, Meta(description="The wait before a new attempt, give or take a fifth.")]
Attempts: TypeAlias = Annotated[
    int, Meta(ge=1, description="After so many attempts in a row without a message the source counts as failed.")
]
StaleAfter: TypeAlias = Annotated[
    Duration, Meta(description="A source without a message for so long is stale; a WebSocket source is connected anew.")
]
Buffer: TypeAlias = Annotated[
    int, Meta(ge=1, le=1_000_000, description="Messages the processor holds between runs; above it the oldest go, counted.")
]
Interval: TypeAlias = Annotated[Duration, Meta(description="How often the processor runs.")]
Window: TypeAlias = Annotated[
    Duration, Meta(description="The time over which it aggregates; messages later than that are dropped, counted.")
]


class Mapping(Section, frozen=True):
    """From a source's JSON to our fields. A path is keys and indexes joined by dots (`data.0.price`); `=BTC` is a fixed text."""

    items: Annotated[
        JsonPath, Meta(description="Where a message's list of items, or its one item, stands; empty: the message itself.")
    ] = ""
    symbol: Annotated[JsonPath, Meta(description="The symbol, within an item like all that follow.")] = "symbol"
    time: Annotated[JsonPath, Meta(description="When it happened; without it, the time of arrival counts.")] = "time"
    time_unit: Annotated[
        TimeUnit,
        Meta(description="The unit of `time`, since 1970; iso: a text such as 2026-01-31T12:00Z."),
    ] = "ms"
    symbols: Annotated[
        dict[Line, Symbol],
        Meta(description="The source's symbols and ours (BTCUSDT: BTC); others are left out. Empty: taken as they are."),
    ] = field(default_factory=dict)
    ignore: Annotated[
        list[JsonPath],
        Meta(description="A message in which one of these paths leads to something is no data: an answer, a heartbeat."),
    ] = field(default_factory=list)


class MarketMapping(Mapping, frozen=True):
    """From a market source's JSON to our fields."""

    price: Annotated[JsonPath, Meta(description="The last price. An item without it is bad.")] = "price"
    quantity: Annotated[JsonPath, Meta(description="How much this trade moved, in units of the symbol.")] = "quantity"
    volume_24h: Annotated[JsonPath, Meta(description="The volume of 24 h; without it, quantities are summed.")] = "volume_24h"
    change_24h: Annotated[JsonPath, Meta(description="The change of 24 h in percent; else computed.")] = "change_24h"
    market_cap: Annotated[JsonPath, Meta(description="The market capitalisation.")] = "market_cap"


class OnchainMapping(Mapping, frozen=True):
    """From an on-chain source's JSON to our fields; an item without any of the figures is bad."""

    mvrv: Annotated[JsonPath, Meta(description="Market value over realised value.")] = "mvrv"
    nupl: Annotated[JsonPath, Meta(description="Net unrealised profit and loss.")] = "nupl"
    sopr: Annotated[JsonPath, Meta(description="Spent output profit ratio.")] = "sopr"
    active_addresses: Annotated[JsonPath, Meta(description="Active addresses.")] = "active_addresses"
    exchange_inflow: Annotated[JsonPath, Meta(description="What flowed into exchanges.")] = "exchange_inflow"
    exchange_outflow: Annotated[JsonPath, Meta(description="What flowed out of exchanges.")] = "exchange_outflow"


class SentimentMapping(Mapping, frozen=True):
    """From a sentiment source's JSON to our fields; an item without any of the indices is bad."""

    fear_greed_index: Annotated[JsonPath, Meta(description="Fear and greed, 0 to 100.")] = "fear_greed_index"
    social_sentiment: Annotated[JsonPath, Meta(description="Sentiment in social media, -1 to 1.")] = "social_sentiment"
    news_sentiment: Annotated[JsonPath, Meta(description="Sentiment in the news, -1 to 1.")] = "news_sentiment"
    google_trends: Annotated[JsonPath, Meta(description="Search interest, 0 to 100.")] = "google_trends"


class Source(Section, frozen=True):
    """A source of data, and the processor behind it."""

    api_key_file: Annotated[FileOrNone, Meta(description="A file that holds the source's API key; empty for none.")] = ""
    api_key_header: Annotated[
        Header, Meta(description="The header that carries the key; as a bearer token when it is Authorization.")
    ] = "Authorization"
    subscribe: Annotated[
        list[Line], Meta(description="Messages that are sent to a WebSocket source after each connection, one after the other.")
    ] = field(default_factory=list)
    poll: Poll = "10s"
    reconnect: Reconnect = "5s"
    attempts: Attempts = 10
    retry: Annotated[Duration, Meta(description="The wait between attempts of a source that has failed.")] = "1m"
    stale_after: StaleAfter = "30s"
    buffer: Buffer = 1000
    interval: Interval = "100ms"
    window: Window = "1s"

    def __post_init__(self) -> None:
        """Refuses waits of no time."""
        for name in ("poll", "reconnect", "retry", "stale_after", "interval", "window"):
            if seconds(getattr(self, name)) <= 0:
                msg = f"{name} is {getattr(self, name)}: give a duration above zero"
                raise ValueError(msg)
        if str(getattr(self, "endpoint", "")).startswith("http") and seconds(self.stale_after) <= seconds(self.poll):
            msg = f"stale_after {self.stale_after} is not above poll {self.poll}: raise it, or poll more often"
            raise ValueError(msg)


class MarketSource(Source, frozen=True):
    """Prices, and the indicators made from them."""

    endpoint: Annotated[MarketFeed, Meta(description="Where prices come from; empty: the embedded replay.")] = ""
    bar: Annotated[Duration, Meta(description="The length of the bars that indicators are computed on.")] = "1m"
    mapping: Annotated[MarketMapping, Meta(description="How its JSON is read.")] = field(default_factory=MarketMapping)

    def __post_init__(self) -> None:
        """Refuses bars that are no part of a day, and what every source refuses."""
        super().__post_init__()
        bar = seconds(self.bar)
        if not 1 <= bar <= seconds("1d") or seconds("1d") % bar:
            msg = f"bar is {self.bar}: give a duration from 1s to 1d that divides a day, for example 1m, 5m or 1h"
            raise ValueError(msg)


class OnchainSource(Source, frozen=True):
    """Figures of the chains themselves."""

    endpoint: Annotated[Feed, Meta(description="Where on-chain figures come from; empty: the embedded replay.")] = ""
    mapping: Annotated[OnchainMapping, Meta(description="How its JSON is read.")] = field(default_factory=OnchainMapping)
    poll: Poll = "1m"
    stale_after: StaleAfter = "5m"
    buffer: Buffer = 500
    interval: Interval = "1s"
    window: Window = "5s"


class SentimentSource(Source, frozen=True):
    """What people feel, as indices."""

    endpoint: Annotated[Feed, Meta(description="Where sentiment comes from; empty: the embedded replay.")] = ""
    mapping: Annotated[SentimentMapping, Meta(description="How its JSON is read.")] = field(default_factory=SentimentMapping)
    poll: Poll = "1m"
    reconnect: Reconnect = "10s"
    attempts: Attempts = 5
    stale_after: StaleAfter = "5m"
    buffer: Buffer = 100
    interval: Interval = "5s"
    window: Window = "30s"


class Sources(Section, frozen=True):
    """Where data comes from. A source without an endpoint is the embedded replay, which says that it is one."""

    market: Annotated[MarketSource, Meta(description="Prices.")] = field(default_factory=MarketSource)
    onchain: Annotated[OnchainSource, Meta(description="On-chain figures.")] = field(default_factory=OnchainSource)
    sentiment: Annotated[SentimentSource, Meta(description="Sentiment.")] = field(default_factory=SentimentSource)


class Replay(Section, frozen=True):
    """The embedded feed: real daily returns, replayed in an order of its own and scaled to the tick."""

    rate: Annotated[float, Meta(gt=0, le=10_000, description="Market messages per second, over all symbols.")] = 10.0
    symbols: Annotated[list[Symbol], Meta(min_length=1, description="The symbols it tells of.")] = field(
        default_factory=lambda: ["BTC", "ETH", "SOL", "BNB", "XRP"]
    )
    seed: Annotated[int, Meta(ge=0, description="Another seed, another order of days.")] = 1

    def __post_init__(self) -> None:
        """Refuses a symbol twice, and more than the replay is made for."""
        if len(set(self.symbols)) != len(self.symbols):
            msg = "symbols: one is listed twice: list each once"
            raise ValueError(msg)
