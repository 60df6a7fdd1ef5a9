"""The connection to the bus: whether it answers, and whether it is still the Redis that it was.

redis.RedisError, OSError          what its calls raise while it is away
└── stream.bus.link.ReplacedError  it is another one than before, or was emptied
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from metrics import bus
from metrics.instruments import Instruments
from stream.bus import scripts
from stream.bus.entries import NOWHERE, Position

AWAY = (RedisError, OSError)  # what a call raises when the bus does not answer, or not as it should; TimeoutError is an OSError
BLOCK_MS = 500  # how long a reader waits for entries in one call
_ANSWER = 2.0  # seconds within which Redis answers, beyond what it was asked to wait
_LOG = logging.getLogger("watchfloor.stream.bus")


class ReplacedError(RedisError):
    """The data of this Redis is not that of before."""


@dataclass(frozen=True)
class Address:
    """Where the bus is, and who asks; `url` without user and password."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)

    def client(self) -> Redis:
        """A client of its own; it repeats nothing by itself, and gives entries as Redis sends them."""
        client = Redis.from_url(
            self.url, username=self.username or None, password=self.password or None, protocol=2, retry=Retry(NoBackoff(), 0),
            socket_timeout=BLOCK_MS / 1000 + _ANSWER, socket_connect_timeout=_ANSWER, client_name="watchfloor-stream",
            driver_info=None,  # Redis would be told its version by a command that a user of few rights may not run
        )  # fmt: skip
        for command in ("XREAD", "XRANGE"):
            client.set_response_callback(command, _plain)
        return client


def _plain(response: Any, **_: Any) -> Any:
    return response


@dataclass
class Place:
    """How far a room was read: where, and the last entry's value, by which it is known again."""

    here: Position = NOWHERE
    value: bytes = b""


class Link:
    """One instance's connection. `places` are the rooms, and how far the caller has read them."""

    def __init__(self, address: Address, places: Mapping[str, Place], counts: Instruments) -> None:
        self.address, self._places, self._counts = address, places, counts
        self.client = address.client()
        self.dataset = ""
        self.targets: dict[str, Position] = {}  # how far each room was when the connection was made
        self.why = "has not been reached yet"
        self._run = ""
        self._since = time.monotonic()
        self._up = asyncio.Event()
        self._hashes: dict[str, str] = {}

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self._up.is_set()

    @property
    def trouble(self) -> str:
        """What is wrong, in words; empty while it answers."""
        return "" if self.up else f"bus {self.address.url} {self.why}, for {time.monotonic() - self._since:.0f} s"

    async def ready(self) -> None:
        """Waits until it answers."""
        await self._up.wait()

    def lost(self, error: BaseException) -> None:
        """A call has failed: nobody asks again before `open` has succeeded."""
        self.why = f"does not answer ({str(error) or type(error).__name__})"
        if self.up:
            self._up.clear()
            self._since = time.monotonic()
            _LOG.warning("bus lost: %s", self.why, extra={"event": "bus_lost", "reason": self.why})

    async def open(self) -> None:
        """Connects, and sees whether the numbering of before can go on. Raises one of AWAY when it cannot be reached.

        Where data is another one than before, places go back to the beginning; where entries are missing, a new numbering begins.
        """
        await self.client.connection_pool.disconnect(inuse_connections=False)
        run = str((await self.client.info("server"))["run_id"])
        self._hashes = {}
        keys = [key for room in self._places for key in (scripts.state(room), scripts.entries(room))]
        least = [place.here.generation + 1 for place in self._places.values()]
        found = await self.run(scripts.OPEN, [scripts.DATASET, *keys], [secrets.token_hex(6), *least])
        dataset = found[0].decode()
        self.targets = {
            room: Position(int(found[1 + 2 * index]), int(found[2 + 2 * index])) for index, room in enumerate(self._places)
        }
        if self.dataset and dataset != self.dataset:
            self._counts.inc(bus.BROKEN, "replaced")
            for place in self._places.values():
                place.here, place.value = NOWHERE, b""
        self.dataset = dataset
        if self._run and run != self._run:
            for room, place in self._places.items():
                if await self._lacks(room, place):
                    await self.renew(room, place.here.generation, "lost")
        self._run = run
        self._counts.inc(bus.CONNECTS)
        self._up.set()
        _LOG.info("bus reached: %s", self.address.url, extra={"event": "bus_reached"})

    async def _lacks(self, room: str, place: Place) -> bool:
        """Whether a Redis that was started again lacks what was read from it, or has something else in its place."""
        now = self.targets[room]
        if place.here == NOWHERE or now.generation > place.here.generation:
            return False
        if now < place.here:
            return True
        found = await self.command("XRANGE", scripts.entries(room), str(place.here), str(place.here))
        return not found or found[0][1][1] != place.value

    async def renew(self, room: str, generation: int, reason: str) -> None:
        """Ends a numbering that cannot go on, unless somebody has done so. Raises one of AWAY."""
        keys = [scripts.DATASET, scripts.state(room), scripts.entries(room)]
        found, begun = await self.run(scripts.RENEW, keys, [self.dataset, generation, reason])
        self.targets[room] = max(self.targets[room], Position(int(found), 0))
        if begun:
            _LOG.warning("numbering of %s begins anew: %s", room, reason, extra={"event": "numbering", "reason": reason})

    async def command(self, *words: str | int) -> Any:
        """One command's answer. Raises one of AWAY."""
        return await self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis declares no types for it

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """One script's answer. Raises ReplacedError, ResponseError, or one of AWAY."""
        return replaced((await self.pipe(script, keys, arguments))[0])

    async def pipe(self, script: str, keys: Sequence[str], arguments: Sequence[Any], *after: Any) -> list[Any]:
        """The answers to a script, and to one more command if it is given, on one connection; errors of Redis are answers."""
        digest = self._hashes.get(script)
        if digest is None:
            digest = self._hashes[script] = str(await self.client.script_load(script))
        async with self.client.pipeline(transaction=False) as pipe:
            pipe.execute_command("EVALSHA", digest, len(keys), *keys, *arguments)
            if after:
                pipe.execute_command(*after)
            return list(await pipe.execute(raise_on_error=False))

    async def close(self) -> None:
        """Lets go."""
        await self.client.aclose()


def replaced(answer: Any) -> Any:
    """The answer, unless it is an error: that is raised."""
    if isinstance(answer, ResponseError) and "REPLACED" in str(answer):
        raise ReplacedError("its data was replaced")
    if isinstance(answer, Exception):
        raise answer
    return answer
