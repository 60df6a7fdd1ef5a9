"""Late is not dead: a loop or a machine that is busy costs answers at most, a dead Redis five milliseconds of a caller's time."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvloop

from metrics import cache
from stream.cache.cache import Cache, Item
from stream.cache.guard import Guard, LayerError, within
from stream.cache.shared import Written
from stream.cache.tally import Tally
from tests.stream.cache.servers import RedisServer, eventually
from tests.stream.cache.test_shared import STRICT, caches, counted, kept_waiting, run

BLOCK = 0.05  # seconds, ten times a caller's limit


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_busy_loop_beside_a_healthy_redis_trips_nothing(redis: RedisServer, factory: type[asyncio.AbstractEventLoop]) -> None:
    async def work() -> None:
        async with caches(redis, 1, STRICT) as (one,):
            await one.set("kept", 1)
            answers = []
            for turns in range(20):  # before and after each step on the way to Redis and back
                one._memory.clear()
                asking = asyncio.create_task(one.get("kept"))
                for _ in range(turns // 2):
                    await asyncio.sleep(0)
                before = kept_waiting() + kept_waiting(redis.process.pid)
                time.sleep(BLOCK)  # noqa: ASYNC251  # this is what is tested
                answer, waited = await asking, kept_waiting() + kept_waiting(redis.process.pid) - before
                answers.append((answer, waited))
                await eventually("it is asked again", lambda: not one._shared.guard.open)
            assert one.degraded == []
            assert counted(one, cache.BREAKER_OPENED, "redis") == 0
            if sum(waited < 0.001 for _, waited in answers) < 5:
                pytest.skip("this machine is too busy to tell")
            late = sum(answer.source == "error" and waited < 0.001 for answer, waited in answers)
            assert late <= 1, f"{late} of {len(answers)}: other work on this machine may cost one"

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())


def test_a_redis_that_is_late_once_is_left_alone_for_that_moment_and_told_to_nobody() -> None:
    async def work() -> None:
        with RedisServer() as redis:
            async with caches(redis, 1, STRICT) as (one,):
                await one.set("kept", 1)
                one._memory.clear()
                redis.freeze()
                assert (await one.get("kept")).source == "error"
                asyncio.get_running_loop().call_later(0.02, redis.thaw)
                await eventually("it is asked again", lambda: _from_redis(one))
                assert one.degraded == []
                assert counted(one, cache.BREAKER_OPENED, "redis") == 0
                assert counted(one, cache.ERRORS, "redis", "timeout") >= 1

    run(work)


def test_who_asks_just_after_a_late_answer_waits_for_the_probe_within_the_limit() -> None:
    async def work() -> None:
        limit = 2.0
        loop = asyncio.get_running_loop()
        answers = asyncio.Event()  # what is asked; while it is not set the layer is late

        async def repair(_: tuple[str, ...]) -> None: ...

        guard = Guard(cache.REDIS, limit, Tally().instruments, answers.wait, repair)
        late = asyncio.create_task(guard.call(answers.wait))
        await eventually("it is in doubt", lambda: guard.open)
        began = loop.time()
        beside = [asyncio.create_task(guard.call(answers.wait)) for _ in range(100)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in beside), "none was refused for another one's late answer"
        answers.set()
        assert await asyncio.gather(*beside) == [True] * 100
        assert loop.time() - began < limit
        with pytest.raises(LayerError, match="timeout"):
            await late
        await guard.close()

    run(work)


def test_late_work_goes_on_is_its_own_probe_and_is_over_before_anybody_asks_again() -> None:
    async def work() -> None:
        told: list[str] = []
        arrives = asyncio.Event()

        async def late() -> None:
            await arrives.wait()
            told.append("written")

        async def probe() -> None:
            told.append("probed")

        async def repair(missed: tuple[str, ...]) -> None:
            told.append(f"repaired {missed[0]}")

        async def next_one() -> None:
            told.append("asked")

        guard = Guard(cache.REDIS, 0.004, Tally().instruments, probe, repair)
        with pytest.raises(LayerError, match="timeout"):
            await guard.call(late)
        guard.missed.add("a")
        assert guard.open
        arrives.set()
        await eventually("it is asked again", lambda: not guard.open)
        await guard.call(next_one)
        assert told == ["written", "repaired a", "asked"]
        await guard.close()

    run(work)


def test_late_work_that_never_ends_is_ended_and_a_probe_decides() -> None:
    async def work() -> None:
        told: list[str] = []
        works = False

        async def late() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                told.append("ended")

        async def probe() -> None:
            told.append("probed")
            if not works:
                raise TimeoutError

        async def repair(_: tuple[str, ...]) -> None: ...

        guard = Guard(cache.REDIS, 0.004, Tally().instruments, probe, repair)
        with pytest.raises(LayerError, match="timeout"):
            await guard.call(late)
        await eventually("it is known", lambda: guard.away)
        assert told[:2] == ["ended", "probed"]
        works = True
        await eventually("a probe succeeds", lambda: not guard.open)
        with pytest.raises(LayerError, match="timeout"):
            await guard.call(late)
        await guard.close()
        assert told[-1] == "ended"
        other = Guard(cache.REDIS, 0.004, Tally().instruments, probe, repair)
        await other.close()
        with pytest.raises(LayerError, match="timeout"):
            await other.call(late)
        assert not other.open, "who asks after the end starts no probe"

    run(work)


def test_a_write_that_is_late_without_opening_anything_is_repaired_all_the_same() -> None:
    async def work() -> None:
        repaired: list[str] = []

        async def probe() -> None: ...

        async def repair(missed: tuple[str, ...]) -> None:
            repaired.extend(missed)

        guard = Guard(cache.REDIS, 0.004, Tally().instruments, probe, repair)
        guard.miss(("a", "b"), LayerError("timeout"))
        assert guard.open
        await eventually("it is asked again", lambda: not guard.open)
        assert repaired == ["a", "b"]
        guard.miss(("c",), LayerError("refused"))
        assert not guard.open
        await guard.close()

    run(work)


def test_a_lock_that_comes_too_late_is_given_back(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 1, STRICT) as (one,):
            await one.get("warm:up")
            redis.freeze()
            try:
                with pytest.raises(LayerError):
                    await one._shared.take(one._shared.lock("a"))
            finally:
                redis.thaw()
            await eventually("it is asked again", lambda: not one._shared.guard.open)
            assert await one._shared.take(one._shared.lock("a"))

    run(work)


def test_a_fill_that_is_late_is_removed() -> None:
    async def work() -> None:
        with RedisServer() as redis:
            async with caches(redis, 1, STRICT) as (one,):
                await one.get("warm:up")
                redis.freeze()
                try:
                    with pytest.raises(LayerError):
                        await one._shared.fill(Written("a", b"old", 60_000))
                finally:
                    redis.thaw()
                await eventually("it is asked again", lambda: not one._shared.guard.open)
                assert redis.ask("EXISTS", "crypto:a") == ":0"


def test_a_fill_that_was_never_asked_removes_nothing(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 1, STRICT) as (one,):
            guard = one._shared.guard
            guard._breaker.failed(asyncio.get_running_loop().time())  # nobody probes it
            with pytest.raises(LayerError, match="open"):
                await one._shared.fill(Written("a", b"new", 60_000))
            assert not guard.missed

    run(work)

    run(work)


def test_a_connection_whose_answer_is_late_is_kept(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 1, STRICT) as (one,):
            await one.set("kept", 1)
            before = redis.info("total_connections_received")
            one._memory.clear()
            redis.freeze()
            try:
                assert (await one.get("kept")).source == "error"
            finally:
                redis.thaw()
            await eventually("it is asked again", lambda: not one._shared.guard.open)
            assert int(redis.info("total_connections_received")) == int(before) + 1, "that of this question itself"

    run(work)


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_turns_in_which_the_loop_only_works_are_not_the_layers(factory: type[asyncio.AbstractEventLoop]) -> None:
    async def turns(number: int) -> int:
        for _ in range(number):
            await asyncio.sleep(0)
        return number

    async def busy() -> None:
        while True:
            until = time.thread_time() + 0.002
            while time.thread_time() < until:
                pass
            await asyncio.sleep(0)

    async def late(number: int) -> bool:
        try:
            return await within(turns(number), 0.004) != number
        except TimeoutError:
            return True

    async def work() -> None:
        beside = asyncio.create_task(busy())
        before = kept_waiting()
        all_late = all([await late(12) for _ in range(10)])
        others = kept_waiting() - before
        assert await late(200), "a loop that always works must not wait for ever"
        beside.cancel()
        if all_late and others > 0.02:
            pytest.skip("this machine is too busy to tell")
        assert not all_late

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())


def test_after_that_nobody_waits_for_a_layer_in_doubt() -> None:
    async def work() -> None:
        never = asyncio.Event()

        async def repair(_: tuple[str, ...]) -> None: ...

        guard = Guard(cache.REDIS, 0.05, Tally().instruments, never.wait, repair)
        with pytest.raises(LayerError, match="timeout"):
            await guard.call(never.wait)
        waited = 0
        for _ in range(100):
            began = asyncio.get_running_loop().time()
            with pytest.raises(LayerError, match="open"):
                await guard.call(never.wait)
            waited += asyncio.get_running_loop().time() - began > 0.02
        assert 1 <= waited <= 8, "four limits, give or take what a busy machine does, and nothing after them"
        await guard.close()

    run(work)


def test_what_was_missed_is_repaired_in_few_steps(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            keys = [f"market-data:{number}" for number in range(1200)]
            await one.set_many([Item(key, 1) for key in keys])
            assert (await other.get(keys[7])).source == "redis"
            before = int(redis.info("total_commands_processed"))
            await one._shared._repair((*keys, "analysis:*"))
            asked = int(redis.info("total_commands_processed")) - before
            assert asked < 40, "a command for each key would take as long as more come"
            await eventually("the other one hears of it", lambda: _is_gone(other, keys[7]))
            assert redis.ask("EXISTS", *("crypto:" + key for key in keys)) == ":0"

    run(work)


async def _is_gone(one: Cache, key: str) -> bool:
    return (await one.get(key)).source == "none"


async def _from_redis(one: Cache) -> bool:
    one._memory.clear()
    return (await one.get("kept")).source == "redis"


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_limit_ends_in_time_where_the_loop_is_idle(factory: type[asyncio.AbstractEventLoop]) -> None:
    async def once() -> tuple[float, float]:
        began, before = time.perf_counter(), kept_waiting()
        with pytest.raises(TimeoutError):
            await within(asyncio.Event().wait(), 0.004)
        took = time.perf_counter() - began
        return took, took - (kept_waiting() - before)

    async def work() -> list[tuple[float, float]]:
        return [await once() for _ in range(40)]

    with asyncio.Runner(loop_factory=factory) as runner:
        took = runner.run(work())
    wall, own = (sorted(one) for one in zip(*took, strict=True))
    assert wall[0] > 0.003
    assert own[10] < 0.0065  # a quarter of them at least were not disturbed by what else runs here
