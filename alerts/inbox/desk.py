"""The database off the event loop: one thread that writes, one that reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from alerts.inbox.listing import Listing
from alerts.inbox.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """`await desk.write(Store.record, …)`, `await desk.read(Listing.firing, …)`: each call is carried out on its thread.

    A write that was begun is finished even when its caller is gone. Raises what the call raises.
    """

    def __init__(self, path: Path) -> None:
        """Opens the database at `path`. Raises sqlite3.Error, OSError or WrongSchemaError when that cannot be done."""
        self._store = Store(path)
        self._listing = Listing(path)
        self._writer = ThreadPoolExecutor(1, "inbox-write")
        self._reader = ThreadPoolExecutor(1, "inbox-read")
        self.form_token = self._store.form_token()
        self.watchdog_at = self._store.watchdog_at()

    async def write(self, call: Callable[Concatenate[Store, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `call` returns: its change is on disk."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: call(self._store, *args, **kwargs))

    async def read(self, call: Callable[Concatenate[Listing, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `call` returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, lambda: call(self._listing, *args, **kwargs))

    def close(self) -> None:
        """Finishes what was begun and closes the file."""
        self._writer.shutdown()
        self._reader.shutdown()
        self._listing.close()
        self._store.close()
