"""What the warmer finds in a real PostgreSQL, and puts into a real cache."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from settings.cache import Warming
from stream.cache.lease import Lease
from stream.cache.warming import Warmer
from stream.store import queries
from stream.store.records import NewAnalysis
from stream.warmed import sources
from tests.stream.cache.servers import RedisServer
from tests.stream.cache.test_shared import caches
from tests.stream.store.test_queries import opened

AT = datetime.now(UTC).replace(microsecond=0)
MS = round(AT.timestamp() * 1000)


@pytest.fixture
def rows(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO cryptocurrencies (id, symbol, name, is_active) VALUES "
            "('bitcoin', 'BTC', 'Bitcoin', true), ('ether', 'ETH', 'Ether', true), ('old', 'OLD', 'Old', false)"
        )
        connection.execute("INSERT INTO price_history (crypto_id, price, timestamp) VALUES ('bitcoin', 60000.10, %s)", (AT,))
        connection.execute("INSERT INTO price_history (crypto_id, price, timestamp) VALUES ('old', 1, %s)", (AT,))
        connection.execute(
            "INSERT INTO technical_metrics (crypto_id, rsi, ma50, timestamp) VALUES ('bitcoin', 55.5, 99.25, %s)", (AT,)
        )
        connection.execute("INSERT INTO sentiment_data (crypto_id, fear_greed_index, timestamp) VALUES ('ether', 40, %s)", (AT,))


@pytest.mark.usefixtures("rows")
def test_values_have_the_shape_of_the_feed() -> None:
    async def story() -> None:
        async with opened() as database:
            await queries.add_analysis(database, NewAnalysis("bitcoin", "risk-assessment", risk_level="low", timestamp=AT))
            found = sources(database)
            assert await found["market-data"].keys() == ["market-data:BTC", "market-data:ETH"]
            market = await found["market-data"].load(["market-data:BTC", "market-data:ETH"])
            assert set(market) == {"market-data:BTC"}
            told = market["market-data:BTC"]
            assert {name: told[name] for name in ("symbol", "price", "ma50", "time")} == {
                "symbol": "BTC", "price": "60000.10", "ma50": "99.25", "time": MS,
            }  # fmt: skip
            assert told["rsi"] == pytest.approx(55.5)
            assert (await found["sentiment"].load(["sentiment:ETH"]))["sentiment:ETH"]["fear_greed_index"] == 40
            assert await found["crypto-metrics"].load(["crypto-metrics:BTC"]) == {}
            assert await found["analysis"].keys() == ["analysis:bitcoin:risk-assessment"]
            analyses = await found["analysis"].load(["analysis:bitcoin:risk-assessment"])
            assert analyses["analysis:bitcoin:risk-assessment"]["risk_level"] == "low"

    asyncio.run(story())


@pytest.mark.usefixtures("rows")
def test_what_is_stored_is_warmed(redis: RedisServer) -> None:
    async def story() -> None:
        async with opened() as database, caches(redis) as (cache,):
            warmer = Warmer(cache, sources(database), Lease(cache._shared, "@warming"), Warming())
            warmer.start()
            try:
                told = await warmer.warm(["market-data:BTC", "market-data:ETH", "sentiment:ETH"])
                assert told == {"market-data:BTC": "warmed", "market-data:ETH": "absent", "sentiment:ETH": "warmed"}
                assert (await cache.get("market-data:BTC")).data["price"] == "60000.10"
            finally:
                await warmer.close()

    asyncio.run(story())
