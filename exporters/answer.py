"""An exposition on its way to the client: in one piece where it is small, else as it is made, piece by piece."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from itertools import chain

from aiohttp import web

from metrics.formats import Format

_GZIP = 31  # zlib's window bits: the largest window, with gzip's header


async def answer(request: web.Request, parts: Iterator[bytes], wanted: Format) -> web.StreamResponse:
    """Sends the parts in the wanted format. What raises before the first part raises here; later the answer is cut off."""
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        body = gzip.compress(first, compresslevel=1, mtime=0) if wanted.gzip else first
        return web.Response(body=body, headers=wanted.headers)
    response = web.StreamResponse(headers=wanted.headers)
    await response.prepare(request)
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP) if wanted.gzip else None
    for part in chain((first, second), parts):
        # A part is of one metric, at most some megabytes; the write waits until the client has taken most of it.
        if data := packer.compress(part) if packer else part:
            await response.write(data)
    if packer:
        await response.write(packer.flush())
    await response.write_eof()
    return response
