"""Tells open pages that something changed: Server-Sent Events."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from alerts.inbox.problems import ProblemError

BEAT_SECONDS = 15.0
MOST_LISTENERS = 100


class Hub:
    """A counter of changes, and those who wait for it to move. For one event loop."""

    def __init__(self) -> None:
        self._version = 0
        self._closed = False
        self._listeners: set[asyncio.Event] = set()

    def changed(self) -> None:
        """Something that a page shows is different now."""
        self._version += 1
        self._wake()

    def close(self) -> None:
        """Ends all streams, so that the service can."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /api/stream`: an event `change` at once and after every change, a comment every 15 s.

        Raises ProblemError (503) when too many listen already.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_LISTENERS} pages listen already; this one will poll")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        moved = asyncio.Event()
        self._listeners.add(moved)
        try:
            await response.prepare(request)
            await self._feed(response, moved)
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            self._listeners.discard(moved)
        return response

    async def _feed(self, response: web.StreamResponse, moved: asyncio.Event) -> None:
        await response.write(b"retry: 3000\n")
        seen = -1
        while not self._closed:
            moved.clear()
            if self._version != seen:
                seen = self._version
                await response.write(f"event: change\ndata: {seen}\n\n".encode())
            else:
                await response.write(b": beat\n\n")
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await moved.wait()
            except TimeoutError:
                continue
