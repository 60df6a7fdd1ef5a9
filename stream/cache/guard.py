"""Between a caller and a layer that may be slow or gone: a limit of time, a breaker, a probe, and a memory of what it missed.

LayerError: a layer did not do what was asked; `kind` says why (a label of `cache_errors_total`, or "open")
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

import aiohttp
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from metrics import cache
from metrics.instruments import Instruments
from stream.cache.breaker import Breaker
from stream.cache.tasks import ended

T = TypeVar("T")
MAY_BE_DONE = frozenset({"timeout", "connection"})  # kinds of failure after which a layer may do what was asked all the same
_LOG = logging.getLogger("watchfloor.cache")
_TURNS = 4  # of the loop: from a socket that is readable to the task that waits for what came
_MOST_MISSED = 1000
_REPAIR_SECONDS = 10.0
_STEPS = 4  # in which a limit is waited for
_LEAST = 4  # steps of a loop that does nothing but work count as one
_TIMER = 0.001  # seconds by which the loop's timer rings late
_BENEFIT = 4  # limits after a late answer in which callers wait for the probe: it is back within one or two, most times
_DOUBT = 0.25  # seconds that a probe may take at least: nobody waits for it, and a busy machine is no dead layer


class LayerError(Exception):
    """A layer did not do what was asked."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


async def within(work: Awaitable[T], limit: float, late: Callable[[asyncio.Task[T]], bool] = lambda _: False) -> T:
    """The result of `work`, which may take `limit` seconds of the loop's attention. Raises TimeoutError.

    Work that is late is cancelled, unless `late` takes it over.

    A loop that was busy did not listen meanwhile: of each wait only what was asked for counts, and a millisecond, by which the
    loop's timer may ring late. After the last one what has arrived gets its chance, so that nobody is called late who was not.
    """
    task, taken = cast("asyncio.Task[T]", asyncio.ensure_future(work)), False  # of a coroutine it makes a task
    try:
        left, step = limit, limit / _STEPS
        while left > 0 and not task.done():
            began, worked = time.monotonic(), time.thread_time()  # the loop's own clock may stand still within a turn
            await asyncio.wait((task,), timeout=min(left, step))
            idle = time.monotonic() - began - (time.thread_time() - worked)
            left -= min(max(idle, step / _LEAST), step + _TIMER)
        for _ in range(_TURNS):
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        taken = late(task)
        raise TimeoutError
    finally:
        task.add_done_callback(_forget)
        if not taken:
            task.cancel()


def _forget(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


def kind_of(error: BaseException) -> str:
    """The kind of a layer's failure, as the metric calls it."""
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return "timeout"
    if isinstance(error, OSError | RedisConnectionError | aiohttp.ClientConnectionError):
        return "connection"
    return "refused" if isinstance(error, RedisError | aiohttp.ClientError) else "other"


class Missed:
    """Patterns whose values a layer should have dropped while it could not; beyond a number: everything."""

    def __init__(self) -> None:
        self._patterns: set[str] = set()

    def add(self, pattern: str) -> None:
        """One more."""
        if len(self._patterns) < _MOST_MISSED:
            self._patterns.add(pattern)
        else:
            self._patterns = {"*"}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._patterns)

    def take(self) -> tuple[str, ...]:
        """All of them, which are then forgotten."""
        taken, self._patterns = tuple(sorted(self._patterns)), set()
        return ("*",) if "*" in taken else taken


class Guard:
    """Calls one layer. `probe` asks whether it works again; `repair` makes it drop what it missed, before anybody asks it."""

    def __init__(
        self,
        layer: str,
        limit: float,
        counts: Instruments,
        probe: Callable[[], Awaitable[object]],
        repair: Callable[[tuple[str, ...]], Awaitable[object]],
    ) -> None:
        self.layer, self.limit, self.missed = layer, limit, Missed()
        self._counts, self._probe, self._repair = counts, probe, repair
        self._breaker = Breaker()
        self._probing: asyncio.Task[None] | None = None
        self._doubt_ends = float("-inf")
        self._late: set[asyncio.Task[Any]] = set()  # whose callers have gone; none is left when callers come again
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether callers leave it alone now."""
        return self._breaker.open

    @property
    def away(self) -> bool:
        """Whether it is known not to work: a single late answer, whose cause may be a busy machine, is not enough."""
        return self._breaker.away

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns. Raises LayerError: at once while the breaker is open, else within the limit.

        Who comes just after a late answer waits for the probe first, for a limit at most, and asks only if that succeeded.
        """
        began = asyncio.get_running_loop().time()
        if self._breaker.open:
            await self._doubt()  # should the call be late all the same, it opens nothing: it began before the probe succeeded
            if self._breaker.open:
                raise LayerError("open")

        def late(task: asyncio.Task[T]) -> bool:
            self._fail(TimeoutError(), began)
            goes_on = self._breaker.open and not self._closed
            if goes_on:
                self._late.add(task)
            return goes_on

        try:
            result = await within(work(), self.limit, late)
        except Exception as error:
            kind = kind_of(error)
            self.count(kind)
            if kind in MAY_BE_DONE or isinstance(error, aiohttp.ClientResponseError):
                self._fail(error, began)
            elif kind == "other":
                _LOG.exception("%s: a defect of the cache", self.layer, extra={"event": "cache_layer", "layer": self.layer})
            raise LayerError(kind) from error
        self._breaker.worked()
        return result

    async def _doubt(self) -> None:
        """Waits for the probe of a layer that is merely late, for a limit at most."""
        left = self._doubt_ends - time.monotonic()
        if self._probing and not self.away and left > 0:
            with contextlib.suppress(TimeoutError):
                await within(asyncio.wait((self._probing,)), min(self.limit, left))

    def miss(self, patterns: Iterable[str], error: LayerError) -> None:
        """Remembers what the layer may not have dropped or replaced: it drops that before it is asked again."""
        for pattern in patterns:
            self.missed.add(pattern)
        if error.kind in MAY_BE_DONE:
            self._fail(TimeoutError(), asyncio.get_running_loop().time())  # also where the call itself was too old to open it

    def count(self, kind: str) -> None:
        """Counts a failure."""
        self._counts.inc(cache.ERRORS, self.layer, kind)

    def _fail(self, error: Exception, began: float) -> None:
        if self._closed or not self._breaker.failed(asyncio.get_running_loop().time(), began):
            return
        self._doubt_ends = time.monotonic() + _BENEFIT * self.limit
        if kind_of(error) != "timeout":
            self._prove(error)
        self._probing = asyncio.create_task(self._until_it_answers(), name=f"probe {self.layer}")

    def _prove(self, error: Exception) -> None:
        if not self._breaker.proven():
            return
        self._counts.inc(cache.BREAKER_OPENED, self.layer)
        _LOG.warning(
            "%s does not answer: left alone until it does (%s)", self.layer, str(error) or type(error).__name__,
            extra={"event": "cache_layer_down", "layer": self.layer},
        )  # fmt: skip

    async def _until_it_answers(self) -> None:
        while True:
            await asyncio.sleep(self._breaker.wait())
            try:
                await self._answers()
                while self._late or self.missed:  # more may come while these are repaired
                    if self._late:
                        await self._answers()
                    if missed := self.missed.take():
                        await self._mend(missed)
            except Exception as error:  # noqa: BLE001  # a task's edge: whatever it is, the layer does not work yet
                _LOG.debug("%s: %s", self.layer, error)
                self._prove(error)
                continue
            was_away = self.away
            self._breaker.answered(asyncio.get_running_loop().time())
            if was_away:
                _LOG.info("%s answers again", self.layer, extra={"event": "cache_layer_up", "layer": self.layer})
            return

    @property
    def _patience(self) -> float:
        return max(_DOUBT, 2 * self.limit)

    async def _answers(self) -> None:
        """Returns when the layer works: late work has been done, or a probe succeeds; where it was away, a probe must."""
        if not await self._arrived() or self.away:
            await within(self._probe(), self._patience)

    async def _arrived(self) -> bool:
        """Whether there was work that was late, and all of it has been done since, in the time of a probe.

        What has not is ended: none is under way any more that could undo a repair, or come after a later caller's.
        """
        if not self._late:
            return False
        late = set(self._late)
        with contextlib.suppress(TimeoutError):
            await within(asyncio.wait(late), self._patience)
        await ended(late)
        self._late -= late
        return all(not task.cancelled() and task.exception() is None for task in late)

    async def _mend(self, missed: tuple[str, ...]) -> None:
        try:
            await within(self._repair(missed), _REPAIR_SECONDS)
        except BaseException:
            for pattern in missed:
                self.missed.add(pattern)
            raise

    async def close(self) -> None:
        """Probes no more, and waits for nothing that is late."""
        self._closed = True
        await ended([self._probing])
        await ended(self._late)
        self._late.clear()
