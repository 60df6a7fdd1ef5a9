"""A stand-in for Grafana: the part of its HTTP API that is used here, written from Grafana's documentation. It is no Grafana.

What it knows of Grafana is what https://grafana.com/docs/grafana/latest/developers/http_api/ says: paths, bodies, statuses and
words. Queries are answered by a real Prometheus. What a Grafana does beyond its documentation is not shown by any test here.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.dashboards.grafana import queries
from tests.waiting import until

TOKEN = "glsa_standin"
VIEWER = "glsa_viewer"


class StandIn:
    """`boards` and `folders` by uid are what a test looks at, and changes as another person would."""

    def __init__(self, prometheus: str, interval: float = 1.0) -> None:
        self.prometheus, self.interval = prometheus, interval
        self.version = "13.1.0"
        self.url = ""
        self.folders: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.metas: dict[str, dict[str, Any]] = {}
        self.sources = [{"uid": "prom-1", "name": "Prometheus", "type": "prometheus", "isDefault": True}]
        self.posts: list[str] = []
        self.asked = 0
        self.never_answers = False
        self.session: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._authorized])
        add = app.router
        add.add_get("/api/health", self._health)
        add.add_get("/api/folders", self._list_folders)
        add.add_get("/api/folders/{uid}", self._folder)
        add.add_post("/api/folders", self._make_folder)
        add.add_delete("/api/folders/{uid}", self._remove_folder)
        add.add_get("/api/dashboards/uid/{uid}", self._board)
        add.add_post("/api/dashboards/db", self._save)
        add.add_get("/api/datasources", self._list_sources)
        add.add_get("/api/datasources/uid/{uid}", self._source)
        add.add_get("/api/datasources/uid/{uid}/resources/{path:.*}", self._resource)
        add.add_post("/api/ds/query", self._query)
        return app

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Any) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path != "/api/health" and token not in (TOKEN, VIEWER):
            return web.json_response(
                {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}, status=401
            )
        if token == VIEWER and request.method != "GET":
            words = "You'll need additional permissions to perform this action. Permissions needed: dashboards:write"
            return web.json_response({"accessErrorId": "ACE1", "message": words, "title": "Access denied"}, status=403)
        if request.method == "POST":
            self.posts.append(request.path)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"commit": "abc", "database": "ok", "version": self.version})

    async def _list_folders(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.folders.values()))

    async def _folder(self, request: web.Request) -> web.Response:
        found = self.folders.get(request.match_info["uid"])
        return web.json_response(found) if found else web.json_response({"message": "folder not found"}, status=404)

    async def _make_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["uid"] in self.folders or any(folder["title"] == body["title"] for folder in self.folders.values()):
            return web.json_response(
                {"message": "a folder with the same name already exists in the current location"}, status=409
            )
        assert len(body["uid"]) <= 40
        self.folders[body["uid"]] = {"id": len(self.folders) + 1, "uid": body["uid"], "title": body["title"]}
        return web.json_response(self.folders[body["uid"]] | {"version": 1, "url": f"/dashboards/f/{body['uid']}/x"})

    async def _remove_folder(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.folders:
            return web.json_response({"message": "folder not found"}, status=404)
        del self.folders[uid]
        for board in [board for board, meta in self.metas.items() if meta["folderUid"] == uid]:
            del self.boards[board], self.metas[board]
        return web.json_response({"message": "Folder deleted"})

    async def _board(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        if uid not in self.boards:
            return web.json_response({"message": "Dashboard not found"}, status=404)
        return web.json_response({"dashboard": self.boards[uid], "meta": self.metas[uid]})

    async def _save(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert set(body) <= {"dashboard", "folderUid", "message", "overwrite"}
        board, folder = body["dashboard"], body.get("folderUid", "")
        assert len(board["uid"]) <= 40
        if folder and folder not in self.folders:
            return web.json_response({"message": "folder not found", "status": "not-found"}, status=404)
        known = self.boards.get(board["uid"])
        if known and self.metas[board["uid"]]["provisioned"]:
            return web.json_response({"message": "Cannot save provisioned dashboard"}, status=400)
        if known and board.get("version") != known["version"] and not body["overwrite"]:
            told = {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
            return web.json_response(told, status=412)
        return web.json_response(self.keep(board, folder, known["version"] + 1 if known else 1))

    def keep(self, board: dict[str, Any], folder: str, version: int, *, provisioned: bool = False) -> dict[str, Any]:
        """Puts a dashboard there, as a save does."""
        uid = board["uid"]
        self.boards[uid] = json.loads(json.dumps(board)) | {"id": len(self.boards) + 1, "version": version}
        self.metas[uid] = {"folderUid": folder, "url": f"/d/{uid}/x", "provisioned": provisioned, "version": version}
        return {"id": 1, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": version, "slug": "x"}

    async def _list_sources(self, _: web.Request) -> web.Response:
        return web.json_response(self.sources)

    async def _source(self, request: web.Request) -> web.Response:
        found = next((source for source in self.sources if source["uid"] == request.match_info["uid"]), None)
        return web.json_response(found) if found else web.json_response({"message": "Data source not found"}, status=404)

    async def _resource(self, request: web.Request) -> web.Response:
        assert self.session
        url = f"{self.prometheus}/{request.match_info['path']}"
        async with self.session.get(url, params=request.query) as response:
            return web.json_response(await response.json(), status=response.status)

    async def _query(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked += 1
        if self.never_answers:
            await asyncio.Event().wait()
        assert self.session
        results = {
            query["refId"]: await queries.answered(self.session, self.prometheus, query, body, self.interval)
            for query in body["queries"]
        }
        status = max(result["status"] for result in results.values())
        return web.json_response({"results": results}, status=status if status < 300 else 400)


@contextmanager
def running(prometheus: str, interval: float = 1.0) -> Iterator[StandIn]:
    """A stand-in on a free port, in a thread of its own."""
    made, loop, end = StandIn(prometheus, interval), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with aiohttp.ClientSession() as made.session:
            runner = web.AppRunner(made.app(), shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            await end.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    until("the stand-in listens", lambda: made.url)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()
