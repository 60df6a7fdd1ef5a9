"""Queries: the mix of the specification with 50 callers, and a range of time over 10 million rows beside 1 million.

    python -m tests.bench store_queries [--seconds 20] [--millions 10]

The mix: 40 % prices of a currency by time, 20 % inserts of a price, 20 % updates of a currency, 10 % deletes of old analyses,
10 % joins of currencies and prices; a caller asks again as soon as it has its answer, through the product's pool. Exit 1 when the
mean is not below 50 ms, p95 not below 200 ms, or the range over the larger table takes more than twice as long.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta

import psycopg

from stream.store import queries
from stream.store.database import Database
from stream.store.upkeep.partitions import Partitions
from stream.store.upkeep.plan import Rules
from tests.bench.stats import alternate, ratios
from tests.stream.store.postgres import Postgres, site

CALLERS, SYMBOLS = 50, 20
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MIX = {"prices": 40, "insert": 20, "update": 20, "delete": 10, "join": 10}
_JOIN = (
    "SELECT c.symbol, p.price FROM cryptocurrencies c JOIN LATERAL (SELECT price FROM price_history WHERE crypto_id = c.id "
    "AND timestamp > %s ORDER BY timestamp DESC LIMIT 1) p ON true"
)


def fill(url: str, millions: int) -> None:
    """A million prices a day of twenty currencies, on `millions` days from today on; each day its partition."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO cryptocurrencies (id, symbol, name) SELECT 's' || i, 'S' || i, 'S' || i FROM generate_series(0, 19) i"
        )
        connection.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off"
        )  # the keys are known to be there
        for day in range(millions):
            connection.execute(
                "INSERT INTO price_history (crypto_id, price, volume_24h, timestamp) "
                "SELECT 's' || i %% 20, 60000 + i %% 977, 1000, %s::timestamptz + i * interval '86.4 ms' "
                "FROM generate_series(0, 999999) i",
                (START + timedelta(days=day),),
            )
        connection.execute("VACUUM (ANALYZE) price_history")


async def partitioned(url: str, days: int) -> None:
    """Partitions of a day each."""
    os.environ["DATABASE_URL"] = url
    database = await Database.open(site(), "store")
    await Partitions(database, Rules("day", days)).run()
    await database.close()


async def one(database: Database, kind: str, chance: random.Random) -> None:
    """One question of the mix."""
    crypto = f"s{chance.randrange(SYMBOLS)}"
    if kind == "prices":
        at = START + timedelta(seconds=chance.randrange(80_000))
        await queries.price_range(database, crypto, at, at + timedelta(minutes=10), limit=100)
    elif kind == "join":
        async with database.reading("latest") as connection:
            await (await connection.execute(_JOIN, (START,))).fetchall()
    else:
        async with database.writing("write") as connection:
            if kind == "insert":
                await connection.execute("INSERT INTO price_history (crypto_id, price) VALUES (%s, 1)", (crypto,))
            elif kind == "update":
                await connection.execute("UPDATE cryptocurrencies SET updated_at = now() WHERE id = %s", (crypto,))
            else:
                await connection.execute(
                    "DELETE FROM analysis_history WHERE crypto_id = %s AND timestamp < %s", (crypto, START - timedelta(days=400))
                )


async def mix(url: str, seconds: float) -> list[float]:
    """How long each question took, in seconds, the wait for a connection included."""
    os.environ["DATABASE_URL"] = url
    database = await Database.open(site())
    kinds, weights = list(MIX), list(MIX.values())
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  # which question
        while time.perf_counter() < end:
            began = time.perf_counter()
            await one(database, chance.choices(kinds, weights)[0], chance)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    await database.close()
    return sorted(took)


def ranged(url: str, days: int) -> float:
    """Milliseconds of a question for ten minutes of one currency, on a day in the middle; the median of 50."""
    at = START + timedelta(days=days // 2, hours=11)
    where = "crypto_id = 's7' AND timestamp >= %s AND timestamp < %s"
    query = f"SELECT timestamp, price FROM price_history WHERE {where} ORDER BY timestamp".encode()
    with psycopg.connect(url, autocommit=True) as connection:
        times = []
        for minute in range(50):
            began = time.perf_counter()
            start = at + timedelta(minutes=minute)
            connection.execute(query, (start, start + timedelta(minutes=10))).fetchall()
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> int:
    """Prints both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--millions", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    with Postgres("-c", "max_wal_size=4GB", "-c", "shared_buffers=256MB", durable=True) as server:
        small, large = server.fresh(), server.fresh()
        for url, count in ((small, 1), (large, options.millions)):
            asyncio.run(partitioned(url, options.millions))
            fill(url, count)
        found = alternate(lambda: ranged(large, options.millions), lambda: ranged(small, 1), options.pairs)
        ratio = ratios(found)
        ours, theirs = (statistics.median(side) for side in zip(*found, strict=True))
        print(f"a range over {options.millions} million rows {ours:.2f} ms, over 1 million {theirs:.2f} ms; ratio {ratio}")
        took = asyncio.run(mix(small, options.seconds))
    mean, p95 = statistics.fmean(took) * 1000, took[int(0.95 * len(took))] * 1000
    print(f"the mix, {CALLERS} callers: {len(took) / options.seconds:,.0f} a second, mean {mean:.1f} ms, p95 {p95:.1f} ms")
    return int(mean >= 50 or p95 >= 200 or ratio.median > 2)


if __name__ == "__main__":
    raise SystemExit(main())
