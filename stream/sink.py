"""Where processed data goes beside the room: the cache and the store of later, and the last values in memory."""

from __future__ import annotations

from typing import Protocol

from stream.messages import Update


class Sink(Protocol):
    """Takes every update. `write` returns at once: a sink that does I/O keeps a bounded queue and a task of its own."""

    @property
    def name(self) -> str:
        """How metrics call it."""
        ...

    def write(self, update: Update) -> None:
        """Keeps one update."""
        ...

    async def close(self) -> None:
        """Writes what is still held, and lets go."""
        ...


class LastValues:
    """The newest update of each symbol of each room: what a new subscription gets first."""

    name = "last_values"

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, Update]] = {}

    def write(self, update: Update) -> None:
        """Keeps one update, unless a newer one is held; of two that happened at once the later one counts."""
        held = self._rooms.setdefault(update.room, {})
        before = held.get(update.symbol)
        if before is None or before.source_time <= update.source_time:
            held[update.symbol] = update

    async def close(self) -> None:
        """Forgets everything."""
        self._rooms.clear()

    def snapshot(self, room: str) -> list[Update]:
        """The newest update of each symbol, by symbol; empty for a room that has none."""
        return [update for _, update in sorted(self._rooms.get(room, {}).items())]

    def symbols(self, room: str) -> list[str]:
        """The symbols of which something is known, sorted."""
        return sorted(self._rooms.get(room, {}))
