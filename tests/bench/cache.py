"""The cache on a real Redis and Varnish: how long layers take, what a hot-key mix finds, what a dead Redis costs.

python -m tests.bench.cache [--questions 50000] [--rounds 5]

Times are wall-clock in one process on one event loop, Redis and Varnish on the same machine. Each figure is the median of rounds
with its 95 % bootstrap interval; `cachetools` and a bare redis-py GET stand beside ours in alternated pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import uvloop
from aiohttp import web
from cachetools import TTLCache

from metrics import cache as declared
from settings.cache import Cache as Settings
from settings.cache import RedisLayer, Warming
from stream.cache import origin
from stream.cache.cache import Cache
from stream.cache.kinds import MARKET_DATA, key
from stream.cache.tally import Tally
from stream.cache.varnish import Varnish
from stream.cache.warming import Warmer
from tests.bench.stats import bootstrap, ratios
from tests.stream.cache.servers import SECRET, RedisServer, VarnishServer, eventually
from tests.waiting import free_ports

_KEYS, _EXPONENT = 10_000, 1.1
_VALUE = {"symbol": "BTC", "price": "61234.5", "note": "x" * 900}
_PATIENT = Settings(redis=RedisLayer(timeout="1s"))


async def _each(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    return sorted(took)


def _p(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


async def memory(one: Cache, rounds: int) -> None:
    """A memory hit, layer alone and whole cache, beside cachetools' TTLCache."""
    await one.set("hot:key", _VALUE)
    layer, now = one._memory, time.monotonic()
    other: TTLCache[str, object] = TTLCache(1000, 60)
    other["hot:key"] = _VALUE
    times = 100_000

    def timed(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - began) / times * 1e6

    pairs = [(timed(lambda: layer.get("hot:key", now)), timed(lambda: other.get("hot:key"))) for _ in range(rounds)]
    whole = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            await one.get("hot:key")
        whole.append((time.perf_counter() - began) / times * 1e6)
    print(f"memory: layer get       {bootstrap([ours for ours, _ in pairs])} µs (at most 2)")
    print(f"memory: cachetools get  {bootstrap([theirs for _, theirs in pairs])} µs; ours ÷ theirs {ratios(pairs)}")
    print(f"memory: Cache.get       {bootstrap(whole)} µs, with metrics")


async def shared(one: Cache, rounds: int) -> None:
    """A Redis hit through the whole cache, beside a bare GET by the same client."""
    await one.set("hot:key", _VALUE)

    async def ours() -> None:
        one._memory.clear()
        assert (await one.get("hot:key")).source == "redis"

    async def bare() -> None:
        assert await one._shared.redis.get("crypto:hot:key")

    medians, tails, pairs = [], [], []
    for _ in range(rounds):
        mine, theirs = await _each(ours, 2000), await _each(bare, 2000)
        medians.append(_p(mine, 0.5) * 1e6)
        tails.append(_p(mine, 0.99) * 1e6)
        pairs.append((_p(mine, 0.5), _p(theirs, 0.5)))
    print(f"Redis: get p50 {bootstrap(medians)} µs (at most 1,000), p99 {bootstrap(tails)} µs; ÷ bare GET {ratios(pairs)}")


def _mix(questions: int) -> list[str]:
    """Keys as they are asked for: Zipf 1.1 over 10,000."""
    chance = random.Random(1)  # noqa: S311  # a mix, no secret
    weights = list(accumulate(1 / rank**_EXPONENT for rank in range(1, _KEYS + 1)))
    return [key(MARKET_DATA, str(number)) for number in chance.choices(range(_KEYS), cum_weights=weights, k=questions)]


async def _load() -> object:
    return _VALUE


class _Stored:
    """Where the warmer finds all values, as it does in the data store."""

    async def keys(self) -> Sequence[str]:
        return [key(MARKET_DATA, str(number)) for number in range(_KEYS)]

    async def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        return dict.fromkeys(keys, _VALUE)


async def _ask(one: Cache, keys: Sequence[str]) -> tuple[float, float, float]:
    """Hit ratio of all layers, of memory alone, and questions a second."""
    before, began = one.statistics(), time.perf_counter()
    for start in range(0, len(keys), 50):
        await asyncio.gather(*(one.load(key, _load, 300) for key in keys[start : start + 50]))
    took, after = time.perf_counter() - began, one.statistics()
    asked, hits = after.requests - before.requests, after.hits - before.hits
    return hits / asked, (after.layers["memory"].hits - before.layers["memory"].hits) / asked, len(keys) / took


def _warmed(one: Cache) -> bool:
    return any(sample[0] is declared.WARM_LAST and sample[1] == (MARKET_DATA.name,) and sample[2] for sample in one.samples())


async def hot_keys(one: Cache, redis: RedisServer, questions: int) -> None:
    """From an empty cache, where each key's first question is a miss whatever the cache does; and after a round of the warmer."""
    keys = _mix(questions)
    ratio, _, _ = await _ask(one, keys)
    most = 1 - len(set(keys)) / len(keys)
    print(
        f"Zipf {_EXPONENT}, {_KEYS:,} keys, {questions:,} questions, from nothing: hit ratio {ratio:.4f}; no cache can find more "
        f"than {most:.4f} of them ({len(set(keys)):,} keys, each asked for a first time)"
    )
    redis.ask("FLUSHALL")
    one._memory.clear()
    warmer = Warmer(one, {MARKET_DATA.name: _Stored()}, one.lease("warming"), Warming())
    began = time.perf_counter()
    warmer.start()
    await eventually("a round of the warmer", lambda: _warmed(one), 60)
    took = time.perf_counter() - began
    await warmer.close()
    ratio, memory_ratio, rate = await _ask(one, keys)
    print(
        f"  after a round of the warmer ({took:.1f} s): hit ratio {ratio:.4f} (more than 0.95), memory alone, with its 1,000 "
        f"values, {memory_ratio:.4f}; {rate:,.0f} questions/s"
    )


async def coalesced(one: Cache) -> None:
    """1,000 callers that miss one key."""
    loads = 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.05)
        return 1

    await asyncio.gather(*(one.load("missed:key", load, 60) for _ in range(1000)))
    print(f"1,000 concurrent misses of one key: {loads} load (1)")


async def edge(redis: RedisServer, rounds: int) -> None:
    """A hit and a miss at the edge, and a write through all layers."""
    port = free_ports(1)[0]
    with VarnishServer(port) as varnish:
        tally = Tally()
        layer = Varnish(varnish.url, SECRET, 3600, 1.0, tally.instruments)
        async with Cache(_PATIENT, redis.address, layer, tally) as one:
            app = web.Application()
            app.router.add_get(origin.ROUTE, origin.handler(one, SECRET))
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            await one.set("hot:key", _VALUE)
            hit = [_p(await _each(lambda: layer.get("hot:key"), 500), 0.5) * 1e3 for _ in range(rounds)]
            miss = [_p(await _each(lambda: layer.get("no:key"), 500), 0.5) * 1e3 for _ in range(rounds)]
            write = [_p(await _each(lambda: one.set("hot:key", _VALUE), 100), 0.5) * 1e3 for _ in range(rounds)]
            print(
                f"edge: hit p50 {bootstrap(hit)} ms, miss p50 {bootstrap(miss)} ms, set through all layers {bootstrap(write)} ms"
            )
            await runner.cleanup()


async def dead(how: str, rounds: int) -> None:
    """What the first caller and those after it lose when Redis is frozen or gone; 5 ms is the limit of the settings."""
    first, rest, back = [], [], []
    for _ in range(rounds):
        with RedisServer() as redis:
            async with Cache(Settings(), redis.address) as one:
                await eventually("it listens", lambda one=one: one.coherent)  # type: ignore[misc]
                await one.get("warm:up")
                getattr(redis, how)()
                first.append((await _each(lambda one=one: one.get("some:key"), 1))[0] * 1e3)  # type: ignore[misc]
                rest.append(statistics.median(await _each(lambda one=one: one.get("other:key"), 500)) * 1e3)  # type: ignore[misc]
                redis.thaw() if how == "freeze" else redis.start()
                began = time.perf_counter()
                await eventually("it is found", lambda one=one: not one._shared.guard.open)  # type: ignore[misc]
                back.append(time.perf_counter() - began)
    print(f"Redis {how}: first caller {bootstrap(first)} ms (at most 5), the worst {max(first):.2f} ms")
    print(f"  each after it {bootstrap(rest)} ms; found again after {bootstrap(back)} s")


async def _all(questions: int, rounds: int) -> None:
    with RedisServer(maxmemory="256mb") as redis:
        async with Cache(_PATIENT, redis.address) as one:
            await memory(one, rounds)
            await shared(one, rounds)
            await coalesced(one)
            redis.ask("FLUSHALL")
            await hot_keys(one, redis, questions)
        await edge(redis, rounds)
    for how in ("freeze", "kill"):
        await dead(how, rounds)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    uvloop.run(_all(arguments.questions, arguments.rounds))


if __name__ == "__main__":
    main()
