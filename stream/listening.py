"""How the public port listens: bounded TLS handshakes, and accepting that survives a want of descriptors."""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiohttp import web

WAITING = 4096  # handshakes that may wait: a thousand clients that reconnect at once must not be refused
_AT_ONCE = 16  # connections that asyncio accepts in one turn
_SHUTDOWN = 2.0  # seconds for a peer's own goodbye by TLS


class BoundedSite(web.SockSite):
    """Listens as `SockSite` does; a TLS handshake may take `handshake_seconds`, and a peer cannot hold up a close.

    asyncio accepts as many at once as may wait, and where descriptors have run out it logs, and tries again, as often: so it is
    told a small number, and the kernel the great one.
    """

    __slots__ = ("_handshake_seconds", "_listener")

    def __init__(
        self, runner: web.BaseRunner, listener: socket.socket, handshake_seconds: float, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(runner, listener, ssl_context=context, backlog=_AT_ONCE)
        self._listener, self._handshake_seconds = listener, handshake_seconds

    async def start(self) -> None:
        """Listens."""
        await web.BaseSite.start(self)
        server, tls = self._runner.server, self._ssl_context
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            server, sock=self._listener, backlog=_AT_ONCE, ssl=tls,
            ssl_handshake_timeout=self._handshake_seconds if tls else None, ssl_shutdown_timeout=_SHUTDOWN if tls else None,
        )  # fmt: skip
        self._listener.listen(WAITING)
