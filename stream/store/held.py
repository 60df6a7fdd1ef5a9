"""Records that the disk does not take now: in order, in memory, up to a bound. Pure."""

from __future__ import annotations

from collections import deque


class Held:
    """What waits. `since`: when the oldest of it came (monotonic s)."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._records: deque[tuple[bytes, float]] = deque()
        self.size = 0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def first(self) -> bytes:
        """The oldest. Raises IndexError where there is none."""
        return self._records[0][0]

    @property
    def since(self) -> float:
        """When it came. Raises IndexError where there is none."""
        return self._records[0][1]

    def add(self, record: bytes, now: float) -> bool:
        """Keeps one; False when there is no room."""
        if self.size + len(record) > self._cap:
            return False
        self._records.append((record, now))
        self.size += len(record)
        return True

    def pop(self) -> bytes:
        """Takes the oldest. Raises IndexError where there is none."""
        record, _ = self._records.popleft()
        self.size -= len(record)
        return record
