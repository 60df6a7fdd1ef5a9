"""Portions of history as frames, shared by clients that resume alike: when a proxy restarts, all come back at once. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from stream.filters import Canonical
from stream.frames import Form
from stream.history import Entry

MOST_BYTES = 8 * 1024 * 1024
_Key: TypeAlias = tuple[str, Canonical, Form, int, int, int]


class Replays:
    """The portions used last, up to `most` bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self.size = 0

    def portion(
        self, epoch: str, filters: Canonical, form: Form, entries: Sequence[tuple[Entry, int]], make: Callable[[], bytes]
    ) -> bytes:
        """The frames of at least one entry, each with its `prev`; made unless they are kept.

        What a filter lets through between two numbers of an epoch never changes, so its ends tell a portion.
        """
        (first, prev), (last, _) = entries[0], entries[-1]
        key = (epoch, filters, form, prev, first.seq, last.seq)
        data = self._kept.get(key)
        if data is not None:
            self._kept.move_to_end(key)
            return data
        data = self._kept[key] = make()
        self.size += len(data)
        while self.size > self._most:
            self.size -= len(self._kept.popitem(last=False)[1])
        return data
