"""What the guide shows of the cache is carried out, on a real Redis; each line's result is what stands beside it."""

from __future__ import annotations

import ast
import asyncio
from typing import Any

from stream.cache.cache import Cache
from tests.guides import blocks
from tests.stream.cache.servers import RedisServer
from tests.stream.cache.test_shared import caches, run
from tests.stream.cache.test_warming import Table, warmer


async def told(code: str, names: dict[str, Any]) -> list[Any]:
    """The value of each line of a page's code, in order."""
    found = []
    for line in code.splitlines():
        value = line.partition(" = ")[2] or line
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        found.append(await eval(compile(value, "caching.md", "eval", flags), names))  # noqa: S307  # the guide's own lines
    return found


def test_the_guides_lines_do_what_they_say(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            warming = warmer(one, {"market-data": Table(["market-data:BTC"], []), "sentiment": Table(["sentiment:ETH"], [])})
            warming.start()
            try:
                empty, kept, computed, removed, warmed = await told(*shown(one, warming))
            finally:
                await warming.close()
        assert (empty.source, empty.hit) == ("none", False)
        assert kept == {"memory": True, "redis": True}
        assert computed.data == {"score": 7}
        assert removed == {"memory": 1, "redis": 1}
        assert warmed == {"market-data:BTC": "warmed", "sentiment:ETH": "warmed"}

    run(work)


def shown(one: Cache, warming: object) -> tuple[str, dict[str, Any]]:
    """The guide's code, and what its names are."""

    async def compute() -> dict[str, int]:
        await asyncio.sleep(0)
        return {"score": 7}

    (code,) = blocks("caching.md", "python")
    return code, {"cache": one, "value": {"price": "1.5"}, "compute": compute, "warmer": warming}
