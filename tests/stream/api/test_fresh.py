"""Signals and conditions made by one process are told by another, through a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from settings.api import Conditions
from settings.cache import Cache as CacheSettings
from settings.cache import RedisLayer
from stream.api.fresh import Fresh
from stream.cache.cache import Cache
from tests.stream.api.world import Rooms, market, sentiment
from tests.stream.cache.servers import RedisServer, eventually


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def _cache(redis: RedisServer) -> Cache:
    # A machine that runs other tests beside this one may be late by more than the 5 ms of production.
    return Cache(CacheSettings(redis=RedisLayer(timeout="2s")), redis.address)


def test_a_process_without_rooms_tells_what_another_made(redis: RedisServer) -> None:
    async def story() -> None:
        async with _cache(redis) as first, _cache(redis) as second:
            await eventually("both listen", lambda: first.coherent and second.coherent)
            maker = Fresh(Rooms([market("BTC", change_24h=9.0), sentiment("BTC", 90.0)]).snapshot, Conditions(), first)
            teller = Fresh(Rooms().snapshot, Conditions(), second)
            await teller.make(time.time())
            assert await teller.signals() is None
            await maker.make(time.time())
            own, other = await maker.conditions(), await teller.conditions()
            assert own is not None
            assert other is not None
            assert [one.kind for one in own.values] == ["price-move", "sentiment"]
            assert list(other.values) == list(own.values)
            assert abs(other.at - own.at) < 1

    asyncio.run(story())


def test_what_is_made_once_a_second_goes_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    rooms = Rooms([market("BTC", price="no number", ma50="1")])

    async def story() -> None:
        fresh = Fresh(rooms.snapshot, Conditions())
        running = asyncio.create_task(fresh.run())
        await asyncio.sleep(0)
        assert await fresh.signals() is None
        rooms.updates[:] = [market("BTC")]
        async with asyncio.timeout(5):
            while await fresh.conditions() is None:  # noqa: ASYNC110  # whatever a task does, only time tells
                await asyncio.sleep(0.02)
        running.cancel()

    asyncio.run(story())
    assert "were not made" in caplog.text
