"""The edge in production: Cloudflare, purged through its API.

https://developers.cloudflare.com/api/resources/cache/methods/purge/ and, for the limits (100 tags a request; so many requests a
minute by plan, else 429), https://developers.cloudflare.com/cache/how-to/purge-cache/. Its zone needs a cache rule that makes
`/cache/*` eligible; it answers `only-if-cached` by asking the origin, which says 504 (`stream.cache.origin`).
"""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import msgspec

from metrics.instruments import Instruments
from stream.cache.edge import HttpEdge

API = "https://api.cloudflare.com/client/v4"
_FAR = 2.0  # seconds at least: across the Internet


class _Told(msgspec.Struct):
    """What its API answers."""

    success: bool


class Cloudflare(HttpEdge):
    """A zone, whose content stands at `url`; `api` is another address of its API for tests."""

    every = 30.0  # two requests a minute: the smallest plan allows five

    def __init__(
        self, url: str, secret: str, ttl: float, limit: float, counts: Instruments, *, zone: str, key: str, api: str = API
    ) -> None:
        super().__init__(url, secret, ttl, max(limit, _FAR), counts)
        self._api, self._key = f"{api}/zones/{zone}", key

    async def _purge(self, tags: Sequence[str]) -> int:
        """One request; it does not say how many objects it dropped, so that each counts as one."""
        await self._call("POST", "/purge_cache", {"tags": list(tags)})
        return 1

    async def _discard(self, key: str) -> None:
        await self._call("POST", "/purge_cache", {"files": [f"{self._url}/cache/{key}"]})

    async def _probe(self) -> None:
        await self._call("GET", "", None)

    async def _call(self, method: str, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with self.session.request(method, self._api + path, json=body, headers=headers, raise_for_status=True) as response:
            told = msgspec.json.decode(await response.read(), type=_Told)
            if not told.success:
                raise aiohttp.ClientResponseError(response.request_info, (), status=response.status, message="no success")
