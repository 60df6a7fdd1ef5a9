"""When a layer is left alone, when that is told, and when it is asked again. Pure: the clock is given."""

from __future__ import annotations

_FIRST = 0.05  # seconds before the second probe; the first comes at once: a late answer of a busy moment costs nothing more
_MOST = 1.0
_CALM = 10.0  # a layer that has worked for so long has a clean record
_MANY = 20  # or has answered so often: one that is late once in a while is asked again at once, one that is always late is not


class Breaker:
    """Opens at the first failure. While it is open no caller asks; a probe in the background closes it.

    One late answer is no proof that a layer is away: the machine may be busy. It is `away` when its probe fails too, or when it
    refused the connection.
    """

    def __init__(self) -> None:
        self.open = self.away = False
        self._tries = 0
        self._closed_at = float("-inf")
        self._answers = 0

    def worked(self) -> None:
        """A call succeeded."""
        self._answers += 1

    def failed(self, now: float, began: float | None = None) -> bool:
        """A call failed that began then (default: now); tells whether that opened it. In s of the monotonic clock.

        What began before the last probe succeeded says nothing of what is since.
        """
        if self.open or (began is not None and began < self._closed_at):
            return False
        self.open = True
        if now - self._closed_at >= _CALM or self._answers >= _MANY:
            self._tries = 0
        self._answers = 0
        return True

    def proven(self) -> bool:
        """There is no doubt any more; tells whether there was."""
        doubted, self.away = not self.away, True
        return doubted

    def wait(self) -> float:
        """Seconds before the next probe: none at first, then twice as many each time, up to a second."""
        self._tries += 1
        return min(_MOST, _FIRST * 2 ** (self._tries - 2)) if self._tries > 1 else 0.0

    def answered(self, now: float) -> None:
        """A probe succeeded: callers may ask again."""
        self.open = self.away = False
        self._closed_at = now
