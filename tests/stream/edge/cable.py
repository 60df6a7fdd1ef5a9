"""A cable between client and server that can be cut: every connection through it is reset, new ones pass."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing sends RST, as a failing network path does


@dataclass
class Cable:
    """Connections to `port` reach the server."""

    loop: asyncio.AbstractEventLoop
    server: int
    port: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    cuts: int = 0

    def cut(self) -> None:
        """Resets every connection, on both sides."""
        done = threading.Event()

        def now() -> None:
            for writer in self.writers:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            self.cuts += 1
            done.set()

        self.loop.call_soon_threadsafe(now)
        assert done.wait(5)

    async def joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server)
        self.writers |= {writer, far_writer}
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        self.writers -= {writer, far_writer}


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def cuttable(server: int) -> Iterator[Cable]:
    """A cable to the server on that port."""
    loop = asyncio.new_event_loop()
    cable, ready, stop = Cable(loop, server), threading.Event(), asyncio.Event()

    async def run() -> None:
        listening = await asyncio.start_server(cable.joined, "127.0.0.1", 0)
        cable.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        for writer in list(cable.writers):
            writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield cable
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
