"""RFC 6455 as far as aiohttp's parser does not hold clients to it: the headers of frames that come in, and no payload.

aiohttp 3.14 takes unmasked frames from clients, reserved bits on control frames, lengths longer than they need to be, new
messages inside of fragmented ones and any number of empty fragments. Pure: bytes in, a `Violation` out.
"""

from __future__ import annotations

from typing import NamedTuple

from stream.codes import CloseCode

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN, _RSV1, _RSV23, _OPCODE = 0x80, 0x40, 0x30, 0x0F
_MASK_BYTES = 4
_MOST_CONTROL = 125  # bytes of payload
MOST_FRAGMENTS = 1024
VIOLATIONS = (
    CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.BAD_DATA, CloseCode.POLICY, CloseCode.TOO_BIG,
)  # fmt: skip


class Violation(NamedTuple):
    """Which close code a client has earned, and the reason that it is told."""

    code: CloseCode
    reason: str


class FrameCheck:
    """Follows one connection's incoming bytes. `largest` is the greatest payload of a message, in bytes on the wire."""

    __slots__ = ("_deflate", "_fragments", "_head", "_largest", "_left", "_message")

    def __init__(self, largest: int, *, deflate: bool = True) -> None:
        self._largest = largest
        self._deflate = deflate
        self._head = bytearray()
        self._left = 0  # bytes of the current frame's payload that are still to come
        self._message = -1  # bytes of the fragmented message so far; -1: none is open
        self._fragments = 0

    def feed(self, data: bytes) -> tuple[bytes, Violation | None]:
        """What of `data` may be parsed now: whole headers and payloads; and how it breaks the rules after that.

        The beginning of a header is held back until the rest has come, so that what is passed on ends where frames do.
        """
        passed, position, size = [], 0, len(data)
        while position < size:
            if self._left:
                step = min(self._left, size - position)
                passed.append(data[position : position + step])
                self._left -= step
                position += step
                continue
            position = self._more_header(data, position)
            if len(self._head) < 2:
                break
            found = self._early()
            if found is None and len(self._head) == self._header_size():
                found = self._complete()
                if found is None:
                    passed.append(bytes(self._head))
                    self._head.clear()
            if found is not None:
                return b"".join(passed), found
        return (passed[0] if len(passed) == 1 else b"".join(passed)), None

    def _more_header(self, data: bytes, position: int) -> int:
        """Moves what belongs to the header out of `data`; the position after it."""
        while len(self._head) < self._header_size() and position < len(data):
            step = self._header_size() - len(self._head)
            self._head += data[position : position + step]
            position += step
        return min(position, len(data))

    def _header_size(self) -> int:
        if len(self._head) < 2:
            return 2
        length = self._head[1] & 0x7F
        return 2 + {126: 2, 127: 8}.get(length, 0) + (_MASK_BYTES if self._head[1] & 0x80 else 0)

    def _early(self) -> Violation | None:
        """What the first two bytes tell."""
        first, second = self._head[0], self._head[1]
        opcode = first & _OPCODE
        if not second & 0x80:
            return _broken("frames of clients must be masked")
        if first & _RSV23 or (first & _RSV1 and (not self._deflate or opcode not in (_TEXT, _BINARY))):
            return _broken("a reserved bit is set")
        if opcode in (_CLOSE, _PING, _PONG):
            return _control(first, second & 0x7F)
        if opcode not in (_CONTINUATION, _TEXT, _BINARY):
            return _broken("the opcode is reserved")
        if (opcode == _CONTINUATION) == (self._message < 0):
            return _broken("there is no message to continue" if self._message < 0 else "the message before has not ended")
        return None

    def _complete(self) -> Violation | None:
        """What the whole header tells; takes note of the payload that follows."""
        first, length = self._head[0], self._head[1] & 0x7F
        if length >= 126:
            shortest, size = (126, 2) if length == 126 else (65_536, 8)
            length = int.from_bytes(self._head[2 : 2 + size], "big")
            if length < shortest or length >> 63:
                return _broken("the length is not written in its shortest form")
        if first & _OPCODE < _CLOSE:
            total = max(self._message, 0) + length
            self._fragments += 1
            if total > self._largest:
                return Violation(CloseCode.TOO_BIG, f"messages may have {self._largest} bytes")
            if self._fragments > MOST_FRAGMENTS:
                return Violation(CloseCode.TOO_BIG, f"messages may have {MOST_FRAGMENTS} fragments")
            ended = bool(first & _FIN)
            self._message, self._fragments = (-1, 0) if ended else (total, self._fragments)
        self._left = length
        return None


def _control(first: int, length: int) -> Violation | None:
    if not first & _FIN:
        return _broken("control frames must not be fragmented")
    return _broken("control frames hold at most 125 bytes") if length > _MOST_CONTROL else None


def _broken(reason: str) -> Violation:
    return Violation(CloseCode.PROTOCOL_ERROR, reason)
