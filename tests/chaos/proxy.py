"""A link that can be slow or cut: a TCP proxy in a thread of its own, between clients and a server of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tests.waiting import free_ports

HOST = "127.0.0.1"
_PIECE = 65_536


class Link:
    """Use it as a context manager; `port` is where clients connect. `delay` seconds each piece of each direction waits.

    `answered` counts the bytes that came from the server.
    """

    def __init__(self, target: int) -> None:
        (self.port,) = free_ports(1)
        self.delay, self.answered, self._cut = 0.0, 0, False
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the link does not listen"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, HOST, self.port))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                self._loop.run_until_complete(task)
        self._loop.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            back, there = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there}
        await asyncio.gather(self._copy(reader, there), self._copy(back, writer, answers=True))
        self._writers -= {writer, there}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                self.answered += len(data) * answers
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Each piece arrives so much later."""
        self.delay = seconds
        try:
            yield
        finally:
            self.delay = 0.0

    @contextmanager
    def cut(self) -> Iterator[None]:
        """All connections end without a word, and new ones too."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._abort)
        try:
            yield
        finally:
            self._cut = False
