"""A WebSocket conversation with a stream server: JSON objects out and in. The protocol is `websockets`' own, without its I/O."""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections import deque
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from exporters.probe.causes import ProbeError
from exporters.probe.http import AGENT
from exporters.probe.link import Link, Place, Steps, connected

LOST = 1006  # RFC 6455, 7.1.5: the connection ended without a close frame
_MOST = 4 * 1024 * 1024  # bytes of a message
_QUIET = logging.getLogger("exporters.probe.protocol")  # frames are nobody's business: they hold tokens
_QUIET.setLevel(logging.CRITICAL)


class Talk:
    """One open connection. `received` is when the bytes of the last message came, by time.time()."""

    def __init__(self, link: Link, protocol: ClientProtocol) -> None:
        self._link, self._protocol = link, protocol
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._parts = bytearray()
        self.received = 0.0

    @property
    def code(self) -> int:
        """The close code that came, `LOST` for none."""
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd else LOST

    async def say(self, message: dict[str, Any]) -> None:
        """Sends one message. Raises OSError, EOFError on a connection that has ended."""
        self._open()
        self._protocol.send_text(json.dumps(message).encode())
        await self._flush()

    async def next(self) -> dict[str, Any]:
        """The next message. Raises EOFError at the connection's end, ProbeError for what is no message."""
        while not self._waiting:
            self._open()
            await self._more()
        self.received, message = self._waiting.popleft()
        return message

    async def answer(self, kind: str) -> dict[str, Any]:
        """The next message of that type. Raises ProbeError when the server says `error` instead."""
        while True:
            message = await self.next()
            if message["type"] == kind:
                return message
            if message["type"] == "error":
                raise ProbeError("denied", f"the server says {message.get('code')!r}")

    async def bye(self) -> None:
        """Says that it goes, and goes. Raises OSError, EOFError on a connection that has ended."""
        self._open()
        self._protocol.send_close(1000)
        await self._flush()
        while not self._protocol.close_rcvd:
            await self._more()

    def close(self) -> None:
        """Ends the connection at once."""
        self._link.close()

    def _open(self) -> None:
        if self._protocol.state is not State.OPEN:
            raise EOFError(f"the connection ended with {self.code}")

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._link.send(data)

    async def _more(self) -> None:
        data = await self._link.receive()
        now = time.time()
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event, now)
        await self._flush()  # pongs, and the answer to a close frame
        if self._protocol.parser_exc and not self._protocol.close_rcvd and data:
            raise ProbeError("protocol", f"what came is no WebSocket frame: {self._protocol.parser_exc}")
        if (not data or self._protocol.close_rcvd) and not self._waiting:
            raise EOFError(f"the connection ended with {self.code}")

    def _take(self, frame: Frame, now: float) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._parts += frame.data
        if len(self._parts) > _MOST:
            raise ProbeError("protocol", "a message is larger than any of the stream's")
        if not frame.fin:
            return
        text, self._parts = self._parts, bytearray()
        try:
            message = json.loads(text)
        except ValueError as error:
            raise ProbeError("protocol", "a message is no JSON") from error
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise ProbeError("protocol", "a message has no `type`")
        self._waiting.append((now, message))


async def opened(place: Place, trust: ssl.SSLContext | None, steps: Steps) -> Talk:
    """A connection that the server has greeted. Raises ProbeError, EOFError, OSError."""
    link = await connected(place, trust, steps)
    try:
        url = f"{'wss' if place.secure else 'ws'}://{place.authority}{place.base}/ws"
        protocol = ClientProtocol(parse_uri(url), max_size=_MOST, logger=_QUIET)
        request = protocol.connect()
        request.headers["User-Agent"] = AGENT
        protocol.send_request(request)
        talk = Talk(link, protocol)
        with steps.timed("processing"):
            await talk._flush()  # noqa: SLF001  # this function is the other half of the class
            await _agreed(talk, link, protocol, steps)
        greeting = await talk.answer("connection")
    except BaseException:
        link.close()
        raise
    if not isinstance(greeting.get("clientId"), str):
        link.close()
        raise ProbeError("protocol", "the greeting names no client")
    return talk


async def _agreed(talk: Talk, link: Link, protocol: ClientProtocol, steps: Steps) -> None:
    """Waits for the server's answer to the handshake."""
    while True:
        data = await link.receive()
        now = time.time()
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        for event in protocol.events_received():
            if isinstance(event, Response):
                steps.status = event.status_code
            elif isinstance(event, Frame):
                talk._take(event, now)  # noqa: SLF001  # the same
        error = protocol.handshake_exc
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            steps.status = status
            raise ProbeError("auth" if status in (401, 403) else "status", f"the handshake was answered {status}")
        if error and not data:
            raise ProbeError("lost", "the connection ended within the handshake")
        if error:
            raise ProbeError("protocol", f"what answers does not speak WebSocket: {error}")
        if steps.status == 101:
            return
