"""Cloudflare, against a local server that checks each request against its documentation.

https://developers.cloudflare.com/api/resources/cache/methods/purge/: POST /zones/{zone_id}/purge_cache, a bearer token, a JSON
body with exactly one of purge_everything, files, tags, hosts, prefixes; at most 100 of them; the answer's `success`, `errors`,
`messages` and `result.id`. Tags: no spaces, printable ASCII (how-to/purge-cache/purge-by-tags/).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from metrics import cache
from metrics.instruments import Instruments
from settings import Paths, SettingsError, parse
from stream.cache.build import build_edge
from stream.cache.cloudflare import Cloudflare
from stream.cache.guard import LayerError
from tests.stream.cache.servers import eventually

ZONE, KEY = "023e105f4ecef8ad9ca31a8372d0c353", "a-token"
_ONE_OF = {"purge_everything", "files", "tags", "hosts", "prefixes"}


def answered(*, success: bool, status: int = 200, message: str = "") -> web.Response:
    errors = [] if success else [{"code": 10000, "message": message}]
    body = {"success": success, "errors": errors, "messages": [], "result": {"id": ZONE} if success else None}
    return web.json_response(body, status=status)


def complaint(body: Any) -> str:
    """What the documentation has against a purge's body; empty when nothing."""
    if not isinstance(body, dict) or len(body) != 1 or not set(body) <= _ONE_OF:
        return "exactly one kind of purge"
    values = next(iter(body.values()))
    if not isinstance(values, list) or not 1 <= len(values) <= 100:
        return "1 to 100 of a kind"
    good = r"[!-+\--~]+" if "tags" in body else r"https?://[^\s]+"
    return "" if all(re.fullmatch(good, value) for value in values) else f"a value that is none: {values}"


class Api:
    """The local server: the zone's API, and the zone's content, which it holds by URL and tags as its origin would give it."""

    def __init__(self) -> None:
        self.purges: list[Any] = []
        self.complaints: list[str] = []
        self.busy = False
        self.content: dict[str, bytes] = {}

    async def purge(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return answered(success=False, status=403, message="Authentication error")
        if self.busy:
            return answered(success=False, status=429, message="rate limited")
        body = json.loads(await request.read())
        if request.content_type != "application/json" or (wrong := complaint(body)):
            self.complaints.append(wrong)
            return answered(success=False, status=400, message=wrong)
        self.purges.append(body)
        return answered(success=True)

    async def zone(self, request: web.Request) -> web.Response:
        return answered(success=request.headers.get("Authorization") == f"Bearer {KEY}" and not self.busy)

    async def page(self, request: web.Request) -> web.Response:
        only = request.headers.get("Cache-Control") == "only-if-cached"
        body = self.content.get(request.match_info["key"])
        return web.Response(status=504) if only and body is None else web.Response(body=body or b"fetched")


@asynccontextmanager
async def cloudflare(key: str = KEY) -> AsyncIterator[tuple[Cloudflare, Api, Instruments]]:
    api, counts = Api(), Instruments(cache.COUNTED)
    app = web.Application()
    app.router.add_post(f"/client/v4/zones/{ZONE}/purge_cache", api.purge)
    app.router.add_get(f"/client/v4/zones/{ZONE}", api.zone)
    app.router.add_get("/cache/{key}", api.page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    edge = Cloudflare(url, "", 3600, 0.05, counts, zone=ZONE, key=key, api=url + "/client/v4")
    try:
        yield edge, api, counts
    finally:
        await edge.close()
        await runner.cleanup()


def test_purges_are_as_documented_and_split_at_a_hundred() -> None:
    async def work() -> None:
        async with cloudflare() as (edge, api, _):
            assert await edge.purge(("market-data", "analysis:BTC:risk")) == 1
            assert await edge.purge([f"market-data:{number}" for number in range(250)]) == 3
            await edge.discard("market-data:BTC")

            assert api.complaints == []
            assert api.purges[0] == {"tags": ["market-data", "analysis:BTC:risk"]}
            assert [len(purge["tags"]) for purge in api.purges[1:4]] == [100, 100, 50]
            assert api.purges[4]["files"][0].endswith("/cache/market-data:BTC")

    asyncio.run(work())


def test_a_question_is_only_for_what_is_cached_and_a_refill_purges_first() -> None:
    async def work() -> None:
        async with cloudflare() as (edge, api, _):
            assert await edge.get("market-data:BTC") is None
            api.content["market-data:BTC"] = b"held"
            assert await edge.get("market-data:BTC") == b"held"
            await edge.refill(["market-data:BTC"])
            assert api.purges == [{"tags": ["market-data:BTC"]}]

    asyncio.run(work())


def test_a_refused_token_and_a_rate_limit_are_told_and_what_was_missed_is_purged_later() -> None:
    async def work() -> None:
        async with cloudflare("wrong") as (edge, _, counts):
            with pytest.raises(LayerError):
                await edge.purge(("all",))
            assert edge.guard.open
            assert dict(_values(counts))["cdn", "refused"] == 1
        async with cloudflare() as (edge, api, _):
            api.busy = True
            with pytest.raises(LayerError):
                await edge.purge(("market-data",))
            api.busy = False
            await eventually("it works again", lambda: not edge.guard.open)
            assert api.purges == [{"tags": ["market-data"]}]

    asyncio.run(work())


def _values(counts: Instruments) -> list[tuple[tuple[str, ...], float]]:
    return [(labels, value) for metric, labels, value in counts.collect() if metric is cache.ERRORS]  # type: ignore[misc]


def test_a_zone_in_the_settings_or_the_environment_makes_it_cloudflare(tmp_path: Any) -> None:
    counts, paths = Instruments(cache.COUNTED), Paths(tmp_path)
    given = {"CDN_ZONE_ID": ZONE}

    assert isinstance(build_edge(parse("", environment=given), paths, counts, {"CDN_API_KEY": KEY}), Cloudflare)
    assert not isinstance(build_edge(parse(""), paths, counts, {"CDN_API_KEY": KEY}), Cloudflare)
    assert build_edge(parse("cache: {edge: {enabled: false}}"), paths, counts, {}) is None
    with pytest.raises(SettingsError, match=r"cache.edge.zone_id: names a zone that nothing may purge: give .*CDN_API_KEY"):
        build_edge(parse("", environment=given), paths, counts, {})
    with pytest.raises(SettingsError, match="CDN_ZONE_ID: is 'x': give the 32 hexadecimal digits of a Cloudflare zone"):
        parse("", environment={"CDN_ZONE_ID": "x"})
