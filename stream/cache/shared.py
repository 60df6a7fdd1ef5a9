"""Layer 2: Redis, shared by all processes. Questions of the same moment travel as one MGET; writes tell the other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import LockError

from metrics import cache
from metrics.instruments import Instruments
from stream.cache.guard import MAY_BE_DONE, Guard, LayerError, within
from stream.cache.keys import is_wild
from stream.cache.tasks import bounded, ended

_BATCH = 64  # keys of one command
_SCAN = 500  # keys that one SCAN looks at
_OWN = "@"  # begins what is ours in Redis and no value: no key may
_CONNECTIONS = 16
_SHARE = 0.8  # of a caller's limit: the loop's timer rings up to a millisecond late
_CONNECT_SECONDS = 1.0
_DISCONNECT_SECONDS = 0.5
LOCK_SECONDS = 5.0  # a loader that takes longer may be joined by another process's


@dataclass(frozen=True)
class RedisAddress:
    """Which Redis, and what keys there begin with."""

    host: str
    port: int
    password: str = ""
    db: int = 0
    prefix: str = "crypto:"
    user: str = ""  # empty: the default one


class Written(NamedTuple):
    """One value on its way to Redis: its bytes, and for how many milliseconds they are kept."""

    key: str
    data: bytes
    milliseconds: int


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What one process tells the others: who it is, which keys it wrote or removed, which pattern it removed."""

    origin: str
    keys: tuple[str, ...] = ()
    pattern: str = ""


def client(address: RedisAddress) -> Redis:
    """A client that never tries twice: that is the guard's to decide."""
    pool = BlockingConnectionPool(
        host=address.host, port=address.port, username=address.user or None, password=address.password or None, db=address.db,
        max_connections=_CONNECTIONS, timeout=None, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_CONNECT_SECONDS,
        health_check_interval=0,
        driver_info=None,  # a user of few rights may not tell its version
    )  # fmt: skip
    return Redis(connection_pool=pool)


class Shared:
    """The values in one Redis. Every method raises LayerError when Redis does not do it in time."""

    def __init__(self, address: RedisAddress, limit: float, counts: Instruments, origin: str) -> None:
        self.redis = client(address)
        self.channel = f"{address.prefix}{_OWN}changes"
        self.guard = Guard(cache.REDIS, limit * _SHARE, counts, self._ping, self._repair)
        self._prefix, self._origin = address.prefix, origin
        self._asked: dict[str, asyncio.Future[bytes | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    # -- reading -----------------------------------------------------------------------------------------------------
    async def get(self, key: str) -> bytes | None:
        """The bytes of a key; None if it has none."""
        if self._closed:
            raise LayerError("closed")
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(), name="cache questions")
        return await asyncio.shield(future)  # others may wait for it too

    async def _ask(self) -> None:
        """Asks for all that is wanted, one command after the other: the more callers, the more keys each carries."""
        waiting: list[asyncio.Future[bytes | None]] = []
        try:
            while self._asked:
                keys = list(self._asked)[:_BATCH]
                waiting = [self._asked.pop(key) for key in keys]
                try:
                    values = await self.guard.call(partial(self._read, keys))
                except LayerError as error:
                    for future in waiting:
                        _fail(future, error)
                    continue
                for future, value in zip(waiting, values, strict=True):
                    if not future.done():
                        future.set_result(value)
        finally:
            self._asking = None
            for future in (*waiting, *self._asked.values()):  # it was ended: nobody may wait for what will never come
                _fail(future, LayerError("closed"))
            self._asked.clear()

    async def _read(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", await self.redis.mget([self._prefix + key for key in keys]))

    # -- writing -----------------------------------------------------------------------------------------------------
    async def set(self, values: Sequence[Written]) -> None:
        """Writes all values, or none that a reader would see for certain: what failed is removed when Redis is back."""
        for start in range(0, len(values), _BATCH):
            some = values[start : start + _BATCH]
            try:
                await self.guard.call(partial(self._write, some))
            except LayerError as error:
                self.guard.miss((value.key for value in values[start:]), error)
                raise

    async def fill(self, value: Written) -> None:
        """Writes a value that came from a layer below, unless there is one already, which is newer."""
        name = self._prefix + value.key
        try:
            await self.guard.call(partial(self.redis.set, name, value.data, px=value.milliseconds, nx=True))
        except LayerError as error:
            if error.kind in MAY_BE_DONE:  # and that after somebody has removed the key; what was never asked is no loss
                self.guard.miss((value.key,), error)
            raise

    async def _write(self, values: Sequence[Written]) -> None:
        change = Change(self._origin, tuple(value.key for value in values))
        async with self.redis.pipeline(transaction=True) as pipe:
            for value in values:
                pipe.set(self._prefix + value.key, value.data, px=value.milliseconds)
            pipe.publish(self.channel, msgspec.msgpack.encode(change))
            await pipe.execute()

    async def remove(self, pattern: str) -> int:
        """Removes the keys of a pattern, or one key, and tells the others; returns how many there were."""
        try:
            removed = await self._remove(pattern)
            await self.guard.call(lambda: self._tell(pattern))
        except LayerError as error:
            self.guard.miss((pattern,), error)
            raise
        return removed

    async def _remove(self, pattern: str) -> int:
        if not is_wild(pattern):
            return await self.guard.call(lambda: self._unlink([self._prefix + pattern]))
        removed, cursor = 0, 0
        while True:
            cursor, names = await self.guard.call(partial(self._scan, pattern, cursor))
            if names:
                removed += await self.guard.call(partial(self._unlink, names))
            if not cursor:
                return removed

    async def _scan(self, pattern: str, cursor: int) -> tuple[int, list[bytes]]:
        """One step through the keys of a pattern, without those that are no values."""
        after, names = await self.redis.scan(cursor, match=self._prefix + pattern, count=_SCAN)
        own = (self._prefix + _OWN).encode()
        return after, [name for name in cast("list[bytes]", names) if not name.startswith(own)]

    async def discard(self, key: str) -> None:
        """Removes what is no value, and tells nobody: nobody can have taken it for one."""
        await self.guard.call(lambda: self._unlink([self._prefix + key]))

    async def _unlink(self, names: Iterable[str | bytes]) -> int:
        return int(await self.redis.unlink(*names))

    async def _tell(self, pattern: str) -> None:
        await self.redis.publish(self.channel, msgspec.msgpack.encode(Change(self._origin, pattern=pattern)))

    # -- one loader of many processes --------------------------------------------------------------------------------
    def lock(self, key: str, seconds: float = LOCK_SECONDS) -> Lock:
        """The lock of a key; it lapses after so many seconds."""
        name = f"{self._prefix}{_OWN}lock:{key}"
        return Lock(self.redis, name, timeout=seconds, blocking=False, thread_local=False)

    async def take(self, lock: Lock, token: str | None = None) -> bool:
        """Whether the lock is now ours; by `token`, if there is one, `owns` knows it again.

        One without a token that comes when its caller has gone is given back.
        """
        gone = False

        async def acquire() -> bool:
            mine = bool(await lock.acquire(blocking=False, token=token))
            if mine and gone and token is None:
                await _release(lock)
            return mine

        try:
            return await self.guard.call(acquire)
        except LayerError:
            gone = True
            raise

    async def owns(self, lock: Lock, token: str) -> bool:
        """Whether the lock is that token's: it may have been taken without an answer that came in time."""
        lock.local.token = token.encode()
        return await self.guard.call(lock.owned)

    async def give(self, lock: Lock) -> None:
        """Gives a lock back, unless it has lapsed meanwhile."""
        await self.guard.call(lambda: _release(lock))

    # -- life --------------------------------------------------------------------------------------------------------
    async def settle(self, seconds: float) -> None:
        """Gives a first connection more time than a caller gets. Raises TimeoutError, OSError or RedisError."""
        await within(self._ping(), seconds)

    async def _ping(self) -> None:
        if self.guard.away:  # whatever idle connections there are may be those of a server that has gone since
            await self.redis.connection_pool.disconnect(inuse_connections=False)
        await self.redis.ping()

    async def _repair(self, missed: tuple[str, ...]) -> None:
        """Removes what could not be removed or replaced while Redis was away. It is still left alone by callers."""
        keys = [key for key in missed if not is_wild(key)]
        for start in range(0, len(keys), _SCAN):
            await self._unwrite(keys[start : start + _SCAN])
        for pattern in filter(is_wild, missed):
            cursor, names = await self._scan(pattern, 0)
            while names or cursor:
                await self._unlink(names) if names else None
                cursor, names = await self._scan(pattern, cursor) if cursor else (0, [])
            await self._tell(pattern)

    async def _unwrite(self, keys: Sequence[str]) -> None:
        """Removes keys and tells the others, in one step: callers wait for this."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.unlink(*(self._prefix + key for key in keys))
            pipe.publish(self.channel, msgspec.msgpack.encode(Change(self._origin, tuple(keys))))
            await pipe.execute()

    async def close(self) -> None:
        """Ends connections and probes. Who still asks is told that the layer is closed."""
        self._closed = True
        await self.guard.close()
        await ended([self._asking])
        # It waits for each connection until what was written to it has left; a server that reads nothing never takes it.
        await bounded(self.redis.connection_pool.disconnect(), _DISCONNECT_SECONDS, "leaving Redis")


async def _release(lock: Lock) -> None:
    try:
        await lock.release()
    except LockError:  # lapsed: the loader took longer than the lock lasts
        return


def _fail(future: asyncio.Future[Any], error: LayerError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # retrieved: a caller that has gone leaves no complaint behind
