"""A guarded server with the API on values that a test gives, and a client that sees every byte's meaning."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from settings.api import Api, Conditions
from stream.api.endpoints import Data, NoStore, Store, operations
from stream.api.fresh import Fresh
from stream.messages import MARKET, ONCHAIN, SENTIMENT, Update
from tests.stream.edge.server import Running, guard, serving

NOW = 1_795_000_000_000


def market(symbol: str, price: str = "100.00", **more: Any) -> Update:
    data = {
        "symbol": symbol,
        "price": price,
        "time": NOW,
        "change_24h": 1.5,
        "volume_24h": "5000",
        "market_cap": None,
        "volume": "3",
    }
    return Update(MARKET, symbol, data | more, NOW)


def onchain(symbol: str, **more: Any) -> Update:
    return Update(ONCHAIN, symbol, {"symbol": symbol, "time": NOW, "mvrv": 1.2, "netflow": 3.0} | more, NOW)


def sentiment(symbol: str, index: float = 50.0) -> Update:
    return Update(SENTIMENT, symbol, {"symbol": symbol, "time": NOW, "fear_greed_index": index, "latest": {}}, NOW)


@dataclass
class Rooms:
    """What the rooms know; a test changes it."""

    updates: list[Update] = field(default_factory=list)

    def snapshot(self, room: str) -> Sequence[Update]:
        return [update for update in self.updates if update.room == room]


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class World:
    """`make` is what the server does each second."""

    running: Running
    rooms: Rooms
    fresh: Fresh

    def make(self, at: float | None = None) -> None:
        asyncio.run(self.fresh.make(time.time() if at is None else at))

    def ask(self, path: str, method: str = "GET", body: bytes | str | None = None, **headers: str) -> Answered:
        return ask(self.running.port, path, method, body, **headers)


def ask(port: int, path: str, method: str = "GET", body: bytes | str | None = None, **headers: str) -> Answered:
    """One request with exactly these headers beside Host; underscores in names are hyphens. Names come back in lower case."""
    body = body.encode() if isinstance(body, str) else body
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@contextmanager
def world(updates: Sequence[Update] = (), *, api: Api | None = None, store: Store | None = None, **door: Any) -> Iterator[World]:
    rooms, settings = Rooms(list(updates)), api or Api()
    fresh = Fresh(rooms.snapshot, Conditions())
    offered = operations(Data(rooms.snapshot, fresh, store or NoStore()))
    with serving(guard(), api=settings, operations=offered, **door) as running:
        yield World(running, rooms, fresh)
