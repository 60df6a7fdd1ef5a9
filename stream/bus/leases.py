"""Who runs what: exactly one instance holds the lease of a source. Pure, but for the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from metrics import bus
from metrics.instruments import Instruments
from metrics.model import Sample

# Who holds a lease is believed so long, from before it asked; it asks six times within, and so do those who wait: a killed
# holder is followed after LENGTH + EVERY, 3.5 s, at most.
LENGTH, EVERY = 3.0, 0.5  # seconds


class Leases:
    """The leases of one instance; times are of a steady clock, in seconds."""

    def __init__(self, names: Iterable[str], clock: Callable[[], float], counts: Instruments) -> None:
        self.names = tuple(names)
        self._clock, self._counts = clock, counts
        self._values = dict.fromkeys(self.names, "")
        self._until = dict.fromkeys(self.names, 0.0)
        self._held = {name: asyncio.Event() for name in self.names}
        self._lost = {name: asyncio.Event() for name in self.names}
        self._token = dict.fromkeys(self.names, 0)  # of the lease that was held last
        for event in self._lost.values():
            event.set()

    @property
    def values(self) -> list[str]:
        """What is held, in the order of `names`; an empty text where nothing is."""
        return list(self._values.values())

    def value(self, name: str) -> str:
        """What proves the lease to Redis; an empty text where it is not held."""
        self.expire()
        return self._values[name]

    def held(self, name: str) -> bool:
        """Whether it is held now."""
        return bool(self.value(name))

    def answered(self, values: Sequence[str], asked: float) -> list[str]:
        """Redis has told what is held, to who asked at `asked`; those that another one holds, or has held since.

        What was made under a lease that another one has had since is stale; the token tells: it counts the holders.
        """
        stale = []
        for name, value in zip(self.names, values, strict=True):
            token = int(value.rpartition(":")[2] or 0)
            if value and value != self._values[name]:
                self._counts.inc(bus.TAKEOVERS, name)
            if token not in (self._token[name], self._token[name] + 1):
                stale.append(name)
            self._token[name] = token or self._token[name]
            self._set(name, value, asked + LENGTH)
        return stale

    def expire(self) -> None:
        """What was not prolonged in time is not held any more."""
        now = self._clock()
        for name, value in self._values.items():
            if value and now >= self._until[name]:
                self._set(name, "", 0.0)

    def drop(self, name: str) -> None:
        """Redis says that it is another's."""
        self._set(name, "", 0.0)

    def _set(self, name: str, value: str, until: float) -> None:
        self._values[name], self._until[name] = value, until
        if value:
            self._lost[name].clear()
            self._held[name].set()
        else:
            self._held[name].clear()
            self._lost[name].set()

    async def turn(self, name: str) -> None:
        """Waits until the lease is held."""
        await self._held[name].wait()

    async def end(self, name: str) -> None:
        """Waits until the lease is not held."""
        await self._lost[name].wait()

    def collect(self) -> Iterator[Sample]:
        """Which are held."""
        for name in self.names:
            yield bus.LEASE.sample(int(self.held(name)), name)
