"""The WebSocket test: clients that come, subscribe, think, receive so many messages, leave the room and begin again.

A message's latency is from the time that the server wrote into it to its arrival; both clocks are this machine's. What is lost
is told by the rooms' numbers: each message names the one before it.
"""

from __future__ import annotations

import asyncio
import json
import time

import msgspec

from stream.loop import ended
from tests.load.place import HOST, Place
from tests.load.recorder import Recorder
from tests.load.shapes import Listener, LoadTest
from tests.load.sockets import Inbox, Socket
from tests.load.wire import address

_PATIENCE = 30.0  # seconds for what must come: a handshake, an answer
_ROUND = 90.0  # and for the messages of a round, of which the slowest room tells one in five seconds


class _Said(msgspec.Struct):
    """What a message has that matters here."""

    type: str
    room: str = ""
    seq: int = -1
    prev: int = -1
    epoch: str = ""
    timestamp: int = 0
    code: str = ""
    to: int = -1
    from_: int = msgspec.field(name="from", default=0)


_DECODE = msgspec.json.Decoder(_Said).decode


class Client:
    """One client of one room, which comes back when it is closed."""

    def __init__(self, number: int, port: int, room: str, does: Listener, recorder: Recorder, *, inbox: Inbox) -> None:
        self.number, self.room = number, room
        self._port, self._does, self._recorder, self._inbox = port, does, recorder, inbox
        self._subscribe = json.dumps({"type": "subscribe", "room": room}).encode()
        self._unsubscribe = json.dumps({"type": "unsubscribe", "room": room}).encode()
        self._socket: Socket | None = None
        self._epoch, self._last, self._heard = "", -1, 0
        self._wanted, self._event = 0, asyncio.Event()
        self._answer = asyncio.Event()
        self._leaving = False
        self.connected = False

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        try:
            while True:
                try:
                    await self._visit()
                except (OSError, TimeoutError) as error:
                    self._recorder.failure("no connection" if isinstance(error, OSError) else "nothing came in time")
                    self.connected = False
                    await asyncio.sleep(1)
        finally:
            self._leaving = True
            if self._socket and self.connected:
                self._socket.close()

    async def _visit(self) -> None:
        loop, began = asyncio.get_running_loop(), time.perf_counter()
        async with asyncio.timeout(_PATIENCE):
            _, self._socket = await loop.create_connection(
                lambda: Socket(self._told, self._ended, self._inbox), HOST, self._port, local_addr=(address(self.number), 0)
            )
            status = await self._socket.ready
        if status != 101:
            raise ConnectionError(f"status {status}")
        self.connected = True
        self._recorder.aside("handshake", time.perf_counter() - began)
        while self.connected:
            await self._round(self._socket)

    async def _round(self, socket: Socket) -> None:
        began = time.perf_counter()
        self._last, self._epoch = -1, ""
        self._answer.clear()
        socket.send(self._subscribe)
        await self._until(self._answer, _PATIENCE)
        self._recorder.aside("subscribe", time.perf_counter() - began)
        await asyncio.sleep(self._does.think)
        self._event.clear()
        self._wanted = self._heard + self._does.receive
        await self._until(self._event, _ROUND)
        self._wanted = 0
        self._answer.clear()
        socket.send(self._unsubscribe)
        await self._until(self._answer, _PATIENCE)

    async def _until(self, event: asyncio.Event, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await event.wait()
        if not self.connected:
            raise ConnectionError("closed")

    def _ended(self, code: int) -> None:
        if self.connected and not self._leaving:
            self._recorder.failure(f"closed by {code}")
        self.connected = False
        self._answer.set()
        self._event.set()

    def _told(self, text: bytes, arrived: float) -> None:
        said = _DECODE(text)
        if said.type == "data":
            self._data(said, arrived)
        elif said.type in ("subscription", "unsubscription"):
            if said.type == "subscription":
                self._epoch, self._last = said.epoch, said.seq
            self._answer.set()
        elif said.type == "error":
            self._recorder.failure(f"error {said.code}")
        elif said.type == "gap":
            self._recorder.lost += said.to - said.from_ + 1
            self._last = max(self._last, said.to)

    def _data(self, said: _Said, arrived: float) -> None:
        self._recorder.answered(self.room, max(0.0, arrived - said.timestamp / 1000))
        if said.epoch == self._epoch:
            self._recorder.doubled += said.seq <= self._last
            self._recorder.lost += max(0, said.prev - self._last)
            self._last = max(self._last, said.seq)
        self._heard += 1
        if self._wanted and self._heard >= self._wanted:
            self._event.set()


def rooms(test: LoadTest) -> list[str]:
    """Each client's room, by the weights, the rooms taking turns."""
    whole = sum(test.weights.values())
    given = dict.fromkeys(test.weights, 0.0)
    found = []
    for _ in range(test.users):
        for room, weight in test.weights.items():
            given[room] += weight / whole
        room = max(given, key=lambda one: given[one])
        given[room] -= 1
        found.append(room)
    return found


async def run(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """Clients come within the first ramp and go within the last."""
    loop, began, inbox = asyncio.get_running_loop(), time.perf_counter(), Inbox()
    clients = [
        Client(number, place.stream, room, test.listeners[room], recorder, inbox=inbox) for number, room in enumerate(rooms(test))
    ]  # fmt: skip
    tasks: list[asyncio.Task[None]] = []
    recorder.paced.offered = test.users

    async def at(second: float) -> None:
        await asyncio.sleep(max(0.0, began + second - time.perf_counter()))

    try:
        for number, client in enumerate(clients):
            await at(test.up * number / test.users)
            tasks.append(loop.create_task(client.run()))
        await at(test.up + test.hold)
        recorder.paced.sent = sum(client.connected for client in clients)
        for number, task in enumerate(tasks):
            await at(test.up + test.hold + test.down * number / test.users)
            task.cancel()
    finally:
        recorder.paced.sent = recorder.paced.sent or sum(client.connected for client in clients)
        await ended(tasks)
