"""Ends connections whose token has expired or was revoked, within about a second, and reads the book of keys when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from stream.auth import Authenticator, Identity
from stream.codes import CloseCode

EVERY = 1.0  # seconds


class Holder(Protocol):
    """An open connection."""

    identity: Identity
    close: Callable[[CloseCode, str], None]


async def watch(authenticator: Authenticator, holders: Callable[[], Iterable[Holder]], every: float = EVERY) -> None:
    """Looks at every connection that has an identity, until it is cancelled."""
    while True:
        await asyncio.sleep(every)
        authenticator.refresh()
        for holder in list(holders()):
            if holder.identity.anonymous:
                continue
            verdict = authenticator.verdict(holder.identity)
            if verdict is not None:
                holder.close(CloseCode.UNAUTHORIZED, f"{verdict}: {verdict.meaning}")
