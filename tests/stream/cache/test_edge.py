"""The third layer on a real Varnish with the product's configuration, in front of the product's own origin."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from compose import edge as composed
from metrics import cache
from settings.cache import Cache as Settings
from settings.cache import RedisLayer
from stream.cache import edge, origin, varnish
from stream.cache.cache import Cache, Item
from stream.cache.edge import SECRET as HEADER
from stream.cache.origin import edge_headers
from stream.cache.tally import Tally
from stream.cache.varnish import Varnish
from tests.stream.cache.servers import SECRET, RedisServer, VarnishServer, eventually
from tests.stream.cache.test_shared import counted, run
from tests.waiting import free_ports

BTC = "market-data:BTC"
WANTED = Settings(jitter=0.0, redis=RedisLayer(timeout="2s"))


@dataclass
class World:
    """A cache with all layers, the API that the edge stands before, and what that API was asked."""

    cache: Cache
    redis: RedisServer
    edge: VarnishServer
    asked: list[str] = field(default_factory=list)

    def forget_above(self) -> None:
        """Memory and Redis lose everything; the edge does not."""
        self.cache._memory.clear()
        self.redis.ask("FLUSHALL")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[RedisServer, VarnishServer, int]]:
    api = free_ports(1)[0]
    with RedisServer() as redis, VarnishServer(api) as server:
        yield redis, server, api


@asynccontextmanager
async def world(servers: tuple[RedisServer, VarnishServer, int], limit: float = 2.0) -> AsyncIterator[World]:
    redis, server, api = servers
    redis.ask("FLUSHALL")
    server.ask("/", "PURGE", **{HEADER: SECRET, "Surrogate-Key": "all hot"})
    async with AsyncExitStack() as stack:
        tally = Tally()
        layer = Varnish(server.url, SECRET, 3600, limit, tally.instruments)
        made = World(await stack.enter_async_context(Cache(WANTED, redis.address, layer, tally)), redis, server)
        runner = web.AppRunner(_api(made))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", api).start()
        await eventually("it listens", lambda: made.cache.coherent)
        yield made


def _api(made: World) -> web.Application:
    """The origin, and an endpoint as the API's hot ones."""

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        made.asked.append(request.path_qs)
        return await handler(request)

    async def hot(request: web.Request) -> web.Response:
        headers = edge_headers(("hot",), 60) if "private" not in request.query else {"Cache-Control": "private"}
        return web.json_response({"asked": len(made.asked), "from": request.headers.get("X-Forwarded-For")}, headers=headers)

    app = web.Application(middlewares=[noted])
    app.router.add_get(origin.ROUTE, origin.handler(made.cache, SECRET))
    app.router.add_get("/api/hot", hot)
    return app


def test_both_sides_agree_on_words() -> None:
    assert (composed.HEALTH, composed.SECRET_HEADER, composed.PURGED_HEADER) == (varnish.HEALTH, edge.SECRET, varnish.DROPPED)


def test_a_value_is_written_through_to_the_edge_and_found_there(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            assert await made.cache.set(BTC, {"price": 1}, tags=("prices",)) == {"memory": True, "redis": True, "cdn": True}
            assert made.asked == [f"/cache/{BTC}"]
            made.forget_above()
            found = await made.cache.get(BTC)

            assert (found.source, found.data, found.hit) == ("cdn", {"price": 1}, True)
            assert made.asked == [f"/cache/{BTC}"]
            # The layers above the hit are filled.
            assert (await made.cache.get(BTC)).source == "memory"
            made.cache._memory.clear()
            assert (await made.cache.get(BTC)).source == "redis"
            assert await made.cache.set(BTC, {"price": 2}) == {"memory": True, "redis": True, "cdn": True}
            made.forget_above()
            assert (await made.cache.get(BTC)).data == {"price": 2}

    run(work)


def test_a_value_that_comes_in_many_pieces_is_found_whole(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            large = {"text": secrets.token_hex(450_000)}
            assert await made.cache.set(BTC, large) == {"memory": True, "redis": True, "cdn": True}
            made.forget_above()
            found = await made.cache.get(BTC)
            assert (found.source, found.data) == ("cdn", large)

    run(work)


def test_a_value_that_was_removed_before_the_edge_came_for_it_is_no_failure(
    servers: tuple[RedisServer, VarnishServer, int],
) -> None:
    async def work() -> None:
        async with world(servers) as made:
            assert (await made.cache.set(BTC, 1))["cdn"]
            layer = made.cache._layers.edge
            assert layer
            made.redis.ask("DEL", "crypto:" + BTC)
            await layer.refill((BTC,))
            assert counted(made.cache, cache.ERRORS, "cdn", "refused") == 0
            assert await layer.get(BTC) is None, "the edge is rid of it, too"

    run(work)


def test_a_miss_everywhere_never_reaches_the_api(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            answers = await asyncio.gather(*(made.cache.get(f"sentiment:{number % 20}") for number in range(200)))

            assert {(answer.source, answer.hit) for answer in answers} == {("none", False)}
            assert made.asked == []
            assert counted(made.cache, cache.MISSES, "cdn") == 20
            assert made.cache.degraded == []

    run(work)


def test_the_origin_itself_answers_only_the_edge_and_asks_nobody(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            await made.cache.set(BTC, 1)
            session = made.cache._layers.edge.session  # type: ignore[union-attr]
            url = f"http://127.0.0.1:{servers[2]}/cache/{BTC}"
            for headers, status in (
                ({}, 404),
                ({HEADER: "guessed"}, 404),
                ({HEADER: SECRET}, 200),
                ({HEADER: SECRET, "Cache-Control": "only-if-cached"}, 504),
            ):
                async with session.get(url, headers=headers) as response:
                    assert response.status == status, headers
            for key in ("sentiment:BTC", "@lock:x", "%20"):
                async with session.get(url.replace(BTC, key), headers={HEADER: SECRET}) as response:
                    assert response.status == 410, key

    run(work)


def test_an_invalidation_purges_its_tag_and_nothing_else(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            await made.cache.set_many([Item(f"market-data:{number}", number) for number in range(5)])
            await made.cache.set_many([Item("sentiment:BTC", 1), Item("analysis:BTC:risk", 1), Item("analysis:ETH:risk", 1)])

            assert await made.cache.invalidate("market-data:*") == {"memory": 5, "redis": 5, "cdn": 5}
            made.forget_above()
            assert (await made.cache.get("market-data:3")).source == "none"
            assert (await made.cache.get("sentiment:BTC")).source == "cdn"
            assert (await made.cache.invalidate("analysis:BTC:*"))["cdn"] == 1
            assert (await made.cache.get("analysis:ETH:risk")).source == "cdn"
            assert (await made.cache.invalidate("*"))["cdn"] == 2

    run(work)


def test_values_that_end_are_not_served_by_the_edge(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            await made.cache.set(BTC, None)
            headers = {HEADER: SECRET}
            status, told, _ = await asyncio.to_thread(made.edge.ask, f"/cache/{BTC}", **headers)
            assert (status, told["cache-control"]) == (200, "public, max-age=0, s-maxage=4")
            assert not {"surrogate-key", "cache-tag", "xkey", "via"} & set(told)

    run(work)


def test_a_poisoned_object_of_the_edge_is_a_miss_and_purged(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        async with world(servers) as made:
            await made.cache.set("other", 1)
            stored = await made.cache.stored("other")
            assert stored
            poisoned = stored._replace(data=stored.data[:-1])

            async def broken(key: str) -> object:
                return poisoned if key == BTC else None

            made.cache.stored = broken  # type: ignore[method-assign, assignment]  # an origin that serves half a value
            await made.cache._layers.edge.refill([BTC, BTC])  # type: ignore[union-attr]
            assert (await made.cache.get(BTC)).source == "none"
            assert counted(made.cache, cache.ERRORS, "cdn", "poisoned") == 1
            before = counted(made.cache, cache.MISSES, "cdn")
            assert (await made.cache.get(BTC)).source == "none"
            assert counted(made.cache, cache.ERRORS, "cdn", "poisoned") == 1
            assert counted(made.cache, cache.MISSES, "cdn") == before + 1

    run(work)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("PURGE", "/", {"Surrogate-Key": "all"}, 403),
        ("PURGE", "/", {"Surrogate-Key": "all", HEADER: "guessed"}, 403),
        ("GET", f"/cache/{BTC}", {}, 404),
        ("GET", f"/cache/{BTC}", {HEADER: "guessed", "Cache-Control": "only-if-cached"}, 404),
        ("POST", f"/cache/{BTC}", {HEADER: SECRET}, 405),
        ("DELETE", f"/cache/{BTC}", {HEADER: SECRET}, 405),
    ],
)
def test_the_edge_refuses_strangers(
    servers: tuple[RedisServer, VarnishServer, int], method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert servers[1].ask(path, method, **headers)[0] == status


def test_hot_public_answers_of_the_api_are_kept_and_private_ones_are_not(
    servers: tuple[RedisServer, VarnishServer, int],
) -> None:
    async def work() -> None:
        async with world(servers) as made:

            async def ask(path: str, **headers: str) -> tuple[str, bytes]:
                status, told, body = await asyncio.to_thread(made.edge.ask, path, **headers)
                assert status == 200
                return told["x-cache"], body

            first = await ask("/api/hot?b=2&a=1")
            again = await ask("/api/hot?a=1&b=2", Cookie="a=b")
            assert (first[0], again[0], first[1]) == ("MISS", "HIT", again[1])
            assert (await ask("/api/hot?a=1&b=2", Authorization="Bearer x"))[0] == "MISS"
            assert (await ask("/api/hot?a=1&b=2", X_API_Key="x"))[0] == "MISS"
            for _ in range(2):
                assert (await ask("/api/hot?private"))[0] == "MISS"
            assert b'"from": "127.0.0.1"' in first[1]
            assert await made.cache._layers.edge.purge(("hot",)) == 1  # type: ignore[union-attr]
            assert (await ask("/api/hot?a=1&b=2"))[0] == "MISS"

    run(work)


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_varnish_that_goes_is_told_costs_little_and_is_found_again_without_what_it_missed(how: str) -> None:
    async def work() -> None:
        api = free_ports(1)[0]
        with RedisServer() as redis, VarnishServer(api) as server:
            async with world((redis, server, api), limit=1.0) as made:
                await made.cache.set_many([Item(BTC, "old"), Item("sentiment:BTC", 1)])
                getattr(server, how)()
                made.forget_above()
                assert (await made.cache.get(BTC)).source == "error"
                await eventually("it is told", lambda: made.cache.degraded == ["the edge cache does not answer"])
                assert await made.cache.set(BTC, "new") == {"memory": True, "redis": True, "cdn": False}
                assert (await made.cache.invalidate("sentiment:*"))["cdn"] == -1
                assert (await made.cache.get("analysis:BTC:risk")).source == "error"

                server.thaw() if how == "freeze" else server.start()
                await eventually("it is found again", lambda: not made.cache.degraded)
                made.forget_above()
                assert (await made.cache.get(BTC)).source == "none"
                assert (await made.cache.get("sentiment:BTC")).source == "none"
                assert (await made.cache.set(BTC, 3))["cdn"]

    run(work)


def test_an_api_that_is_away_fails_the_refill_and_not_the_edge(servers: tuple[RedisServer, VarnishServer, int]) -> None:
    async def work() -> None:
        redis, server, _ = servers
        tally = Tally()
        layer = Varnish(server.url, SECRET, 3600, 2.0, tally.instruments)
        async with Cache(WANTED, redis.address, layer, tally) as one:
            assert await one.set(BTC, 1) == {"memory": True, "redis": True, "cdn": False}
            assert one.degraded == []
            assert (await one.invalidate("*"))["cdn"] == 0

    run(work)
