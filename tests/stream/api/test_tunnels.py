"""WebSockets by a real Varnish: only handshakes get a tunnel, and nobody's tunnels take what is another's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from settings.stream import Stream
from stream.fanout import Fanout
from stream.guard import Guard
from stream.history import Bounds
from stream.hub import Hub
from stream.limits import PerAddress
from stream.messages import ROOMS
from stream.rooms import Rooms
from stream.session import Desk
from stream.tally import Tally
from stream.websocket import Endpoint
from tests.stream.api.test_edge import world
from tests.stream.cache.servers import SECRET, RedisServer, VarnishServer
from tests.stream.edge.server import ROOMS as KNOWN
from tests.stream.edge.server import Raw
from tests.waiting import free_ports

Servers = tuple[RedisServer, VarnishServer, int]
_EDGES_OWN = 128  # connections that the edge has for requests (`max_connections` of edge.vcl.j2)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    api = free_ports(1)[0]
    with RedisServer() as redis, VarnishServer(api) as server:
        yield redis, server, api


def _watch(per_address: int) -> Guard:
    return Guard(5.0, 4096, 1024, PerAddress(per_address), edge_secret=SECRET)


def _endpoint(watch: Guard) -> Endpoint:
    """The stream's own, within the running loop."""
    loop, tally = asyncio.get_running_loop(), Tally(ROOMS)
    hub = Hub(loop, Rooms(ROOMS, Bounds(), lambda: "e"), Fanout(loop, tally, 262_144), tally)
    return Endpoint(Desk(hub, tally, Stream(), None, lambda: KNOWN), watch, frozenset())


def _handshake(port: int, source: str, stack: ExitStack, forwarded: str = "") -> str:
    """The status of a handshake from an address of this machine; the connection stays until the stack ends."""
    client = stack.enter_context(Raw(port))
    client.socket.close()
    client.socket = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
    return client.shake(extra=f"X-Forwarded-For: {forwarded}\r\n" if forwarded else "").split()[1]


def test_a_client_of_the_edge_counts_by_its_own_address(servers: Servers) -> None:
    async def story() -> None:
        watch = _watch(3)
        async with world(servers, _endpoint(watch).connect, watch) as here:
            with ExitStack() as stack:

                async def ask(source: str, forwarded: str = "") -> str:
                    return await asyncio.to_thread(_handshake, here.edge.port, source, stack, forwarded)

                assert [await ask("127.0.0.2") for _ in range(4)] == ["101", "101", "101", "429"]
                assert await ask("127.0.0.2", "198.51.100.7") == "429", "what a client says of itself is not read"
                assert [await ask("127.0.0.3") for _ in range(3)] == ["101"] * 3
                assert (await here.ask("/api/rooms")).status == 200
                direct = [await asyncio.to_thread(_handshake, here.api, "127.0.0.3", stack, "198.51.100.9") for _ in range(2)]
                assert direct == ["429", "429"], "an address has its limit by whatever door"

    asyncio.run(story())


def test_websockets_take_no_place_from_requests(servers: Servers) -> None:
    async def story() -> None:
        watch = _watch(1000)
        async with world(servers, _endpoint(watch).connect, watch) as here:
            with ExitStack() as stack:
                for _ in range(_EDGES_OWN + 2):
                    assert await asyncio.to_thread(_handshake, here.edge.port, "127.0.0.2", stack) == "101"
                assert (await here.ask("/api/rooms?")).status == 200

    asyncio.run(story())


@pytest.mark.parametrize(("head", "status"), [
    ("GET /ws HTTP/1.1\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13", b"426"),  # a key that is none
    ("GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 7", b"426"),
    ("GET /ws HTTP/1.1\r\nOrigin: https://evil.example\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13", b"403"),
    ("GET /client.js HTTP/1.1\r\nSec-WebSocket-Key: x", b"200"),
    ("GET /wsx HTTP/1.1\r\nSec-WebSocket-Key: x", b"404"),
    ("GET /ws HTTP/1.1", b"426"),
])  # fmt: skip
def test_no_second_request_comes_through_a_tunnel(servers: Servers, head: str, status: bytes) -> None:
    """The second one asks for the health of the edge, which the server behind it does not know."""

    def two(port: int) -> list[bytes]:
        with Raw(port) as client:
            client.send(
                f"{head}\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                "GET /.edge/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            )
            answers = client.all()
        return [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]

    async def story() -> None:
        watch = _watch(1000)
        async with world(servers, _endpoint(watch).connect, watch) as here:
            codes = await asyncio.to_thread(two, here.edge.port)
            assert codes[0] == status
            assert codes[1:] in ([], [b"200"]), "the server behind the edge was asked past it"

    asyncio.run(story())
