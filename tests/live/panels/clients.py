"""Clients of the stream that do what a good one does not: too many, too slow, wrong, lost, and programs with odd questions."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from metrics import websocket
from tests.appliance import Appliance
from tests.waiting import until

_CROWD, _FROM = 230, "127.0.0.9"  # more than the stream lets in from one address
_HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
_UNMASKED = b"\x81\x02hi"  # a client must mask
_PATIENT = "127.0.0.11"  # the address of the slow client: what others did a moment ago does not count against it
# Seconds in which a slow client only listens, and newer messages replace those that wait: each symbol has one in five.
_LISTENS = 8.0
_HISTORY = 5000  # messages of a room, half of what the server keeps
_AT_ONCE = 600  # programs that ask the models
_STANDS = 0.1  # seconds for which the models stand still: twice what their objective allows


@contextmanager
def crowd(appliance: Appliance) -> Iterator[None]:
    """One address opens more connections than it may."""
    with contextlib.ExitStack() as held:
        for _ in range(_CROWD):
            held.enter_context(_socket(appliance, _FROM))
        yield


def _socket(appliance: Appliance, source: str = "") -> socket.socket:
    return socket.create_connection(("127.0.0.1", appliance.site.ports.stream), 5, (source, 0) if source else None)


def _narrow(appliance: Appliance) -> socket.socket:
    """A connection whose kernel takes next to nothing for it: the size counts only where it is set before connecting."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    wire.settimeout(5)
    wire.bind((_PATIENT, 0))
    wire.connect(("127.0.0.1", appliance.site.ports.stream))
    return wire


@contextmanager
def broken_frames(appliance: Appliance) -> Iterator[None]:
    """A program whose frames are not masked; and a page of a foreign origin."""
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.5):
            with contextlib.suppress(OSError), _socket(appliance) as wire:
                key = base64.b64encode(os.urandom(16)).decode()
                wire.sendall(_HANDSHAKE.format(port=appliance.site.ports.stream, key=key).encode())
                wire.recv(4096)
                wire.sendall(_UNMASKED)
                wire.recv(4096)
            with contextlib.suppress(OSError, WebSocketException):
                connect(_address(appliance), proxy=None, origin=Origin("https://elsewhere.example")).close()

    with repeated(send, stop):
        yield


def _address(appliance: Appliance) -> str:
    return appliance.url("stream", "/ws").replace("http", "ws", 1)


@contextmanager
def repeated(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """Runs `work`, which ends when `stop` is set, beside the block."""
    program = threading.Thread(target=work, daemon=True)
    program.start()
    try:
        yield
    finally:
        stop.set()
        program.join()


@contextmanager
def halting(process: int, seconds: float) -> Iterator[None]:
    """A process that stands still every now and then, as on a machine that is too small; what it missed it does at once."""
    stop = threading.Event()

    def halt() -> None:
        while not stop.wait(seconds):
            os.kill(process, signal.SIGSTOP)
            stop.wait(seconds)
            os.kill(process, signal.SIGCONT)

    with repeated(halt, stop):
        yield


@contextmanager
def lost_places(appliance: Appliance) -> Iterator[None]:
    """Clients that come back with a place in a room: one that is known, and one of a numbering that is over."""
    stop = threading.Event()

    def come_back() -> None:
        while not stop.wait(0.3):
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                _come_back(appliance)

    with repeated(come_back, stop):
        yield


def _rooms(client: ClientConnection) -> dict[str, Any]:
    """What the stream tells of each room, by its name."""
    client.send(json.dumps({"type": "list"}))
    while (said := json.loads(client.recv(timeout=5)))["type"] != "rooms":
        pass
    return {one["room"]: one for one in said["rooms"]}


def _place(appliance: Appliance, room: str) -> dict[str, Any]:
    """A place in a room from which its history is told: of more than the server keeps it tells a gap, and nothing else."""
    with connect(_address(appliance), proxy=None, source_address=(_PATIENT, 0)) as client:
        known = _rooms(client)[room]
    return {"room": room, "after": max(0, known["seq"] - _HISTORY), "epoch": known["epoch"]}


def _come_back(appliance: Appliance) -> None:
    room = websocket.ROOMS[0]
    with connect(_address(appliance), proxy=None) as client:
        known = _rooms(client)[room]
        for epoch in (known["epoch"], "a-numbering-of-before"):
            client.send(json.dumps({"type": "subscribe", "room": room, "after": max(0, known["seq"] - 3), "epoch": epoch}))
            client.recv(timeout=5)


@contextmanager
def slow_reader(appliance: Appliance) -> Iterator[None]:
    """A client that subscribes again and again, and reads nothing of what it is told; for some seconds it only listens."""
    stop = threading.Event()

    def subscribe() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, WebSocketException, TimeoutError), _narrow(appliance) as wire:
                key = base64.b64encode(os.urandom(16)).decode()
                wire.sendall(_HANDSHAKE.format(port=appliance.site.ports.stream, key=key).encode())
                wire.recv(128)
                again = {"type": "subscribe", **_place(appliance, websocket.ROOMS[0])}
                wire.sendall(_masked(json.dumps({"type": "subscribe", "room": websocket.ROOMS[1]}).encode()))
                listened = False
                while not stop.wait(0.1):  # 20 a second: with more it would be closed for that
                    if not listened and appliance.value(f"max({websocket.SLOW.name})"):
                        listened = True
                        stop.wait(_LISTENS)
                    # A room's history again, each time: what is told from there is not conflated, the other room's news are.
                    wire.sendall(_masked(json.dumps(again).encode()))

    with repeated(subscribe, stop):
        yield


def _masked(text: bytes) -> bytes:
    """A text frame of a client, shorter than 65,536 bytes."""
    mask = os.urandom(4)
    size = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0xFE]) + len(text).to_bytes(2)
    return b"\x81" + size + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))


@contextmanager
def odd_questions(appliance: Appliance) -> Iterator[None]:
    """Many programs ask the models at once, some about coins that nobody knows, and on a machine that is too small for them.

    None asks by the stream, which limits it.
    """
    stop = threading.Event()
    port = appliance.site.ports.analysis
    odd, good = (_question(port, coin) for coin in ("no-such-coin", "bitcoin"))

    there = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), contextlib.ExitStack() as held:
                programs = [held.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(_AT_ONCE)]
                there.set()
                while not stop.is_set():
                    for place, one in enumerate(programs):
                        one.sendall(good if place % 4 else odd)
                    for one in programs:
                        one.recv(65_536)

    with repeated(ask, stop):
        # A process that stands still takes nobody: whoever came then would wait for seconds to try again.
        until("all are connected", there.is_set, 30)
        with halting(appliance.process("analysis").pid, _STANDS):
            yield


def _question(port: int, coin: str) -> bytes:
    body = json.dumps({"type": "ensemble-decision", "crypto_id": coin}).encode()
    head = f"POST /analyze HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
