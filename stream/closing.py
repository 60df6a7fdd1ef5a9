"""A WebSocket that closes with the code and the reason that fit what was found: RFC 6455, section 7.4."""

from __future__ import annotations

import zlib

from aiohttp import web
from aiohttp.http_websocket import WebSocketError

from stream.codes import CLOSE_CODES, CloseCode
from stream.frames_in import VIOLATIONS, Violation
from stream.guard import GuardedProtocol

_REASON_BYTES = 123  # what a close frame has room for


class GuardedWebSocket(web.WebSocketResponse):
    """A WebSocket that ends with the right code: the guard's, 1007 for what cannot be inflated, and with a reason."""

    def found(self) -> Violation | None:
        """Why this connection must end; None while it keeps the rules."""
        protocol = self._protocol()
        return (protocol.violation if protocol is not None else None) or violation_of(self.exception())

    async def close(self, *, code: int = CloseCode.NORMAL, message: bytes = b"", drain: bool = True) -> bool:
        """Sends a close frame, once; what the guard found goes before the caller's code."""
        protocol = self._protocol()
        if not self.closed and protocol is not None:
            found = self.found() or _own(code, message)
            if found is not None:
                protocol.note(found)
                code, message = found.code, found.reason.encode()[:_REASON_BYTES]
        return await super().close(code=code, message=message, drain=drain)

    def _protocol(self) -> GuardedProtocol | None:
        protocol = self._req.protocol if self._req is not None else None
        return protocol if isinstance(protocol, GuardedProtocol) else None


def _own(code: int, message: bytes) -> Violation | None:
    """What aiohttp's parser found: it closes by itself, with a code and no reason."""
    known = CLOSE_CODES.get(code)
    if known not in VIOLATIONS:
        return None
    return Violation(known, message.decode() or known.meaning)


def violation_of(error: BaseException | None) -> Violation | None:
    """What aiohttp's own parser found (an exception of `receive`'s ERROR message), in our terms; None if it is no such thing."""
    if isinstance(error, zlib.error):
        return Violation(CloseCode.BAD_DATA, "a compressed message cannot be inflated")
    if isinstance(error, WebSocketError):
        return Violation(CLOSE_CODES.get(error.code, CloseCode.PROTOCOL_ERROR), str(error))
    return None
