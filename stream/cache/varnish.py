"""The edge of the stack: a local Varnish, configured by `compose/templates/edge.vcl.j2`."""

from __future__ import annotations

from collections.abc import Sequence

from stream.cache.edge import HttpEdge

DROPPED = "X-Purged"  # how many objects a purge dropped
HEALTH = "/.edge/health"


class Varnish(HttpEdge):
    """Purges by its own method and the module xkey."""

    async def _purge(self, tags: Sequence[str]) -> int:
        headers = {**self._headers, "Surrogate-Key": " ".join(tags)}
        async with self.session.request("PURGE", f"{self._url}/", headers=headers, raise_for_status=True) as response:
            return int(response.headers.get(DROPPED, "0"))

    async def _discard(self, key: str) -> None:
        url = f"{self._url}/cache/{key}"
        async with self.session.request("PURGE", url, headers=self._headers, raise_for_status=True) as response:
            await response.read()

    async def _probe(self) -> None:
        async with self.session.get(self._url + HEALTH, raise_for_status=True) as response:
            await response.read()
