"""The cache's test: a process of the workload with a thousand callers, on the appliance's own Redis and edge.

The design's mix throws everything away ten times in a hundred, so that a hit ratio of it says nothing. That of hot keys is asked
for afterwards: a Zipf mix over keys that the warmer would have loaded.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from itertools import accumulate

from metrics.durations import seconds
from stream.cache.build import build_cache
from stream.cache.cache import Cache, Item
from stream.cache.layer import EdgeWrite
from stream.loop import ended
from tests.load.api import drawn
from tests.load.pace import pace
from tests.load.place import Place
from tests.load.recorder import Recorder
from tests.load.shapes import LoadTest

KEYS, HOT, EXPONENT = 1000, 10_000, 1.1
_QUESTIONS = 100_000
_BATCH, _TRIES = 100, 20


def value() -> bytes:
    """A kilobyte that does not compress."""
    return os.urandom(1024)


async def _do(one: Cache, kind: str, key: str, due: float, recorder: Recorder) -> None:
    try:
        good = True
        if kind == "get":
            good = (await one.get(key)).source != "error"
        elif kind == "set":
            good = all((await one.set(key, value(), 300)).values())
        else:
            removed = await one.invalidate(key if kind == "delete" else "market-data:*")
            good = -1 not in removed.values()
    except (OSError, ValueError, TimeoutError) as error:
        recorder.failure(type(error).__name__)
        return
    if good:
        recorder.answered(kind, time.perf_counter() - due)
    else:
        recorder.failure(f"{kind}: a layer failed")


async def run(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """The mix at its rate, then the hot keys."""
    chance = random.Random(1)  # noqa: S311  # a mix, no secret
    kinds = drawn(test, chance)
    tasks: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    async with build_cache(place.site, place.paths) as one:

        def fire(_: int, due: float) -> None:
            recorder.sent()
            task = loop.create_task(_do(one, next(kinds), f"market-data:load-{chance.randrange(KEYS)}", due, recorder))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        try:
            await pace(test.shape, fire, recorder.paced)
            if tasks:
                await asyncio.wait(tasks, timeout=10)
        finally:
            recorder.stop()
            await ended(list(tasks))
        recorder.hit_ratio = await _hot(one, seconds(place.site.cache.redis.ttl), round(_QUESTIONS * min(1, test.users / 1000)))


async def _hot(one: Cache, ttl: float, questions: int) -> float:
    """The share of questions that the cache answered, of a Zipf mix over keys that were loaded before."""
    items = [Item(f"market-data:hot-{number}", value(), ttl) for number in range(HOT)]
    for start in range(0, HOT, _BATCH):
        for _ in range(_TRIES):
            if (await one.set_many(items[start : start + _BATCH], EdgeWrite.DROP))["redis"]:
                break
            await asyncio.sleep(0.2)  # Redis is left alone for a while when it was late
    chance = random.Random(2)  # noqa: S311  # a mix, no secret
    weights = list(accumulate(1 / rank**EXPONENT for rank in range(1, HOT + 1)))
    keys = [items[number].key for number in chance.choices(range(HOT), cum_weights=weights, k=questions)]
    hits = 0
    for start in range(0, len(keys), 50):
        found = await asyncio.gather(*(one.get(key) for key in keys[start : start + 50]))
        hits += sum(answer.hit for answer in found)
    return hits / len(keys)
