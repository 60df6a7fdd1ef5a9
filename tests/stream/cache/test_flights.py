"""One piece of work per key: what is remembered of a key ends with its work."""

from __future__ import annotations

import asyncio

from stream.cache.flights import Flights


def test_word_of_a_change_is_heard_while_work_is_under_way_and_forgotten_after_it() -> None:
    asyncio.run(_changed())


async def _changed() -> None:
    flights: Flights[bool] = Flights()
    may_end = asyncio.Event()

    async def work(key: str) -> bool:
        await may_end.wait()
        return flights.spoilt(key)

    keys = [f"api:listed:true:{number}" for number in range(100)]
    flying = [flights.begin(key, lambda key=key: work(key)) for key in keys]  # type: ignore[misc]  # bound now
    for key in keys[:50]:
        flights.spoil(key)
    flights.spoil("nobody's")
    may_end.set()
    assert await asyncio.gather(*flying) == [True] * 50 + [False] * 50
    assert not any(flights.spoilt(key) for key in (*keys, "nobody's"))
    assert not flights._dirty
