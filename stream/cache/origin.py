"""What the edge fetches: `GET /cache/<key>`, answered from layer 2 alone, for nobody but the edge."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from aiohttp import web

from stream.cache.cache import Cache
from stream.cache.edge import ONLY_IF_CACHED, SECRET
from stream.cache.guard import LayerError
from stream.cache.keys import checked_key, tags

_PATH = "/cache/"
ROUTE = _PATH + "{key}"
CONTENT_TYPE = "application/vnd.watchfloor.cache"
_NOTHING = {"Cache-Control": "no-store"}


def is_edge(request: web.BaseRequest, secret: str) -> bool:
    """Whether a request comes from the appliance's own edge, or from one of its caches."""
    return bool(secret) and hmac.compare_digest(request.headers.get(SECRET, "").encode(), secret.encode())


def is_fetch(request: web.BaseRequest, secret: str) -> bool:
    """Whether the edge, or a cache of ours, fetches what is cached: it vouches for paths that it read as such.

    Of one that only becomes such a path by decoding (`/%63ache/…`) it did not know what it is: a stranger may have asked.
    """
    return request.raw_path.startswith(_PATH) and is_edge(request, secret)


def edge_headers(names: Iterable[str], seconds: float, *, own: int = 0, stale: int = 0) -> dict[str, str]:
    """The headers by which an answer may be kept at the edge for so long, and purged by each of these tags.

    A client's own cache, which nobody can purge, keeps it for `own` seconds. For `stale` seconds more the edge may tell it while
    it fetches the next one.
    """
    known = tuple(dict.fromkeys(names))
    after = f", stale-while-revalidate={stale}" if stale else ""
    return {
        "Cache-Control": f"public, max-age={own}, s-maxage={max(1, int(seconds))}{after}",
        "Surrogate-Key": " ".join(known),
        "Cache-Tag": ",".join(known),
    }


def handler(cache: Cache, secret: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of `ROUTE`. Without the secret there is no such page.

    504 for a question that is only for what is cached: an edge that forwards it holds nothing, and must not ask on. 410 for what
    layer 2 does not have (any more), 503 while it does not answer.
    """

    async def serve(request: web.Request) -> web.StreamResponse:
        if not is_fetch(request, secret):
            raise web.HTTPNotFound
        if ONLY_IF_CACHED in request.headers.get("Cache-Control", ""):
            return web.Response(status=HTTPStatus.GATEWAY_TIMEOUT, headers=_NOTHING)
        try:
            packed = await cache.stored(checked_key(request.match_info["key"]))
        except ValueError:
            packed = None
        except LayerError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=_NOTHING)
        if packed is None:
            return web.Response(status=HTTPStatus.GONE, headers=_NOTHING)
        entry = packed.entry
        left = min(cache.edge_ttl, entry.expires / 1000 - time.time())
        headers = edge_headers((*tags(entry.key), *entry.tags), left)
        return web.Response(body=packed.data, content_type=CONTENT_TYPE, headers=headers)

    return serve
