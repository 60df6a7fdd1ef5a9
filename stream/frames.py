"""Server frames of RFC 6455, and RFC 7692's compression without context takeover: one frame serves every client. Pure.

A message that needs no earlier one to be inflated may be sent under any negotiated permessage-deflate: "no context
takeover" is what this server does, whether or not a client has asked for it.
"""

from __future__ import annotations

import zlib
from struct import pack
from typing import NamedTuple

from stream.messages import Format

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL, _COMPRESSED = 0x80, 0x40
_WORTH = 128  # bytes; below, deflate gains less than its work
_LEVEL = 1  # levels above gain 3 % on our messages and cost half as much again
_TAIL = b"\x00\x00\xff\xff"  # of a flushed block: RFC 7692 leaves it out
MOST_CONTROL = 125  # bytes of a control frame's payload


class Form(NamedTuple):
    """How one client gets messages: the format, and the base-2 logarithm of its inflate window (9 to 15; 0: not compressed)."""

    format: Format
    window: int


def frame(opcode: int, payload: bytes, *, compressed: bool = False) -> bytes:
    """One final, unmasked frame."""
    first = _FINAL | opcode | (_COMPRESSED if compressed else 0)
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 65_536:
        return pack("!BBH", first, 126, size) + payload
    return pack("!BBQ", first, 127, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what fits, at a character's end."""
    text = reason.encode()[: MOST_CONTROL - 2].decode("utf-8", "ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


class Framer:
    """Frames messages for every form. Keeps one compressor a window: a full flush after each message forgets it."""

    def __init__(self) -> None:
        self._deflaters: dict[int, zlib._Compress] = {}

    def message(self, payload: bytes, form: Form) -> bytes:
        """One message as one frame, text or binary by the form's format, compressed where that pays."""
        opcode = TEXT if form.format is Format.JSON else BINARY
        if not form.window or len(payload) < _WORTH:
            return frame(opcode, payload)
        return frame(opcode, self._deflated(payload, form.window), compressed=True)

    def _deflated(self, payload: bytes, window: int) -> bytes:
        deflater = self._deflaters.get(window)
        if deflater is None:
            deflater = self._deflaters[window] = zlib.compressobj(_LEVEL, zlib.DEFLATED, -window)
        data = deflater.compress(payload) + deflater.flush(zlib.Z_FULL_FLUSH)
        return data.removesuffix(_TAIL)
