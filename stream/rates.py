"""How often somebody may ask: the sliding windows of the `limits` library, kept by this process without locks or threads.

The library's own memory storage starts a thread for each clean-up and grows with every address; this one belongs to one event
loop and forgets whoever came first.
"""

from __future__ import annotations

import time
from math import ceil, floor

from limits import parse
from limits.storage import SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

MOST = 10_000  # addresses and keys that are remembered


class Windows(Storage, SlidingWindowCounterSupport):
    """Counts by key in the window of now and the one before; at most `MOST` keys."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, list[int]] = {}  # number of the window, count before it, count in it

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here can fail."""
        return LookupError

    def _held(self, key: str, window: int) -> list[int]:
        held = self._counts.get(key)
        if held is None:
            if len(self._counts) >= MOST:
                del self._counts[next(iter(self._counts))]
            held = self._counts[key] = [window, 0, 0]
        elif held[0] != window:
            held[:] = [window, held[2] if held[0] == window - 1 else 0, 0]
        return held

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Counts `amount`, unless the windows together would hold more than `limit`."""
        now = time.time() / expiry
        window = int(now)
        held = self._held(key, window)
        if floor(held[1] * (1 - (now - window)) + held[2]) + amount > limit:
            return False
        held[2] += amount
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Count and seconds left of the window before, and of this one."""
        now = time.time() / expiry
        _, before, held = self._held(key, int(now))
        left = (1 - (now - int(now))) * expiry
        return before, left if before else 0.0, held, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002  # the library's signature
        """Forgets a key."""
        self._counts.pop(key, None)

    def clear(self, key: str) -> None:
        """The same."""
        self._counts.pop(key, None)

    def get(self, key: str) -> int:
        """The count in the window of a key."""
        return self._counts.get(key, [0, 0, 0])[2]

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counts without a limit."""
        held = self._held(key, int(time.time() / expiry))
        held[2] += amount
        return held[2]

    def get_expiry(self, key: str) -> float:  # noqa: ARG002  # the library's signature
        """Windows end by the clock."""
        return time.time()

    def check(self) -> bool:
        """Memory is there."""
        return True

    def reset(self) -> int:
        """Forgets everybody; how many there were."""
        count = len(self._counts)
        self._counts.clear()
        return count


class Rate:
    """One limit, such as "100/second" or "6000/minute"."""

    def __init__(self, text: str) -> None:
        self._item = parse(text)
        self._limiter = SlidingWindowCounterRateLimiter(Windows())
        self.text = text

    def take(self, who: str) -> int:
        """Counts one request of somebody: 0 when it may pass, else after how many seconds to ask again."""
        if self._limiter.hit(self._item, who):
            return 0
        reset, _ = self._limiter.get_window_stats(self._item, who)
        return max(1, min(ceil(reset - time.time()), self._item.get_expiry()))
