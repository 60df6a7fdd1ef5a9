"""Writing: rows a second by the whole way (journal, reading it back, COPY, position) beside a bare COPY of the same rows.

    python -m tests.bench store_writing [--rows 100000] [--pairs 7]

Both write into tables of the same schema on one PostgreSQL with fsync on, in batches of 1 MB, one connection; the bare COPY gets
its lines ready made. Ours begins with an update in memory, as the feed hands it over. Exit 1 when the median is below 0.7.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from metrics.instruments import Instruments
from stream.messages import MARKET, Update
from stream.store.database import Database
from stream.store.journal import Journal
from stream.store.rows import lines
from stream.store.sink import _COUNTED
from stream.store.writer import _COPY, BATCH_BYTES, Batch, Writer
from tests.bench.stats import alternate, ratios
from tests.stream.store.postgres import Postgres, site

SYMBOLS = [f"S{number}" for number in range(20)]


def updates(count: int) -> list[Update]:
    """Updates as the market processor makes them, indicators included: two rows each."""
    found = []
    for number in range(count):
        data = {
            "symbol": SYMBOLS[number % 20], "price": f"{60_000 + number % 977}.25", "volume_24h": "123456.5",
            "market_cap": "1180000000000",
            "change_24h": 1.25, "rsi": 55.1234, "ma50": "60010.123400", "ma200": "59800.432100", "macd": 12.3456, "signal": 11.0,
            "histogram": 1.3456,
        }  # fmt: skip
        found.append(Update(MARKET, SYMBOLS[number % 20], data, 1_795_800_000_000 + number * 10))
    return found


async def ours(url: str, given: list[Update]) -> float:
    """Rows a second from updates to committed rows."""
    os.environ["DATABASE_URL"] = url
    database = await Database.open(site())
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), 10**10)
        writer = Writer(database, journal, Instruments(_COUNTED))
        began = time.perf_counter()
        feed = asyncio.create_task(_feed(journal, given))
        while await writer.step() or not feed.done():  # noqa: ASYNC110  # a turn of the loop for the feed
            await asyncio.sleep(0)
        took = time.perf_counter() - began
        journal.close()
    await database.close()
    return 2 * len(given) / took


async def _feed(journal: Journal, given: list[Update]) -> None:
    """Hands updates over as the feed does: some at a time, while the writer waits for the database."""
    for start in range(0, len(given), 200):
        for update in given[start : start + 200]:
            journal.append(lines(update))
        await asyncio.sleep(0)


async def bare(url: str, payloads: list[bytes]) -> float:
    """Rows a second of COPY alone, its text ready."""
    chunks, size, part = [], 0, []
    for payload in payloads:
        part.append(payload)
        size += len(payload)
        if size >= BATCH_BYTES:
            chunks.append(Batch.of(part))
            part, size = [], 0
    chunks.append(Batch.of(part))
    ids = {symbol.encode(): symbol.lower().encode() for symbol in SYMBOLS}
    texts = [{table: chunk.text(table, ids) for table in chunk.lines} for chunk in chunks]
    async with await psycopg.AsyncConnection.connect(url) as connection:
        began = time.perf_counter()
        for text in texts:
            for table, data in text.items():
                async with connection.cursor().copy(_COPY[table]) as copy:
                    await copy.write(data)
            await connection.commit()
        took = time.perf_counter() - began
    return 2 * len(payloads) / took


def main() -> int:
    """Prints both and the ratio of pairs with its 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    given = updates(options.rows // 2)
    payloads = [lines(update) for update in given]
    with Postgres("-c", "max_wal_size=4GB", durable=True) as server:

        def fresh() -> str:
            url = server.fresh()
            with psycopg.connect(url, autocommit=True) as connection:
                for symbol in SYMBOLS:
                    connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES (lower(%s), %s, %s)", [symbol] * 3)
                connection.execute("CHECKPOINT")
            return url

        found = alternate(lambda: asyncio.run(ours(fresh(), given)), lambda: asyncio.run(bare(fresh(), payloads)), options.pairs)
    own, theirs = (statistics.median(side) for side in zip(*found, strict=True))
    ratio = ratios(found)
    print(f"{options.rows} rows, {options.pairs} pairs: ours {own:,.0f} rows/s, bare COPY {theirs:,.0f} rows/s; ratio {ratio}")
    return int(ratio.median < 0.7)


if __name__ == "__main__":
    raise SystemExit(main())
