"""Leaving a cache ends in time, and all who still ask of it, whatever has become of Redis: many times, at many moments."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
import uvloop

from settings.cache import Cache as Settings
from settings.cache import RedisLayer
from stream.cache.cache import Cache
from stream.cache.guard import LayerError
from stream.cache.tasks import bounded, ended
from tests.stream.cache.servers import RedisServer

ROUNDS = 15
SECONDS = 4.0  # what leaving may take at most, with every part of it as slow as it may be


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_leaving_ends_after_redis_went(how: str, factory: type[asyncio.AbstractEventLoop]) -> None:
    async def work() -> list[float]:
        took = []
        with RedisServer() as redis:
            for number in range(ROUNDS):
                took.append(await _left(redis, how, random.Random(number)))  # noqa: S311  # a mix, no secret
                redis.thaw() if how == "freeze" else redis.start()
        return took

    with asyncio.Runner(loop_factory=factory) as runner:
        took = runner.run(work())
    assert max(took) < SECONDS, sorted(took)


async def _left(redis: RedisServer, how: str, chance: random.Random) -> float:
    """Seconds that one leave took, some time after Redis went, with callers of all kinds under way."""
    text = "x" * chance.choice([10, 200_000])  # the larger one does not fit into what a frozen server's socket takes
    one = Cache(Settings(redis=RedisLayer(timeout=chance.choice(["5ms", "50ms", "1s"]))), redis.address)
    await one.__aenter__()
    stop = asyncio.Event()
    asking = [asyncio.create_task(_asks(one, chance, text, stop)) for _ in range(chance.choice([0, 5, 30]))]
    await asyncio.sleep(chance.random() * 0.02)
    getattr(redis, how)()
    await asyncio.sleep(chance.choice([0, 0.001, 0.05, 0.3]) * chance.random())
    began = time.perf_counter()
    async with asyncio.timeout(30):
        await one.__aexit__()
    took = time.perf_counter() - began
    stop.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*asking)
    return took


async def _asks(one: Cache, chance: random.Random, text: str, stop: asyncio.Event) -> None:
    async def load() -> str:
        await asyncio.sleep(0.01)
        return text

    while not stop.is_set():
        key, which = f"key:{chance.randrange(50)}", chance.randrange(4)
        try:
            if which == 0:
                await one.get(key)
            elif which == 1:
                await one.load(key, load, 0.01)
            elif which == 2:  # one of four
                await one.set(key, text)
            else:
                await one.invalidate("key:1*")
        except asyncio.CancelledError:
            if not stop.is_set():
                await asyncio.sleep(0)  # its load was ended with the cache
        await asyncio.sleep(0)


def test_who_asks_after_the_end_is_told_so(redis: RedisServer) -> None:
    async def work() -> None:
        async with Cache(Settings(), redis.address) as one:
            await one.set("kept", 1)
        one._memory.clear()
        async with asyncio.timeout(5):
            assert (await one.get("kept")).source == "error"
            with pytest.raises(LayerError):
                await one.stored("kept")

    asyncio.run(work())


def test_what_heeds_no_cancellation_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn(until: asyncio.Event) -> None:
        while not until.is_set():
            try:
                await until.wait()
            except asyncio.CancelledError:
                continue

    async def work() -> None:
        over = asyncio.Event()
        task = asyncio.create_task(stubborn(over), name="stubborn")
        await asyncio.sleep(0)
        await ended([task])
        await bounded(stubborn(over), 0.1, "a library")
        over.set()
        await task

    asyncio.run(work())
    assert "left behind, for they do not end: stubborn" in caplog.text
    assert "a library took longer than 0.1 s" in caplog.text
