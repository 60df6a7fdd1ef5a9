"""A bare aiohttp handler on the server's own loop: `python -m tests.bench.peers.bare_http PORT FILE` answers /bare by FILE."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from stream.loop import choose, run


async def _serve(port: int, body: bytes) -> None:
    async def bare(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/bare", bare)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(_serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()), choose()[0])
