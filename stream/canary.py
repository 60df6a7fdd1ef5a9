"""The room `canary`: one stamped message a second, whatever the sources do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from stream.fanout import now_ms
from stream.messages import CANARY, Update

SYMBOL = "CANARY"


async def beat(publish: Callable[[Update], bool], every: float = 1.0) -> None:
    """Publishes a message each `every` seconds, without drift, until cancelled."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for count in itertools.count(1):
        now = now_ms()
        publish(Update(CANARY, SYMBOL, {"symbol": SYMBOL, "count": count, "sentAt": now}, now))
        await asyncio.sleep(max(0.0, start + count * every - loop.time()))
