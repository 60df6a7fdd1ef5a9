"""Hears of what other processes wrote or removed, so that this one's memory holds nothing older."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from stream.cache.shared import Change
from stream.cache.tasks import ended

_LOG = logging.getLogger("watchfloor.cache")
_QUIET = 1.0  # seconds without a message, after which Redis is asked for a sign of life
_AGAIN = 0.5  # seconds before the next attempt to listen


class Coherence:
    """Listens on `channel`. `changed` is told each change of another process; `lost` that some may have been missed."""

    def __init__(
        self, redis: Redis, channel: str, origin: str, changed: Callable[[Change], None], lost: Callable[[], None]
    ) -> None:
        self._redis, self._channel, self._origin = redis, channel, origin
        self._changed, self._lost = changed, lost
        self.connected = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen."""
        self._task = asyncio.create_task(self._run(), name="cache coherence")

    async def close(self) -> None:
        """Listens no more."""
        await ended([self._task])

    async def _run(self) -> None:
        while True:
            pubsub = self._redis.pubsub()
            try:
                async with asyncio.timeout(_QUIET):
                    await pubsub.subscribe(self._channel)
                await self._listen(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                _LOG.debug("no word of other processes: %s", error)
            finally:
                self.connected = False
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(_QUIET):
                        await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(_AGAIN)

    async def _listen(self, pubsub: PubSub) -> None:
        """Until the connection ends, or two rounds of silence pass with no answer to a ping."""
        asked = False
        while True:
            async with asyncio.timeout(3 * _QUIET):  # it may connect anew meanwhile, to a server that accepts and says nothing
                message = await pubsub.get_message(timeout=_QUIET)
            if message is None:
                if asked:
                    raise TimeoutError
                async with asyncio.timeout(_QUIET):
                    await pubsub.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":
                self._lost()  # what was held before may be older than what others wrote meanwhile
                self.connected = True
            elif message["type"] == "message":
                self._heard(message["data"])

    def _heard(self, data: bytes) -> None:
        try:
            change = msgspec.msgpack.decode(data, type=Change)
        except msgspec.DecodeError:
            self._lost()  # somebody said something that is not ours: what he wrote is not known
            return
        if change.origin != self._origin:
            self._changed(change)
