"""Between a connection and aiohttp's parser of frames: only what keeps RFC 6455 goes on."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp.http import WebSocketReader

from stream.frames_in import FrameCheck, Violation

_RESERVED_BITS = b"\x70\x80\x00\x00\x00\x00"  # what aiohttp's parser refuses: it wakes whoever waits for a message


class GuardedReader:
    """Passes to aiohttp's parser what keeps the rules; at the first break, what makes it stop."""

    __slots__ = ("_broken", "_check", "_over", "_parser")

    def __init__(self, parser: WebSocketReader, check: FrameCheck, broken: Callable[[Violation], None]) -> None:
        self._parser = parser
        self._check = check
        self._broken = broken
        self._over = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """As aiohttp asks: whether the transport is to be closed at once (never: a close frame comes first), and a rest."""
        if self._over:
            return False, b""
        passed, violation = self._check.feed(data)
        if passed:
            self._parser.feed_data(passed)
        if violation is not None:
            self._over = True
            self._broken(violation)
            self._parser.feed_data(_RESERVED_BITS)
        return False, b""

    def feed_eof(self) -> None:
        """As aiohttp tells: the peer has ended."""
        self._parser.feed_eof()
