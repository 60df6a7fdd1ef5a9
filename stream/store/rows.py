r"""From an update to rows: a line of PostgreSQL's COPY text format for each table that it fills. Pure.

A line begins with the update's symbol, in whose place the writer puts the currency's key, and is marked by one digit, the table's
place in `TABLES`:

    0BTC\t60000.5\t…\n
    2BTC\t55.5\t…\n
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update

_SPECIAL = frozenset("\0\\\t\n\r")  # to COPY, or to text in PostgreSQL; no symbol has them
_MOST_INTEGER = 2**63


class UnfitError(ValueError):
    """The update has something that the data store cannot hold."""


@dataclass(frozen=True)
class Target:
    """A table, and the columns that a line of it gives, after the currency and before the time."""

    table: str
    columns: tuple[str, ...]


TABLES = (
    Target("price_history", ("price", "volume_24h", "market_cap", "change_24h")),
    Target("on_chain_metrics", ("mvrv", "nupl", "sopr", "active_addresses", "exchange_inflow", "exchange_outflow")),
    Target("technical_metrics", ("rsi", "ma50", "ma200", "macd", "signal", "histogram")),
    Target("sentiment_data", ("fear_greed_index", "social_sentiment", "news_sentiment", "google_trends")),
)
# Of each room: the digits of its tables with their columns, and whether a row may be left out that says nothing.
_ROOMS = {
    MARKET: ((b"0", TABLES[0].columns, False), (b"2", TABLES[2].columns, True)),
    ONCHAIN: ((b"1", TABLES[1].columns, False),),
    SENTIMENT: ((b"3", TABLES[3].columns, False),),
}


def lines(update: Update) -> bytes:
    """The lines of an update; none for a room that is not stored. Raises UnfitError."""
    targets = _ROOMS.get(update.room)
    if targets is None:
        return b""
    if not update.symbol or _SPECIAL & set(update.symbol):
        raise UnfitError(f"no symbol for a row: {update.symbol!r}")
    head, tail = update.symbol, _time(update.source_time)
    made = []
    for digit, columns, optional in targets:
        fields = [_field(update.data, column) for column in columns]
        if not optional or any(field != r"\N" for field in fields):
            made.append(digit + "\t".join((head, *fields, tail)).encode() + b"\n")
    return b"".join(made)


def _field(data: Mapping[str, Any], column: str) -> str:
    value = data.get(column)
    if value is None:
        return r"\N"
    if isinstance(value, int) and not -_MOST_INTEGER <= value < _MOST_INTEGER:
        raise UnfitError(f"{column} is too large: {value}")
    return str(value)


def _time(milliseconds: int) -> str:
    """Milliseconds UTC as PostgreSQL reads them."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
    except (ValueError, OverflowError, OSError) as error:
        raise UnfitError(f"no time: {milliseconds} ms") from error
