"""Memory and Redis together, on a real Redis that is killed, frozen and poisoned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from metrics import cache
from settings.cache import Cache as Settings
from settings.cache import MemoryLayer, RedisLayer
from stream.cache.cache import Cache, Item
from stream.cache.entry import Codec, Entry
from tests.stream.cache.servers import RedisServer, eventually

STRICT = Settings(jitter=0.0)
PATIENT = RedisLayer(timeout="2s")  # a machine that runs other tests beside these may be late by more than 5 ms
QUICK = Settings(jitter=0.0, redis=PATIENT)
BTC = "market-data:BTC"


@asynccontextmanager
async def caches(redis: RedisServer, count: int = 1, wanted: Settings = QUICK) -> AsyncIterator[list[Cache]]:
    """Caches of as many processes, on an empty Redis."""
    redis.ask("FLUSHALL")
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(Cache(wanted, redis.address)) for _ in range(count)]
        await eventually("all listen", lambda: all(one.coherent for one in made))
        yield made


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(bounded())


def counted(one: Cache, metric: Any, *labels: str) -> float:
    return next(value for found, values, value in one.samples() if found is metric and values == labels)  # type: ignore[return-value]


def test_a_value_goes_through_the_layers_and_comes_back_alike(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            assert await one.set(BTC, {"price": "1.5", "both": (1, 2)}) == {"memory": True, "redis": True}
            answers = [await one.get(BTC), await other.get(BTC), await other.get(BTC)]

            assert [answer.source for answer in answers] == ["memory", "redis", "memory"]
            assert [answer.data for answer in answers] == [{"price": "1.5", "both": [1, 2]}] * 3
            assert all(answer.hit and 0 <= answer.age < 5 and 0 < answer.latency < 1 for answer in answers)
            assert (await one.get("market-data:ETH")).source == "none"
            told = other.statistics()
            assert (told.layers["memory"].hits, told.layers["redis"].hits, told.requests, told.hit_rate) == (1, 1, 2, 1.0)

    run(work)


def test_values_end_in_each_layer_at_their_time(redis: RedisServer) -> None:
    async def work() -> None:
        wanted = Settings(jitter=0.0, redis=PATIENT, stale="4s", memory=MemoryLayer(ttl="50ms"))
        async with caches(redis, 1, wanted) as (one,):
            await one.set(BTC, 1)
            assert 299_000 < int(redis.ask("PTTL", "crypto:" + BTC).removeprefix(":")) <= 300_000
            await eventually("memory lets go", lambda: _is_from(one, BTC, "redis"))
            await one.set(BTC, 1, ttl=0.2)
            assert 4_000 < int(redis.ask("PTTL", "crypto:" + BTC).removeprefix(":")) <= 4_200
            await eventually("it is fresh no more", lambda: _is_from(one, BTC, "none"))
            assert (await one.get(BTC, stale=True)).stale
            await eventually("Redis forgets it", lambda: redis.ask("EXISTS", "crypto:" + BTC) == ":0")

    run(work)


async def _is_from(one: Cache, key: str, source: str) -> bool:
    return (await one.get(key)).source == source


def test_another_process_writes_and_nobody_keeps_the_older_value(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            await one.set(BTC, 1)
            assert (await other.get(BTC)).data == 1
            await one.set(BTC, 2)
            await eventually("the other hears of it", lambda: _is_from(other, BTC, "redis"))
            assert (await other.get(BTC)).data == 2
            assert (await one.get(BTC)).source == "memory"

    run(work)


def test_invalidation_reaches_every_layer_and_process_and_nothing_else(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            await one.set_many([Item(f"market-data:{number}", number) for number in range(1200)])
            await one.set("sentiment:BTC", 3)
            assert (await other.get("market-data:7")).data == 7
            redis.ask("SET", "crypto:@lock:market-data:1", "x")

            assert await one.invalidate("market-data:*") == {"memory": 999, "redis": 1200}
            await eventually("the other hears of it", lambda: _is_from(other, "market-data:7", "none"))
            assert (await other.get("sentiment:BTC")).data == 3
            assert redis.ask("EXISTS", "crypto:@lock:market-data:1") == ":1"
            assert await one.invalidate("sentiment:BTC") == {"memory": 1, "redis": 1}

    run(work)


def test_a_thousand_misses_of_two_processes_load_once(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as both:
            loads = 0

            async def loader() -> str:
                nonlocal loads
                loads += 1
                await asyncio.sleep(0.2)
                return "loaded"

            answers = await asyncio.gather(*(one.load(BTC, loader, 10) for one in both for _ in range(500)))

            assert loads == 1
            assert {(answer.data, answer.hit, answer.source) for answer in answers} == {("loaded", False, "none")}
            assert sum(counted(one, cache.COALESCED, "process") for one in both) == 998
            assert sum(counted(one, cache.COALESCED, "processes") for one in both) == 1

    run(work)


def test_a_stale_value_is_given_at_once_and_loaded_once_behind(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            loads = 0

            async def loader() -> int:
                nonlocal loads
                loads += 1
                return loads

            assert (await one.load(BTC, loader, ttl=0.05)).data == 1
            await eventually("it is fresh no more", lambda: _is_from(one, BTC, "none"))
            answers = [await one.load(BTC, loader, ttl=10) for _ in range(5)]
            assert (answers[0].data, answers[0].stale, answers[0].hit) == (1, True, True)
            await eventually("it is loaded anew", lambda: _has(one, BTC, 2))
            assert loads == 2
            assert counted(one, cache.STALE) >= 1

    run(work)


async def _has(one: Cache, key: str, data: object) -> bool:
    answer = await one.get(key)
    return answer.hit and answer.data == data


def test_what_is_absent_is_remembered_and_what_fails_is_not(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            results: list[Any] = [None, ZeroDivisionError("of the loader"), 3]

            async def loader() -> Any:
                found = results.pop(0)
                if isinstance(found, Exception):
                    raise found
                return found

            assert not (await one.load(BTC, loader)).hit
            assert ((await one.load(BTC, loader)).hit, (await one.get(BTC)).data) == (True, None)
            await one.invalidate(BTC)
            with pytest.raises(ZeroDivisionError):
                await one.load(BTC, loader)
            assert (await one.load(BTC, loader)).data == 3
            assert [counted(one, cache.LOADED, result) for result in cache.LOADS] == [1, 1, 1]

    run(work)


def test_a_value_that_changes_while_it_is_loaded_is_not_kept(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            reading, go_on = asyncio.Event(), asyncio.Event()

            async def loader() -> str:
                reading.set()
                await go_on.wait()
                return "older"

            for writer in (one, other):
                task = asyncio.create_task(one.load(BTC, loader))
                await reading.wait()
                await writer.set(BTC, "newer")
                if writer is other:
                    await eventually("it has heard", lambda: one._loading.flights.spoilt(BTC))
                go_on.set()
                assert (await task).data == "older"
                assert (await one.get(BTC)).data == (await other.get(BTC)).data == "newer"
                await one.invalidate("*")
                reading.clear()
                go_on.clear()

    run(work)


def test_a_caller_that_gives_up_leaves_the_load_to_the_others(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):

            async def loader() -> int:
                await asyncio.sleep(0.1)
                return 1

            impatient, patient = (asyncio.create_task(one.load(BTC, loader)) for _ in range(2))
            await asyncio.sleep(0)
            impatient.cancel()
            assert (await patient).data == 1

    run(work)


ANOTHERS = Codec(64).pack(Entry("other", 0, 2**50, 2**50, (), 1)).data.decode("latin-1")


@pytest.mark.parametrize(
    "poison",
    ["", "WC", "\x80\x04K\x01.", "not ours at all", ANOTHERS],
    ids=["empty", "truncated", "a pickle", "text", "another key's"],
)
def test_a_poisoned_entry_is_a_miss_counted_and_deleted(redis: RedisServer, poison: str) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            redis.ask("SET", "crypto:" + BTC, poison)

            assert (await one.get(BTC)).source == "none"
            assert redis.ask("EXISTS", "crypto:" + BTC) == ":0"
            assert counted(one, cache.ERRORS, "redis", "poisoned") == 1
            assert one.degraded == []

    run(work)


def test_a_key_of_another_type_is_a_miss_and_does_not_stop_the_cache(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            redis.ask("LPUSH", "crypto:" + BTC, "x")

            assert (await one.get(BTC)).source == "none"
            assert await one.set(BTC, 1) == {"memory": True, "redis": True}

    run(work)


def kept_waiting(which: int | str = "thread-self") -> float:
    """Seconds that a thread was ready to run and got no processor (Documentation/scheduler/sched-stats.rst of Linux).

    What it spends in a call that blocks, or in working, is not among them.
    """
    return int(Path(f"/proc/{which}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_redis_that_goes_costs_five_milliseconds_once(how: str) -> None:
    async def work() -> None:
        with RedisServer() as redis:
            async with caches(redis, 1, STRICT) as (one,):
                getattr(redis, how)()
                began, before = time.perf_counter(), kept_waiting()
                first = await one.get("analysis:BTC:risk")
                waited = time.perf_counter() - began - (kept_waiting() - before)
                began, before = time.perf_counter(), kept_waiting()
                rest = [await one.get(f"analysis:{number}:risk") for number in range(100)]
                each = (time.perf_counter() - began - (kept_waiting() - before)) / 100

                assert {answer.source for answer in (first, *rest)} == {"error"}
                assert waited < 0.015  # 5 ms and the machine's own: tests/bench/cache.py measures it on a quiet one
                assert each < 0.001
                await eventually("it is told", lambda: one.degraded == ["the cache's Redis does not answer"])
                assert counted(one, cache.BREAKER_OPENED, "redis") == 1

    run(work)


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_redis_that_was_away_is_found_again_without_what_it_missed(how: str) -> None:
    async def work() -> None:
        with RedisServer() as redis:
            async with caches(redis) as (one,):
                await one.set(BTC, "old")
                await one.set("sentiment:BTC", 1)
                getattr(redis, how)()
                assert (await one.get("analysis:BTC:risk")).source == "error"
                await eventually("it is told", lambda: one.degraded == ["the cache's Redis does not answer"])
                assert await one.set(BTC, "new") == {"memory": True, "redis": False}
                assert (await one.invalidate("sentiment:*")) == {"memory": 1, "redis": -1}
                assert (await one.get(BTC)).data == "new"

                redis.thaw() if how == "freeze" else redis.start()
                await eventually("it is found again", lambda: not one.degraded and one.coherent)
                # What it missed is gone, before anybody could have asked for it.
                assert (await one.get("sentiment:BTC")).source == "none"
                assert redis.ask("EXISTS", "crypto:" + BTC) == ":0"
                assert await one.set(BTC, 3) == {"memory": True, "redis": True}
                assert counted(one, cache.BREAKER_OPENED, "redis") == 1

    run(work)


def test_a_wrong_password_is_an_error_and_no_crash(redis: RedisServer) -> None:
    async def work() -> None:
        address = type(redis.address)(redis.address.host, redis.address.port, "wrong")
        async with Cache(QUICK, address) as one:
            assert (await one.get(BTC)).source == "error"
            assert await one.set(BTC, 1) == {"memory": True, "redis": False}
            assert (await one.get(BTC)).data == 1

    run(work)
