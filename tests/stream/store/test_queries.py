"""What is asked of a real PostgreSQL with our schema."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from stream.store import queries
from stream.store.database import Database
from stream.store.records import NewAnalysis, OnChain, Price, Sentiment, Technical
from tests.stream.store.postgres import site

NOW = datetime.now(UTC).replace(microsecond=0)


@contextlib.asynccontextmanager
async def opened(text: str = "{}") -> AsyncIterator[Database]:
    database = await Database.open(site(text))
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
def filled(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO cryptocurrencies (id, symbol, name, is_active) VALUES "
            "('btc', 'BTC', 'Bitcoin', true), ('eth', 'ETH', 'Ethereum', true), ('old', 'OLD', 'Old', false)"
        )
        for hours in range(10):
            at = NOW - timedelta(hours=hours)
            connection.execute(
                "INSERT INTO price_history (crypto_id, price, timestamp) VALUES ('btc', %s, %s)", (100 - hours, at)
            )
        connection.execute("INSERT INTO price_history (crypto_id, price, timestamp) VALUES ('eth', 7.125, %s)", (NOW,))
        connection.execute("INSERT INTO technical_metrics (crypto_id, rsi, ma50) VALUES ('btc', 55.5, 99.25)")
        connection.execute("INSERT INTO on_chain_metrics (crypto_id, mvrv, active_addresses) VALUES ('eth', 1.5, 900000)")
        connection.execute("INSERT INTO sentiment_data (crypto_id, fear_greed_index) VALUES ('btc', 40)")
    return database_url


@pytest.mark.usefixtures("filled")
def test_currencies_come_by_symbol_page_by_page() -> None:
    async def story() -> None:
        async with opened() as database:
            assert [found.id for found in await queries.cryptocurrencies(database)] == ["btc", "eth", "old"]
            assert [found.id for found in await queries.cryptocurrencies(database, active=True)] == ["btc", "eth"]
            assert [found.id for found in await queries.cryptocurrencies(database, active=False)] == ["old"]
            assert [found.id for found in await queries.cryptocurrencies(database, limit=1, offset=1)] == ["eth"]

    asyncio.run(story())


@pytest.mark.usefixtures("filled")
def test_the_latest_row_of_each_kind_and_currency() -> None:
    async def story() -> None:
        async with opened() as database:
            prices = await queries.latest(database, Price)
            assert [(row.crypto_id, row.price, row.timestamp) for row in prices] == [
                ("btc", Decimal(100), NOW),
                ("eth", Decimal("7.125"), NOW),
            ]
            assert [row.crypto_id for row in await queries.latest(database, Price, ["eth", "none"])] == ["eth"]
            (technical,) = await queries.latest(database, Technical)
            assert (technical.rsi, technical.ma50, technical.ma200) == (55.5, Decimal("99.25"), None)
            (onchain,) = await queries.latest(database, OnChain)
            assert (onchain.mvrv, onchain.active_addresses) == (1.5, 900_000)
            (sentiment,) = await queries.latest(database, Sentiment)
            assert sentiment.fear_greed_index == 40

    asyncio.run(story())


@pytest.mark.usefixtures("filled")
def test_a_range_of_prices_is_half_open_and_the_newest_come_first() -> None:
    async def story() -> None:
        async with opened() as database:
            found = await queries.price_range(database, "btc", NOW - timedelta(hours=3), NOW)
            assert [row.price for row in found] == [99, 98, 97]
            assert [row.price for row in await queries.price_range(database, "btc", NOW - timedelta(days=1), NOW, limit=2)] == [
                99,
                98,
            ]
            assert found[0].timestamp.utcoffset() == timedelta(0)

    asyncio.run(story())


@pytest.mark.usefixtures("filled")
def test_an_analysis_is_kept_as_it_was_said() -> None:
    async def story() -> None:
        async with opened() as database:
            new = NewAnalysis("btc", "risk-assessment", "HOLD", 0.75, "because", "low", {"var": [0.1, None]})
            added = await queries.add_analysis(database, new)
            await queries.add_analysis(database, NewAnalysis("eth", "predictive-analysis", timestamp=NOW + timedelta(hours=1)))
            assert (added.signal, added.confidence, added.analysis_data) == ("HOLD", 0.75, {"var": [0.1, None]})
            assert [found.crypto_id for found in await queries.recent_analyses(database)] == ["eth", "btc"]
            assert await queries.recent_analyses(database, "btc") == [added]
            assert await queries.recent_analyses(database, "btc", "predictive-analysis") == []
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                await queries.add_analysis(database, NewAnalysis("unknown", "risk-assessment"))

    asyncio.run(story())
