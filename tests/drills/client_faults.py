"""Faults of the stream's clients: gone all at once, knocking at a closed door, reading nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from metrics import websocket
from stream.messages import MARKET
from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.waiting import until

_HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
_FOREIGN = "Origin: https://elsewhere.example\r\n"
_HELD = 20  # seconds for which a client that reads nothing stays
_SUBSCRIBE = {"type": "subscribe", "room": MARKET}
_MISSED = 9_000  # messages: a room remembers some more, and they are far more than wait for one client
_SEGMENT = 536  # bytes: of a slow line, for which the kernel keeps little


def _connected(appliance: Appliance, *, more: str = "", slow: bool = False) -> socket.socket:
    """A client's socket, its handshake sent and answered."""
    wire = socket.socket()
    try:
        if slow:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(5)
        port = appliance.site.ports.stream
        wire.connect(("127.0.0.1", port))
        wire.sendall(_HANDSHAKE.format(port=port, key=base64.b64encode(os.urandom(16)).decode(), more=more).encode())
        assert wire.recv(512), "the stream closed the connection"
    except BaseException:
        wire.close()
        raise
    return wire


@contextlib.contextmanager
def _programs(count: int, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """So many programs that do it again and again, until the block ends."""
    stop = threading.Event()

    def go() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, AssertionError, WebSocketException):  # closed, or restarted: they come back
                work(stop)

    threads = [threading.Thread(target=go, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def lose_connections(count: int) -> Fault:
    """A load balancer between clients and stream fails: so many connections end without a word."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        held = [_connected(appliance) for _ in range(count)]
        seen = f"max({websocket.CONNECTIONS.name}) >= {count}"
        until("the clients are counted", lambda: appliance.query(seen), 30)
        for wire in held:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, and no close
            wire.close()
        yield

    return fault


def refuse_handshakes(per_second: float) -> Fault:
    """A page of another origin, which the stream does not let in, and which tries again and again."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        def knock(stop: threading.Event) -> None:
            stop.wait(1 / per_second)
            _connected(appliance, more=_FOREIGN).close()

        with _programs(1, knock):
            yield

    return fault


def read_nothing(count: int) -> Fault:
    """Clients on slow lines come back for the prices that they missed, and read nothing of them."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        def hold(stop: threading.Event) -> None:
            epoch, seq = _position(appliance)
            missed = _SUBSCRIBE | {"after": max(0, seq - _MISSED), "epoch": epoch}
            with contextlib.closing(_connected(appliance, slow=True)) as wire:
                wire.sendall(_masked(json.dumps(missed).encode()))
                stop.wait(_HELD)

        with _programs(count, hold):
            yield

    return fault


def _position(appliance: Appliance) -> tuple[str, int]:
    """The numbering of prices, and how far it is."""
    with connect(appliance.url("stream", "/ws").replace("http", "ws", 1), proxy=None, open_timeout=5) as client:
        client.send(json.dumps(_SUBSCRIBE))
        told: dict[str, Any] = {}
        while told.get("type") != "initial-data":
            told = json.loads(client.recv(timeout=5))
    return str(told["epoch"]), int(told["seq"])


def _masked(text: bytes) -> bytes:
    """A text frame of a client, shorter than 126 bytes."""
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
