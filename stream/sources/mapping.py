"""From a source's JSON to raw messages: paths, types, ranges. Pure; whatever is wrong is named by a word of metrics.feed.BAD.

A path is keys and indexes joined by dots, `data.0.price`; `=BTC` is a fixed text; an empty one leads to the whole. It can only
look: no expression is evaluated, no attribute read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

import msgspec

from settings import feeds
from stream.sources.base import RawMessage

MOST_ITEMS = 10_000  # in one message
_AHEAD_MS = 60_000  # a source's clock may be so far ahead of ours
_EARLIEST_MS = 1_230_768_000_000  # 2009: before it there was no chain; most likely the unit of time is wrong
_MOST_DIGITS = 18  # before and after the point of an amount
_PER_MS = {"ms": Decimal(1), "s": Decimal(1000), "us": Decimal("0.001"), "ns": Decimal("0.000001")}


class BadError(Exception):
    """An item, or a whole message, cannot be taken; its text is a word of metrics.feed.BAD."""


class _Missing:
    """What a path that leads nowhere finds."""


_MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Path:
    """A path, taken apart once."""

    fixed: str | None
    steps: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """The path of a text that settings have checked."""
        return cls(text[1:], ()) if text.startswith("=") else cls(None, tuple(text.split(".")) if text else ())

    def find(self, tree: Any) -> Any:
        """What the path leads to in `tree`; `_MISSING` where it leads nowhere, or to null."""
        if self.fixed is not None:
            return self.fixed
        for step in self.steps:
            if isinstance(tree, dict):
                tree = tree.get(step, _MISSING)
            elif isinstance(tree, list) and step.isascii() and step.isdigit() and int(step) < len(tree):
                tree = tree[int(step)]
            else:
                return _MISSING
        return _MISSING if tree is None else tree


@dataclass(frozen=True, slots=True)
class Range:
    """What a figure may be, both ends included; `amount` keeps it as an exact decimal."""

    low: float = float("-inf")
    high: float = float("inf")
    amount: bool = False
    positive: bool = False

    def read(self, value: Any) -> Decimal | float:
        """The figure of a JSON number, or of a number as text. Raises BadError: type, range."""
        number = _number(value)
        if not self.low <= number <= self.high or (self.positive and number <= 0):
            raise BadError("range")
        return number if self.amount else float(number)


Schema: TypeAlias = Mapping[str, Range]
_AMOUNT = Range(low=0, amount=True)
MARKET_FIELDS: Schema = {
    "price": Range(amount=True, positive=True),
    "quantity": _AMOUNT,
    "volume_24h": _AMOUNT,
    "change_24h": Range(low=-100),
    "market_cap": _AMOUNT,
}
ONCHAIN_FIELDS: Schema = {
    "mvrv": Range(low=0),
    "nupl": Range(high=1),
    "sopr": Range(low=0),
    "active_addresses": Range(low=0),
    "exchange_inflow": Range(low=0),
    "exchange_outflow": Range(low=0),
}
SENTIMENT_FIELDS: Schema = {
    "fear_greed_index": Range(0, 100),
    "social_sentiment": Range(-1, 1),
    "news_sentiment": Range(-1, 1),
    "google_trends": Range(0, 100),
}


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise BadError("type")
    if isinstance(value, str) and len(value) > 64:
        raise BadError("type")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError) as error:
        raise BadError("type") from error
    if not number.is_finite():
        raise BadError("type")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if number and (number.adjusted() >= _MOST_DIGITS or exponent < -2 * _MOST_DIGITS):
        raise BadError("range")
    return number


@dataclass(slots=True)
class Reading:
    """What one message held: good items, and what was wrong with the others."""

    good: list[RawMessage] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    ignored: int = 0


class Reader:
    """Reads the messages of one source. `required` are fields without which an item is bad; one of all is needed anyhow."""

    def __init__(self, source: str, mapping: feeds.Mapping, schema: Schema, required: tuple[str, ...] = ()) -> None:
        self._source = source
        self._schema = schema
        self._required = required
        self._unit = mapping.time_unit
        self._symbols = mapping.symbols
        self._items, self._symbol, self._time = (
            Path.parse(text) for text in (mapping.items, mapping.symbol, mapping.time)
        )  # fmt: skip
        self._ignore = [Path.parse(text) for text in mapping.ignore]
        self._paths = {name: Path.parse(getattr(mapping, name)) for name in schema}
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)

    def read(self, message: str | bytes, received_ms: int) -> Reading:
        """The items of one message that came at `received_ms` (UTC); never raises."""
        found = Reading()
        try:
            tree = self._decoder.decode(message)
        except (msgspec.DecodeError, UnicodeError, InvalidOperation, ValueError, RecursionError):
            found.bad.append("json")
            return found
        try:
            for item in self._listed(tree, found):
                self._one(item, received_ms, found)
        except BadError as error:
            found.bad.append(str(error))
        return found

    def read_items(self, trees: Iterable[Any], received_ms: int) -> Reading:
        """The same for items that are decoded already."""
        found = Reading()
        for tree in trees:
            self._one(tree, received_ms, found)
        return found

    def _listed(self, tree: Any, found: Reading) -> Iterator[Any]:
        if any(path.find(tree) is not _MISSING for path in self._ignore):
            found.ignored += 1
            return
        items = self._items.find(tree)
        if isinstance(items, list):
            if len(items) > MOST_ITEMS:
                raise BadError("size")
            yield from items
        elif isinstance(items, dict):
            yield items
        else:
            raise BadError("shape")

    def _one(self, item: Any, received_ms: int, found: Reading) -> None:
        try:
            symbol = self._symbol_of(item)
            if symbol is None:
                found.ignored += 1
            else:
                payload = {"symbol": symbol, **self._figures(item)}
                found.good.append(RawMessage(self._source, payload, received_ms, self._time_of(item, received_ms)))
        except BadError as error:
            found.bad.append(str(error))

    def _figures(self, item: Any) -> dict[str, Decimal | float]:
        figures = {}
        for name, path in self._paths.items():
            value = path.find(item)
            if value is not _MISSING:
                figures[name] = self._schema[name].read(value)
        if not figures or any(name not in figures for name in self._required):
            raise BadError("missing")
        return figures

    def _symbol_of(self, item: Any) -> str | None:
        """Our symbol; None for one that is not listed."""
        symbol = self._symbol.find(item)
        if symbol is _MISSING:
            raise BadError("missing")
        if not isinstance(symbol, str):
            raise BadError("type")
        if self._symbols:
            return self._symbols.get(symbol)
        if not 0 < len(symbol) <= 16 or not symbol.isprintable():
            raise BadError("range")
        return symbol

    def _time_of(self, item: Any, received_ms: int) -> int:
        value = self._time.find(item)
        if value is _MISSING:
            return received_ms
        at = _iso(value) if self._unit == "iso" else int(_number_of_time(value) * _PER_MS[self._unit])
        if at < _EARLIEST_MS:
            raise BadError("range")
        if at > received_ms + _AHEAD_MS:
            raise BadError("future")
        return at


def _number_of_time(value: Any) -> Decimal:
    try:
        return _number(value)
    except BadError as error:
        # 18 digits before the point hold microseconds but not nanoseconds.
        if str(error) == "range" and isinstance(value, int | str | Decimal) and abs(Decimal(value)) < Decimal(10) ** 20:
            return Decimal(value)
        raise


def _iso(value: Any) -> int:
    if not isinstance(value, str):
        raise BadError("type")
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadError("type") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
