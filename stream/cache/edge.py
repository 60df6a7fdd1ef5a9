"""Layer 3, what both kinds share: an HTTP cache in front of the API, asked at `/cache/<key>`.

`get` says only-if-cached: the edge answers from what it holds, or 504; the API is never asked, so that no question comes round in
a circle. `refill` purges, then fetches once: the API answers that from layer 2 (`stream.cache.origin`).
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

import aiohttp

from metrics import cache
from metrics.instruments import Instruments
from stream.cache.guard import Guard, LayerError
from stream.cache.keys import EVERYTHING
from stream.cache.tasks import ended

SECRET = "X-Watchfloor-Edge"  # noqa: S105  # the header's name; its value makes a request the appliance's own
ONLY_IF_CACHED = "only-if-cached"
_CONNECTIONS = 8
_MOST_LATER = 10_000  # keys
_FETCHES = 4  # that one refill has under way
_LARGEST = 2 * 2**20  # bytes of an answer: an entry and its head are less


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body to its end (`read(n)` gives what has come by now). Raises ClientPayloadError for one that is too large."""
    found = bytearray()
    async for part in response.content.iter_any():
        found += part
        if len(found) > _LARGEST:
            raise aiohttp.ClientPayloadError(f"larger than {_LARGEST} bytes")
    return bytes(found)


class HttpEdge(ABC):
    """An edge at `url`; `ttl` in s is how long it keeps a value at most, `limit` in s what a caller waits for one request."""

    most_tags = 100
    every = 1.0  # seconds between two rounds of what need not be done at once

    def __init__(self, url: str, secret: str, ttl: float, limit: float, counts: Instruments) -> None:
        self.ttl = ttl
        self.guard = Guard(cache.CDN, limit, counts, self._probe, self._repair)
        self._url = url.rstrip("/")
        self._headers = {SECRET: secret} if secret else {}
        self._opened: aiohttp.ClientSession | None = None
        self._later: dict[str, bool] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections, opened when they are first needed."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=None),  # the guard's to say
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    # -- reading -----------------------------------------------------------------------------------------------------
    async def get(self, key: str) -> bytes | None:
        """The bytes of a key, if the edge holds them. Raises LayerError."""
        return await self.guard.call(partial(self._get, key))

    async def _get(self, key: str) -> bytes | None:
        headers = {**self._headers, "Cache-Control": ONLY_IF_CACHED}
        async with self.session.get(f"{self._url}/cache/{key}", headers=headers, allow_redirects=False) as response:
            if response.status == HTTPStatus.OK:
                return await _whole(response)
            if response.status == HTTPStatus.GATEWAY_TIMEOUT:
                return None
            raise aiohttp.ClientResponseError(response.request_info, (), status=response.status, message=response.reason or "")

    # -- writing -----------------------------------------------------------------------------------------------------
    async def refill(self, keys: Sequence[str]) -> None:
        """Drops the old values of these keys and fetches what there is now. Raises LayerError if any could not be."""
        await self.purge(keys)
        turn = asyncio.Semaphore(_FETCHES)

        async def one(key: str) -> int:
            async with turn:
                return await self.guard.call(partial(self._fetch, key))

        statuses = await asyncio.gather(*(one(key) for key in keys), return_exceptions=True)
        for status in statuses:
            if isinstance(status, BaseException):
                raise status
        if set(statuses) - {HTTPStatus.OK, HTTPStatus.GONE}:  # gone: somebody removed it meanwhile, and the edge is rid of it
            # The edge works; the API, or layer 2 behind it, does not.
            self.guard.count("refused")
            raise LayerError("refused")

    async def _fetch(self, key: str) -> int:
        headers = {**self._headers, "Cache-Control": "no-cache"}
        async with self.session.get(f"{self._url}/cache/{key}", headers=headers, allow_redirects=False) as response:
            await _whole(response)
            return response.status

    def later(self, keys: Sequence[str], *, refill: bool) -> None:
        """The same for keys of many callers together, within `every` seconds; without `refill` old values are only dropped."""
        for key in keys:
            self._later[key] = refill
        if len(self._later) > _MOST_LATER:
            self._later = {EVERYTHING: False}
        if self._task is None:
            self._task = asyncio.create_task(self._rounds(), name="edge")

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            keys, self._later = self._later, {}
            with contextlib.suppress(LayerError):  # counted, and purged when the edge is back
                if drop := [key for key, refill in keys.items() if not refill]:
                    await self.purge(drop)
                if fill := [key for key, refill in keys.items() if refill]:
                    await self.refill(fill)

    async def purge(self, tags: Sequence[str]) -> int:
        """Drops whatever carries one of these tags; returns what `_purge` tells. Raises LayerError."""
        dropped = 0
        try:
            for start in range(0, len(tags), self.most_tags):
                dropped += await self.guard.call(partial(self._purge, tags[start : start + self.most_tags]))
        except LayerError as error:
            self.guard.miss(tags, error)
            raise
        return dropped

    async def discard(self, key: str) -> None:
        """Drops what stands at a key's address, whatever it is. Raises LayerError."""
        await self.guard.call(partial(self._discard, key))

    @abstractmethod
    async def _discard(self, key: str) -> None:
        """One request."""

    @abstractmethod
    async def _purge(self, tags: Sequence[str]) -> int:
        """One request."""

    # -- life --------------------------------------------------------------------------------------------------------
    @abstractmethod
    async def _probe(self) -> None:
        """Raises unless the edge works again."""

    async def _repair(self, missed: tuple[str, ...]) -> None:
        """Purges what could not be purged while the edge was away."""
        tags = (EVERYTHING,) if "*" in missed else missed
        for start in range(0, len(tags), self.most_tags):
            await self._purge(tags[start : start + self.most_tags])

    async def close(self) -> None:
        """Ends connections and probes."""
        await self.guard.close()
        await ended([self._task])
        if self._opened:
            await self._opened.close()
