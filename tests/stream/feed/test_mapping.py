"""From foreign JSON to our fields: shapes as sources really send them, and that no JSON at all can do harm."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.feed import BAD
from settings.feeds import MarketMapping, OnchainMapping, SentimentMapping
from stream.sources.mapping import MARKET_FIELDS, ONCHAIN_FIELDS, SENTIMENT_FIELDS, Path, Reader, Reading

NOW = 1_790_000_000_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["symbol", "price", "time", "a"]), inner),
    max_leaves=10,
)


def market(**mapping: Any) -> Reader:
    return Reader("market", msgspec.convert(mapping, MarketMapping), MARKET_FIELDS, ("price",))


def read(reader: Reader, tree: Any) -> Reading:
    return reader.read(json.dumps(tree), NOW)


def test_an_exchange_with_nested_trades() -> None:
    reader = market(
        items="data", symbol="s", price="p", quantity="v", time="t", symbols={"BINANCE:BTCUSDT": "BTC"}, ignore=["ping", "result"]
    )  # fmt: skip
    trades = [{"s": "BINANCE:BTCUSDT", "p": 60000.125, "v": 0.01, "t": NOW - 7}, {"s": "OTHER", "p": 1, "v": 1, "t": NOW}]

    found = read(reader, {"type": "trade", "data": trades})

    assert found.bad == []
    assert found.ignored == 1
    [item] = found.good
    assert item.payload == {"symbol": "BTC", "price": Decimal("60000.125"), "quantity": Decimal("0.01")}
    assert (item.source_ms, item.received_ms) == (NOW - 7, NOW)


def test_items_as_arrays_of_arrays() -> None:
    reader = market(items="1", symbol="=BTC", price="0", quantity="1", time="2", time_unit="s")

    found = read(reader, [119930888, [["5541.2", "0.15", str(NOW / 1000)], ["5542.0", "1e-3", NOW // 1000]], "trade"])

    assert [item.payload["price"] for item in found.good] == [Decimal("5541.2"), Decimal("5542.0")]
    assert found.good[1].payload["quantity"] == Decimal("0.001")
    assert [item.source_ms for item in found.good] == [NOW, NOW]


def test_answers_and_heartbeats_are_no_fault() -> None:
    reader = market(items="data", ignore=["event", "result"])

    assert read(reader, {"event": "subscribed"}).ignored == 1
    assert read(reader, {"data": None}).bad == ["shape"]


def test_no_digit_of_a_price_is_lost() -> None:
    text = '{"symbol": "BTC", "price": 60000.123456789012345, "quantity": "0.000000000000000001"}'

    [item] = market().read(text, NOW).good

    assert item.payload["price"] == Decimal("60000.123456789012345")
    assert item.payload["quantity"] == Decimal("1e-18")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"price": 1}, "missing"),
        ({"symbol": "BTC"}, "missing"),
        ({"symbol": "BTC", "price": None}, "missing"),
        ({"symbol": 7, "price": 1}, "type"),
        ({"symbol": "", "price": 1}, "range"),
        ({"symbol": "B" * 17, "price": 1}, "range"),
        ({"symbol": "B\nC", "price": 1}, "range"),
        ({"symbol": "BTC", "price": "abc"}, "type"),
        ({"symbol": "BTC", "price": True}, "type"),
        ({"symbol": "BTC", "price": [1]}, "type"),
        ({"symbol": "BTC", "price": "NaN"}, "type"),
        ({"symbol": "BTC", "price": "Infinity"}, "type"),
        ({"symbol": "BTC", "price": 0}, "range"),
        ({"symbol": "BTC", "price": "-1"}, "range"),
        ({"symbol": "BTC", "price": "1e400"}, "range"),
        ({"symbol": "BTC", "price": "1e-400"}, "range"),
        ({"symbol": "BTC", "price": 1, "quantity": -1}, "range"),
        ({"symbol": "BTC", "price": 1, "change_24h": -101}, "range"),
        ({"symbol": "BTC", "price": 1, "time": NOW + 61_000}, "future"),
        ({"symbol": "BTC", "price": 1, "time": NOW // 1000}, "range"),
        ({"symbol": "BTC", "price": 1, "time": "yesterday"}, "type"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(item: dict[str, Any], reason: str) -> None:
    found = read(market(), item)

    assert found.good == []
    assert found.bad == [reason]


@pytest.mark.parametrize(
    ("unit", "value", "wanted"),
    [
        ("ms", NOW, NOW),
        ("s", NOW / 1000, NOW),
        ("us", NOW * 1000, NOW),
        ("ns", NOW * 1_000_000 + 5, NOW),
        ("ns", str(NOW * 1_000_000), NOW),
        ("iso", "2026-01-31T12:00:00Z", 1_769_860_800_000),
        ("iso", "2026-01-31T13:00:00.5+01:00", 1_769_860_800_500),
        ("iso", "2026-01-31 12:00:00", 1_769_860_800_000),
    ],
)
def test_times_of_every_unit(unit: str, value: Any, wanted: int) -> None:
    [item] = read(market(time_unit=unit), {"symbol": "BTC", "price": 1, "time": value}).good

    assert item.source_ms == wanted


def test_figures_of_a_chain_may_come_one_by_one() -> None:
    reader = Reader("onchain", OnchainMapping(), ONCHAIN_FIELDS)

    assert read(reader, {"symbol": "BTC", "nupl": -0.25}).good[0].payload == {"symbol": "BTC", "nupl": -0.25}
    assert read(reader, {"symbol": "BTC", "nupl": 1.5}).bad == ["range"]
    assert read(reader, {"symbol": "BTC"}).bad == ["missing"]


def test_indices_have_bounds() -> None:
    reader = Reader("sentiment", SentimentMapping(), SENTIMENT_FIELDS)

    assert read(reader, {"symbol": "BTC", "fear_greed_index": 101}).bad == ["range"]
    assert read(reader, {"symbol": "BTC", "social_sentiment": -1, "google_trends": 100}).bad == []


def test_too_many_items_are_refused() -> None:
    assert read(market(), [{}] * 10_001).bad == ["size"]


@given(JSON)
@settings(deadline=None)
def test_any_json_is_read_or_named(tree: Any) -> None:
    found = market().read(json.dumps(tree), NOW)

    assert set(found.bad) <= set(BAD)
    assert all(item.payload["price"] > 0 for item in found.good)


@given(st.binary() | st.text())
@settings(deadline=None)
def test_any_message_is_read_or_named(message: bytes | str) -> None:
    assert set(market().read(message, NOW).bad) <= set(BAD)


@given(JSON, st.lists(st.sampled_from(["a", "0", "1", "-1", "symbol", "__class__", "²"]), min_size=1, max_size=4))
@settings(deadline=None)
def test_a_path_finds_what_plain_steps_find(tree: Any, steps: list[str]) -> None:
    wanted: Any = tree
    for step in steps:
        try:
            wanted = (
                wanted[step]
                if isinstance(wanted, dict)
                else wanted[int(step)]
                if step in ("0", "1") and isinstance(wanted, list)
                else None
            )
        except (KeyError, IndexError):
            wanted = None

    found = Path.parse(".".join(steps)).find(tree)

    assert found is wanted or (wanted is None and type(found).__name__ == "_Missing")
