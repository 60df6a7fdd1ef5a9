"""From the feed into a real PostgreSQL: each row once, whoever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from metrics import database as db
from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update
from stream.store.database import Database
from stream.store.journal import Journal
from stream.store.rows import UnfitError, lines
from stream.store.sink import StoreSink
from tests.stream.store.postgres import Postgres, site

T0 = 1_795_800_000_000
CAP = 50 * 2**20


def market(number: int, symbol: str = "BTC", **more: object) -> Update:
    return Update(MARKET, symbol, {"symbol": symbol, "price": f"{number}.5", **more}, T0 + number)


@contextlib.asynccontextmanager
async def sink_in(folder: Path, cap: int = CAP, *, worker: int = 0, workers: int = 1) -> AsyncIterator[StoreSink]:
    database = await Database.open(site())
    sink = StoreSink(database, folder, cap, worker=worker, workers=workers)
    sink.start()
    try:
        yield sink
    finally:
        await sink.close()
        await database.close()


async def eventually(what: str, condition: Callable[[], bool], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def value(sink: StoreSink, metric: object, *labels: str) -> float:
    return next(found for which, at, found in sink.samples() if which is metric and at == labels)  # type: ignore[return-value]


def written(sink: StoreSink) -> bool:
    return value(sink, db.SPOOL_BYTES) == 0


def prices(url: str) -> list[float]:
    with psycopg.connect(url) as connection:
        return [float(price) for (price,) in connection.execute("SELECT price FROM price_history ORDER BY timestamp, id")]


def test_every_room_fills_its_tables(database_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with sink_in(tmp_path) as sink:
            sink.write(market(1, volume_24h="12.25", change_24h=-1.5, rsi=55.25, ma50="60000.125", macd=None, signal=0.5))
            sink.write(market(2, "NEW"))
            figures = {"mvrv": 1.5, "active_addresses": 900_000, "exchange_inflow": 1e-7}
            sink.write(Update(ONCHAIN, "BTC", {"symbol": "BTC", **figures}, T0))
            sink.write(Update(SENTIMENT, "BTC", {"symbol": "BTC", "fear_greed_index": 40.5, "latest": {}}, T0))
            sink.write(Update("canary", "canary", {"symbol": "canary"}, T0))
            await eventually("all is written", lambda: written(sink))
            assert value(sink, db.WRITTEN, "price_history") == 2
            assert value(sink, db.WRITTEN, "technical_metrics") == 1

    asyncio.run(story())
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id, symbol, name, coin_gecko_id FROM cryptocurrencies ORDER BY 1").fetchall() == [
            ("btc", "BTC", "Bitcoin", "bitcoin"),
            ("new", "NEW", "NEW", None),
        ]
        time = "(extract(epoch FROM timestamp) * 1000)::bigint"
        query = f"SELECT crypto_id, price::text, volume_24h::text, change_24h, {time} FROM price_history"
        assert sorted(connection.execute(query.encode()).fetchall()) == [
            ("btc", "1.5", "12.25", -1.5, T0 + 1),
            ("new", "2.5", None, None, T0 + 2),
        ]
        query = "SELECT rsi, ma50::text, ma200, macd, signal, histogram FROM technical_metrics"
        assert connection.execute(query.encode()).fetchall() == [(55.25, "60000.125", None, None, 0.5, None)]
        assert connection.execute("SELECT mvrv, active_addresses, exchange_inflow FROM on_chain_metrics").fetchall() == [
            (1.5, 900_000, 1e-7)
        ]
        assert connection.execute("SELECT fear_greed_index FROM sentiment_data").fetchall() == [(40.5,)]


@pytest.mark.parametrize("symbol", ["", "a\tb", "a\nb", "\\", "a\0b"])
def test_what_is_no_symbol_is_refused(symbol: str) -> None:
    with pytest.raises(UnfitError):
        lines(market(1, symbol))


def test_times_and_integers_beyond_the_database_are_refused() -> None:
    for update in (Update(MARKET, "BTC", {"price": "1"}, 10**17), Update(ONCHAIN, "BTC", {"active_addresses": 2**63}, T0)):
        with pytest.raises(UnfitError):
            lines(update)


def test_what_was_written_before_a_sink_began_is_written_by_the_next_one(database_url: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "0", CAP)
    for number in range(100):
        journal.append(lines(market(number)))
    journal.close()

    async def story(more: int) -> None:
        async with sink_in(tmp_path) as sink:
            for number in range(100, 100 + more):
                sink.write(market(number))
            await eventually("all is written", lambda: written(sink))

    asyncio.run(story(10))
    asyncio.run(story(0))
    assert prices(database_url) == [number + 0.5 for number in range(110)]


def test_one_record_that_the_database_refuses_keeps_back_no_other(database_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with sink_in(tmp_path) as sink:
            for number in range(50):
                sink.write(market(number) if number != 17 else Update(MARKET, "BTC", {"price": "no number"}, T0))
            await eventually("all is written", lambda: written(sink))
            assert value(sink, db.LOST, "refused") == 1
            assert value(sink, db.WRITTEN, "price_history") == 49

    asyncio.run(story())
    assert prices(database_url) == [number + 0.5 for number in range(50) if number != 17]
    assert b"no number" in (tmp_path / "0" / "refused").read_bytes()


def test_a_currency_s_own_key_is_kept_and_one_that_was_removed_is_made_again(database_url: str, tmp_path: Path) -> None:
    def execute(query: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(query.encode())

    async def story() -> None:
        columns = "cryptocurrencies (id, symbol, name, coin_gecko_id)"
        execute(f"INSERT INTO {columns} VALUES ('bitcoin', 'BTC', 'B', NULL), ('eth', 'X', 'X', 'ethereum')")
        async with sink_in(tmp_path) as sink:
            for symbol in ("BTC", "ETH", "eth"):
                sink.write(market(1, symbol))
            await eventually("all is written", lambda: written(sink))
            execute("DELETE FROM cryptocurrencies WHERE symbol = 'BTC'")
            sink.write(market(2))
            await eventually("the removed one is back", lambda: written(sink))
            assert value(sink, db.LOST, "refused") == 1  # 'eth', whose every key another has

    asyncio.run(story())
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT c.id, c.symbol FROM price_history p JOIN cryptocurrencies c ON c.id = p.crypto_id")
        assert sorted(found.fetchall()) == [("ETH", "ETH"), ("btc", "BTC")]


def test_a_spool_that_is_full_loses_rows_and_says_so_and_goes_on_afterwards(
    tmp_path: Path, postgres: Postgres, database_url: str
) -> None:
    async def story() -> None:
        postgres.kill()
        async with sink_in(tmp_path, cap=2000) as sink:
            for number in range(100):
                sink.write(market(number))
            lost = value(sink, db.LOST, "full")
            assert 0 < lost < 100
            assert any("full" in sentence for sentence in sink.degraded)
            await eventually("that rows wait is told", lambda: any("wait on disk" in sentence for sentence in sink.degraded))
            await asyncio.to_thread(postgres.start)
            await eventually("all is written", lambda: written(sink), 30)
            assert len(prices(database_url)) == 100 - lost

    asyncio.run(story())


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The kernel refuses this process what a disk without space would refuse."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_rows_that_the_disk_refuses_wait_for_it_in_their_order(tmp_path: Path, database_url: str) -> None:
    async def story() -> None:
        async with sink_in(tmp_path) as sink:
            sink.write(market(0))
            await eventually("it is written", lambda: written(sink))
            (segment,) = (tmp_path / "0").glob("*.log")
            with no_file_above(segment.stat().st_size + 5):
                for number in range(1, 50):
                    sink.write(market(number))
                assert any("wait in memory" in sentence for sentence in sink.degraded)
                assert value(sink, db.SPOOL_BYTES) > 0
            sink.write(market(50))  # the disk has space again: what came before goes first
            await eventually("all is written", lambda: written(sink))
            assert value(sink, db.LOST, "disk") == 0
            assert sink.degraded == []

    asyncio.run(story())
    assert prices(database_url) == [number + 0.5 for number in range(51)]


def test_rows_wait_for_a_journal_that_cannot_be_opened(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "0").touch()  # where its folder is to be

    async def story() -> None:
        async with sink_in(tmp_path) as sink:
            sink.write(market(1))
            assert any("wait in memory" in sentence for sentence in sink.degraded)
            (tmp_path / "0").unlink()
            await eventually("it is written", lambda: written(sink))

    asyncio.run(story())
    assert prices(database_url) == [1.5]


def test_what_memory_has_no_room_for_is_lost_and_so_is_what_waits_at_the_end(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.store.sink._HELD_BYTES", 1000)
    (tmp_path / "0").touch()

    async def story() -> StoreSink:
        async with sink_in(tmp_path) as sink:
            for number in range(100):
                sink.write(market(number))
            assert 0 < value(sink, db.LOST, "disk") < 100
        return sink

    assert value(asyncio.run(story()), db.LOST, "disk") == 100
    assert prices(database_url) == []


def test_journals_of_workers_that_are_no_more_are_written_by_the_first(database_url: str, tmp_path: Path) -> None:
    for worker in (0, 3):
        journal = Journal(tmp_path / str(worker), CAP)
        journal.append(lines(market(worker)))
        journal.close()
    held = Journal(tmp_path / "4", CAP)

    async def story() -> None:
        async with sink_in(tmp_path, workers=2):
            await eventually("both are there", lambda: len(prices(database_url)) == 2)

    asyncio.run(story())
    held.close()
    assert prices(database_url) == [0.5, 3.5]
