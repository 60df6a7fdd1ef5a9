"""Who learns, stores and publishes: the one process that holds a lock of the data store. A second one stands by.

The lock is a session's (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS): it goes with the
connection, so that a process that dies or is cut off loses it.
"""

from __future__ import annotations

import asyncio

import psycopg

_KEY = 0x7761616E  # of this appliance's models
_EVERY = 1.0  # seconds between two looks, by the holder and by who stands by
_ANSWER = 5.0  # seconds that the server may take; then the lease counts as lost


class Lease:
    """The lease, over a connection of its own. `held`: by this process; `taken`: by another one; neither: no data store."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self.held = self.taken = False
        self._moved = asyncio.Condition()

    async def changed(self, held: bool) -> None:  # noqa: FBT001  # what it was
        """Waits until it is held, or not any more."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.held != held)

    async def _set(self, *, held: bool, taken: bool) -> None:
        async with self._moved:
            self.held, self.taken = held, taken
            self._moved.notify_all()

    async def run(self) -> None:
        """Tries to get it and holds it, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(_ANSWER):
                    connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
                async with connection:
                    await self._hold(connection)
            except (psycopg.Error, OSError, TimeoutError):
                await self._set(held=False, taken=False)  # nobody knows who has it
            await asyncio.sleep(_EVERY)

    async def _hold(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async with asyncio.timeout(_ANSWER):
                query = "SELECT 1" if self.held else "SELECT pg_try_advisory_lock(%s)"
                cursor = await connection.execute(query.encode(), None if self.held else (_KEY,))
                row = await cursor.fetchone()
            held = self.held or bool(row and row[0])
            if (held, not held) != (self.held, self.taken):
                await self._set(held=held, taken=not held)
            await asyncio.sleep(_EVERY)
