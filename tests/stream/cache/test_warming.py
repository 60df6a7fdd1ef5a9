"""Warming on a real Redis: by schedule and priority, by one process of many, on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import cache
from settings.cache import Warming
from stream.cache.cache import Cache
from stream.cache.kinds import KINDS, Priority, by_kind, due, kind_of, until_next
from stream.cache.lease import Lease
from stream.cache.warming import Warmer
from tests.stream.cache.servers import RedisServer, eventually
from tests.stream.cache.test_shared import caches, counted, run

ALL = {
    "market-data": ["market-data:BTC", "market-data:ETH"],
    "crypto-metrics": ["crypto-metrics:BTC"],
    "analysis": ["analysis:BTC:risk-assessment"],
    "sentiment": ["sentiment:BTC"],
}


class Table:
    """A source whose rows are what the test says; `log` is shared, so that order across kinds can be seen."""

    def __init__(self, keys: Sequence[str], log: list[str], gate: asyncio.Event | None = None) -> None:
        self.rows: dict[str, Any] = {key: {"of": key} for key in keys}
        self.log, self.gate = log, gate
        self.broken = False

    async def keys(self) -> Sequence[str]:
        return list(self.rows)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        self.log.extend(keys)
        if self.gate:
            await self.gate.wait()
        if self.broken:
            raise ConnectionError("the database is away")
        return {key: self.rows[key] for key in keys if key in self.rows}


def warmer(one: Cache, sources: Mapping[str, Table], concurrency: int = 1, *, enabled: bool = True) -> Warmer:
    lease = Lease(one._shared, "@warming", seconds=3.0, renew=0.05)
    return Warmer(one, sources, lease, Warming(concurrency=concurrency, enabled=enabled))


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.floats(0, 4000)), st.floats(0, 4000))
def test_a_kind_is_due_when_its_time_has_passed_and_the_urgent_come_first(last: dict[str, float], later: float) -> None:
    now = max(last.values(), default=0.0) + later
    found = due(last, now)

    assert {kind.name for kind in found} == {
        kind.name for kind in KINDS.values() if kind.name not in last or now - last[kind.name] >= kind.every
    }
    assert [kind.priority for kind in found] == sorted(kind.priority for kind in found)
    assert (until_next(last, now) == 0) == any(kind.name in last for kind in found) or not last


def test_the_schedule_is_the_specifications() -> None:
    assert [(kind.name, kind.every, kind.ttl, kind.priority) for kind in KINDS.values()] == [
        ("market-data", 300, 300, Priority.HIGH),
        ("crypto-metrics", 600, 600, Priority.MEDIUM),
        ("analysis", 900, 900, Priority.MEDIUM),
        ("sentiment", 1800, 1800, Priority.LOW),
    ]
    assert tuple(KINDS) == cache.KINDS


@pytest.mark.parametrize("key", ["", "market-data", "market-data:", "market-data:BTC:x", "analysis:BTC", "weather:BTC"])
def test_what_is_no_key_of_a_kind_is_refused_with_what_would_be_one(key: str) -> None:
    with pytest.raises(ValueError, match=r"is no key that can be warmed: give one such as market-data:<id>"):
        kind_of(key)


def test_keys_are_grouped_by_kind_each_once() -> None:
    assert {kind.name: keys for kind, keys in by_kind(["sentiment:A", "market-data:A", "market-data:A"]).items()} == {
        "market-data": ["market-data:A"],
        "sentiment": ["sentiment:A"],
    }


def test_whom_redis_did_not_answer_asks_for_the_lease_again_soon() -> None:
    async def work() -> None:
        with RedisServer() as redis:
            async with caches(redis, 1) as (one,):
                redis.freeze()
                lease = Lease(one._shared, "@warming", renew=3600)
                lease.start()
                await eventually("it was asked in vain", lambda: one.degraded)
                assert not lease.held
                redis.thaw()
                await eventually("it is held", lambda: lease.held)
                await lease.close()

    run(work)


def test_one_process_of_three_warms_everything_the_urgent_first(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 3) as three:
            log: list[str] = []
            warmers = [warmer(one, {kind: Table(keys, log) for kind, keys in ALL.items()}) for one in three]
            for each in warmers:
                each.start()
            await eventually("all rounds have ended", lambda: sum(_last(one) for one in three) == 4)

            assert log[:2] == ALL["market-data"]
            assert log[-1] == "sentiment:BTC"
            assert sorted(log) == sorted(key for keys in ALL.values() for key in keys)
            assert sum(each._lease.held for each in warmers) == 1
            assert (await three[1].get("market-data:ETH")).data == {"of": "market-data:ETH"}
            leader = next(index for index, each in enumerate(warmers) if each._lease.held)
            assert counted(three[leader], cache.WARMED, "market-data", "warmed") == 2
            # The lease passes on; what is young is not loaded again.
            await warmers[leader].close()
            others = [each for index, each in enumerate(warmers) if index != leader]
            await eventually("another has it", lambda: any(each._lease.held for each in others))
            heir = three[next(index for index, each in enumerate(warmers) if each._lease.held)]
            await eventually("it has looked", lambda: counted(heir, cache.WARMED, "sentiment", "fresh") == 1)
            assert len(log) == 5
            for each in others:
                await each.close()

    run(work)


def _last(one: Cache) -> int:
    return sum(1 for metric, _, _ in one.samples() if metric is cache.WARM_LAST)


def test_on_demand_comes_before_the_schedule_and_tells_each_keys_result(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            log: list[str] = []
            gate = asyncio.Event()
            sources = {kind: Table(keys, log, gate) for kind, keys in ALL.items()}
            each = warmer(one, sources)
            each.start()
            await eventually("the first is under way", lambda: bool(log))
            demanded = asyncio.create_task(each.warm(["sentiment:BTC", "sentiment:DOGE", "sentiment:BTC"]))
            await asyncio.sleep(0)
            gate.set()

            assert await demanded == {"sentiment:BTC": "warmed", "sentiment:DOGE": "absent"}
            assert log[2:4] == ["sentiment:BTC", "sentiment:DOGE"]
            sources["sentiment"].broken = True
            assert await each.warm(["sentiment:BTC"]) == {"sentiment:BTC": "failed"}
            with pytest.raises(ValueError, match="weather:BTC"):
                await each.warm(["market-data:BTC", "weather:BTC"])
            await each.close()

    run(work)


def test_no_more_batches_than_allowed_run_at_once(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            running = most = 0

            class Slow(Table):
                async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
                    nonlocal running, most
                    running += 1
                    most = max(most, running)
                    await asyncio.sleep(0.01)
                    running -= 1
                    return await super().load(keys)

            keys = [f"market-data:{number}" for number in range(1000)]
            each = warmer(one, {"market-data": Slow(keys, [])}, concurrency=3, enabled=False)
            each.start()
            assert set((await each.warm(keys)).values()) == {"warmed"}
            assert most == 3
            await each.close()

    run(work)


def test_without_redis_nobody_holds_the_lease_and_demand_still_fills_memory() -> None:
    async def work() -> None:
        with RedisServer() as other:
            async with caches(other) as (one,):
                each = warmer(one, {kind: Table(keys, []) for kind, keys in ALL.items()})
                each.start()
                await eventually("it leads", lambda: each._lease.held)
                other.kill()
                await eventually("it leads no more", lambda: not each._lease.held)
                assert await each.warm(["market-data:BTC"]) == {"market-data:BTC": "warmed"}
                assert (await one.get("market-data:BTC")).source == "memory"
                other.start()
                await eventually("it leads again", lambda: each._lease.held)
                await each.close()

    run(work)
