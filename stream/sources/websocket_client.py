"""A source by WebSocket: one connection, subscriptions sent after the handshake, text or binary frames of JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp
from aiohttp import WSMsgType

from stream.sources.address import shown, told
from stream.sources.base import Description, SourceError
from stream.sources.live import Link

MOST_BYTES = 4 * 2**20  # of one message, after inflation
_CONNECT_SECONDS = 10.0
_HEARTBEAT_SECONDS = 20.0
_CLOSE_SECONDS = 0.5  # a source that is gone answers no close frame; stopping must not wait for one


class WebSocketTransport:
    """Connects to `url` with these headers and sends the `subscribe` messages, one after the other."""

    drops_when_stale = True

    def __init__(self, url: str, headers: Mapping[str, str], subscribe: Sequence[str] = ()) -> None:
        self._url = url
        self._headers = dict(headers)
        self._subscribe = tuple(subscribe)
        self.description = Description("websocket", shown(url))

    async def session(self, link: Link) -> None:
        """Brings messages until the connection ends, which it says by SourceError."""
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    socket = await session.ws_connect(
                        self._url,
                        max_msg_size=MOST_BYTES,
                        heartbeat=_HEARTBEAT_SECONDS,
                        timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                    )
                async with socket:
                    for message in self._subscribe:
                        await socket.send_str(message)
                    link.connected()
                    await _receive(socket, link)
        except aiohttp.WSServerHandshakeError as error:
            raise SourceError("status", f"the handshake was answered with {error.status}") from error
        except TimeoutError as error:
            raise SourceError("timeout", f"no connection within {_CONNECT_SECONDS:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise SourceError("refused", str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceError("protocol", told(error)) from error


async def _receive(socket: aiohttp.ClientWebSocketResponse, link: Link) -> None:
    async for message in socket:
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            link.message(message.data)
        elif message.type is WSMsgType.ERROR:
            raise SourceError("protocol", str(socket.exception() or "a frame that is none"))
    if isinstance(failure := socket.exception(), BaseException):
        raise SourceError("closed", f"{type(failure).__name__}: {failure}")
    raise SourceError("closed", f"closed by the source with code {socket.close_code}")
