"""What the cache demands of its third layer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from stream.cache.guard import Guard


class EdgeWrite(Enum):
    """What a write means to the edge: fetch the new value now, or soon and unwaited for, or only drop the old one soon."""

    NOW = "now"
    SOON = "soon"
    DROP = "drop"


class Edge(Protocol):
    """An HTTP cache in front of the API, or none. Every method raises LayerError when it does not do it in time."""

    guard: Guard
    ttl: float

    async def get(self, key: str) -> bytes | None:
        """The bytes of a key, if it holds them; it asks nobody else."""
        ...

    async def refill(self, keys: Sequence[str]) -> None:
        """Drops its old values of these keys and fetches the new ones, which the API takes from layer 2."""
        ...

    def later(self, keys: Sequence[str], *, refill: bool) -> None:
        """The same in the background, together with what others want; without `refill` old values are only dropped."""
        ...

    async def purge(self, tags: Sequence[str]) -> int:
        """Drops whatever carries one of these tags; returns how many it dropped, or how many purges it took if it won't say."""
        ...

    async def discard(self, key: str) -> None:
        """Drops what stands at a key's address, whatever it is: it may carry the tags of another."""
        ...

    async def close(self) -> None:
        """Ends connections and probes."""
        ...
