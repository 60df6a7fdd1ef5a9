"""The API behind a real Varnish with the product's configuration: what it keeps, what it drops, what it never keeps."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from settings.api import Api, Conditions, Scopes
from settings.cache import Cache as Settings
from settings.cache import RedisLayer
from stream import http
from stream.api.endpoints import Data, NoStore, operations
from stream.api.fresh import Fresh
from stream.auth import Authenticator
from stream.cache import origin
from stream.cache.cache import Cache
from stream.cache.edge import SECRET as HEADER
from stream.cache.sink import CacheSink
from stream.cache.tally import Tally
from stream.cache.varnish import Varnish
from stream.guard import Guard, GuardedRunner
from stream.keybook import changing
from stream.messages import Update
from stream.tokens import issue_api_key
from tests.stream.api.world import Answered, Rooms, ask, market, sentiment
from tests.stream.cache.servers import SECRET, RedisServer, VarnishServer, eventually
from tests.stream.edge.server import ROOMS, echo, guard
from tests.waiting import free_ports

BOARD = "/api/dashboard?symbols=BTC"


@dataclass
class World:
    """The API with a cache of all layers, and the edge before it."""

    edge: VarnishServer
    api: int
    cache: Cache
    sink: CacheSink
    rooms: Rooms
    fresh: Fresh

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answered:
        """By the edge; a gzip answer is not asked for."""
        return await asyncio.to_thread(ask, self.edge.port, path, method, **headers)

    async def kept(self, path: str, **headers: str) -> bool:
        """Whether the edge answered from what it held."""
        answer = await self.ask(path, **headers)
        assert answer.status == 200, answer.body
        return answer.headers["x-cache"] == "HIT"

    def tell(self, update: Update) -> None:
        """What the feed does with an update."""
        self.rooms.updates = [one for one in self.rooms.updates if (one.room, one.symbol) != (update.room, update.symbol)]
        self.rooms.updates.append(update)
        self.sink.write(update)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[RedisServer, VarnishServer, int]]:
    api = free_ports(1)[0]
    with RedisServer() as redis, VarnishServer(api) as server:
        yield redis, server, api


@asynccontextmanager
async def world(
    servers: tuple[RedisServer, VarnishServer, int], connect: http.Connect = echo, watch: Guard | None = None, **door: object
) -> AsyncIterator[World]:
    redis, server, api = servers
    redis.ask("FLUSHALL")
    server.ask("/", "PURGE", **{HEADER: SECRET, "Surrogate-Key": "all"})
    tally, rooms = Tally(), Rooms([market("BTC"), sentiment("BTC")])
    layer = Varnish(server.url, SECRET, 3600, 2.0, tally.instruments)
    async with AsyncExitStack() as stack:
        cache = await stack.enter_async_context(Cache(Settings(redis=RedisLayer(timeout="2s")), redis.address, layer, tally))
        fresh, watch = Fresh(rooms.snapshot, Conditions(), cache), watch or guard()
        offered = operations(Data(rooms.snapshot, fresh, NoStore()))
        inner = http.public(http.Door(
            connect, lambda: ROOMS, http.Figures(watch), operations=offered, edge_secret=SECRET,
            cached=origin.handler(cache, SECRET), **door,  # type: ignore[arg-type]  # options by name
        ))  # fmt: skip
        runner = GuardedRunner(inner.app, watch, inner.before, shutdown_timeout=0.2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", api).start()
        sink = CacheSink(cache, every=0.05)
        stack.push_async_callback(sink.close)
        yield World(server, api, cache, sink, rooms, fresh)


def test_public_answers_are_kept_until_the_data_change(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def story() -> None:
        async with world(servers) as here:
            await here.fresh.make(time.time())
            others = (
                "/api/cryptocurrencies",
                "/api/alerts-fast",
                "/api/trading-signals-fast?symbols=ETH,BTC",
                "/api/openapi.json",
            )
            for path in (BOARD, *others):
                await here.kept(path)
                assert await here.kept(path), path
            first = await here.ask(BOARD, Accept_Encoding="gzip")
            assert (await here.ask(BOARD, "HEAD")).headers["etag"] == first.headers["etag"]
            assert (await here.ask(BOARD, If_None_Match=first.headers["etag"])).status == 304
            assert first.headers["cache-control"] == "public, max-age=1, s-maxage=5, stale-while-revalidate=10"
            assert not {"surrogate-key", "cache-tag"} & set(first.headers)

            here.tell(market("BTC", price="123.00"))
            began = time.monotonic()

            async def told() -> bool:
                return bool((await here.ask(BOARD)).json["currencies"][0]["market"]["price"] == "123.00")

            await eventually("the new price is told", told)
            assert time.monotonic() - began < 4.5, "it was not purged, it ended"
            assert await here.kept("/api/alerts-fast"), "what does not depend on the room went with it"
            await here.fresh.make(time.time())
            assert not await here.kept("/api/alerts-fast"), "conditions made anew did not replace the old ones"

    asyncio.run(story())


def test_each_gets_the_encoding_that_it_takes_from_what_is_kept(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def story() -> None:
        async with world(servers) as here:
            path = "/api/openapi.json"
            for accepted, told in (
                ({"Accept_Encoding": "gzip, deflate, br"}, "gzip"), ({"Accept_Encoding": "br, gzip;q=0.5"}, "gzip"),
                ({}, None), ({"Accept_Encoding": "gzip;q=0"}, None), ({"Accept_Encoding": "br"}, None),
            ):  # fmt: skip
                await here.kept(path, **accepted)
                answer = await here.ask(path, **accepted)
                assert (answer.headers["x-cache"], answer.headers.get("content-encoding")) == ("HIT", told), accepted
                body = gzip.decompress(answer.body) if told else answer.body
                assert msgspec.json.decode(body)["openapi"] == "3.1.0"
            assert await here.cache._layers.edge.purge(("api:document",)) == 2  # type: ignore[union-attr]

    asyncio.run(story())


def test_an_invalidation_reaches_the_answers_made_from_the_kind(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def story() -> None:
        async with world(servers) as here:
            for pattern, paths in (
                ("sentiment:*", (BOARD,)),
                ("market-data:*", (BOARD, "/api/cryptocurrencies")),
                ("*", (BOARD, "/api/openapi.json")),
            ):
                for path in paths:
                    await here.kept(path)
                    assert await here.kept(path), path
                assert (await here.cache.invalidate(pattern))["cdn"] >= len(paths)
                for path in paths:
                    assert not await here.kept(path), (pattern, path)

    asyncio.run(story())


def test_what_depends_on_who_asks_is_never_kept(servers: tuple[RedisServer, VarnishServer, int], tmp_path: Path) -> None:
    book = tmp_path / "tokens.json"
    with changing(book) as changed:
        key = issue_api_key(changed, "program", ["read"], None, time.time())

    async def story() -> None:
        async with world(servers, api=Api(scopes=Scopes(cryptocurrencies="read")), checker=Authenticator(book)) as here:
            for name in ("X_API_Key", "Authorization"):
                for path in (BOARD, "/api/cryptocurrencies"):
                    given = {name: key if name == "X_API_Key" else f"Bearer {key}"}
                    for _ in range(2):
                        assert not await here.kept(path, **given), (name, path)
                    direct = await asyncio.to_thread(ask, here.api, path, **given)
                    assert direct.headers["cache-control"] == "private, no-cache"
                    assert "surrogate-key" not in direct.headers
            for _ in range(2):
                assert (await here.ask("/api/cryptocurrencies")).status == 401, "what was told to one was kept for others"
            for _ in range(2):  # nor is a refusal kept
                assert (await here.ask("/api/nothing")).headers["x-cache"] == "MISS"

    asyncio.run(story())


def test_what_is_cached_of_a_room_is_for_the_appliances_caches_alone(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def story() -> None:
        async with world(servers) as here:
            assert (await here.cache.set("room:market-data", [1]))["redis"]
            assert (await here.ask("/cache/room:market-data", **{HEADER: SECRET})).status == 200
            for start in ("/cache", "/%63ache", "//cache", "/./cache"):
                assert (await here.ask(f"{start}/room:market-data")).status == 404, start

    asyncio.run(story())
