"""A client of the stream in every room, and one that asks for the page: without clients there is nothing to draw of them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from metrics import websocket
from tests.appliance import Appliance, status_of
from tests.waiting import until


@contextmanager
def listening(appliance: Appliance) -> Iterator[None]:
    with connect(appliance.url("stream", "/ws").replace("http", "ws", 1), proxy=None) as socket:
        for room in websocket.ROOMS:
            socket.send(json.dumps({"type": "subscribe", "room": room}))
        threading.Thread(target=_read, args=(socket,), daemon=True).start()
        until("the page is served", lambda: status_of(appliance.url("stream", "/")) == 200)
        yield


def _read(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        deque(socket, maxlen=0)
