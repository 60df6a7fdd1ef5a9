"""The cache of a stream server: made from the settings, filled by the feed, warmed, asked for what rooms knew."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Self

from aiohttp import web

from metrics.model import Sample
from settings import Paths, Site
from stream.cache import origin
from stream.cache.build import build_cache, edge_secret
from stream.cache.cache import Cache
from stream.cache.kinds import OF_ROOM
from stream.cache.sink import CacheSink, known
from stream.cache.warming import Source, Warmer
from stream.messages import Update


class CacheService:
    """A cache with its sink and warmer; `secret` is the word by which the edge is known."""

    def __init__(self, cache: Cache, site: Site, secret: str) -> None:
        self.cache = cache
        self.sink = CacheSink(cache)
        self.warmer = Warmer(cache, {}, cache.lease("warming"), site.cache.warming)
        self.secret = secret or secrets.token_hex(16)

    @classmethod
    def build(cls, site: Site, paths: Paths) -> Self:
        """What the settings want. Raises SettingsError as `build_cache` does."""
        return cls(build_cache(site, paths), site, edge_secret(paths))

    @property
    def handler(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What answers the edge at `origin.ROUTE`."""
        return origin.handler(self.cache, self.secret)

    @property
    def degraded(self) -> list[str]:
        """What does not work as it should, in sentences."""
        return self.cache.degraded

    def warm_from(self, sources: Mapping[str, Source]) -> None:
        """Says, before `start`, where the values of each kind come from; without it only the feed fills the cache."""
        self.warmer.sources = dict(sources)

    async def start(self) -> None:
        """Opens the cache and begins to warm it."""
        await self.cache.__aenter__()
        self.warmer.start()

    async def known(self) -> list[Update]:
        """The newest updates of every room, as far as the cache remembers them."""
        return [update for room in OF_ROOM for update in await known(self.cache, room)]

    async def stop(self) -> None:
        """After the feed: its sink writes what it holds when the feed ends."""
        await self.warmer.close()
        await self.cache.__aexit__()

    def samples(self) -> Iterator[Sample]:
        """The samples of now."""
        yield from self.cache.samples()
        yield from self.sink.samples()
        yield from self.warmer.samples()
