"""The programming interface against real Prometheus and Alertmanager, and a server that holds Grafana's documentation."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import pytest
from aiohttp import web
from grafana_foundation_sdk.models.dashboard import Dashboard

from settings import Paths, Site, parse
from stream.monitoring import MOST_POINTS, Monitoring, NotConfiguredError, Panel, RefusedError, UnreachableError
from tests.alerts.inbox.service import alertmanager, ask
from tests.dashboards.preview.world import prometheus, running
from tests.waiting import free_ports, until

T = TypeVar("T")
PASSWORD = "correct horse"


@dataclass
class World:
    prometheus: str
    guarded: str
    alertmanager: str
    folder: Path

    def site(self, **endpoints: str) -> Site:
        known = {"prometheus": self.prometheus, "alertmanager": self.alertmanager} | endpoints
        return parse(json.dumps({"endpoints": known}))

    def run(self, do: Callable[[Monitoring], Awaitable[T]], **endpoints: str) -> T:
        async def within() -> T:
            async with Monitoring(self.site(**endpoints), paths=Paths(self.folder)) as monitoring:
                return await do(monitoring)

        return asyncio.run(within())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("monitoring")
    for name in ("open", "guarded"):
        (folder / name).mkdir()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    web_config = folder / "web.yml"
    web_config.write_text(json.dumps({"basic_auth_users": {"reader": hashed}}))
    server = alertmanager(folder / "alertmanager")
    server.start()
    try:
        with prometheus(folder / "open", {}) as plain, _guarded(folder / "guarded", web_config) as guarded:
            yield World(plain, guarded, server.url, folder)
    finally:
        server.stop()


@contextlib.contextmanager
def _guarded(folder: Path, config: Path) -> Iterator[str]:
    """A Prometheus that answers who knows the password alone."""
    port = free_ports(1)[0]
    (folder / "prometheus.yml").write_text("{}")
    command = [shutil.which("prometheus") or "prometheus", f"--config.file={folder}/prometheus.yml"]
    files = [f"--storage.tsdb.path={folder}/data", f"--web.config.file={config}"]
    with running([*command, *files, f"--web.listen-address=127.0.0.1:{port}"], folder / "log"):
        yield f"http://127.0.0.1:{port}"


def test_a_range_has_a_value_every_15_seconds(world: World) -> None:
    until("scraped", lambda: world.run(lambda m: m.metrics("up", time.time() - 30, time.time(), 1)), 20)
    end = time.time()
    found = world.run(lambda m: m.metrics("vector(7)", end - 60, end))

    assert len(found) == 1
    times = [moment for moment, _ in found[0].points]
    assert [round(later - earlier, 3) for earlier, later in pairwise(times)] == [15.0] * 4
    assert {value for _, value in found[0].points} == {7.0}
    up = world.run(lambda m: m.metrics("up", end - 5, end, 1))
    assert up[0].labels["job"] == "prometheus"


def test_a_range_beyond_one_answer_comes_in_parts_without_a_gap_or_a_twice(world: World) -> None:
    end = 1_700_000_000.0
    steps = 2 * MOST_POINTS + 500
    found = world.run(lambda m: m.metrics("time()", end - steps * 0.5, end, 0.5))

    times = [moment for moment, _ in found[0].points]
    assert len(times) == steps + 1
    assert times == [end - steps * 0.5 + index * 0.5 for index in range(steps + 1)]


def test_what_prometheus_refuses_is_told_in_its_words(world: World) -> None:
    with pytest.raises(RefusedError, match="parse error"):
        world.run(lambda m: m.metrics("rate(", 0, 60))
    with pytest.raises(ValueError, match="start before the end"):
        world.run(lambda m: m.metrics("up", 60, 0))


def test_user_and_password_open_a_guarded_prometheus(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_PASSWORD", PASSWORD)
    known = {"prometheus": world.guarded, "prometheus_username": "reader"}
    until("it answers", lambda: _answers(world.guarded), 20)
    assert world.run(lambda m: m.metrics("vector(1)", 0, 15), **known)[0].points == [(0.0, 1.0), (15.0, 1.0)]
    monkeypatch.setenv("PROMETHEUS_PASSWORD", "wrong")
    with pytest.raises(RefusedError, match="PROMETHEUS_PASSWORD"):
        world.run(lambda m: m.metrics("vector(1)", 0, 15), **known)


def _answers(url: str) -> bool:
    try:
        return ask(f"{url}/-/ready").status == 401
    except OSError:
        return False


def test_nobody_there_is_told_with_the_address(world: World) -> None:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(UnreachableError, match=nobody):
        world.run(lambda m: m.metrics("up", 0, 15), prometheus=nobody)
    with pytest.raises(UnreachableError, match=nobody):
        world.run(lambda m: m.alerts(), alertmanager=nobody)
    with pytest.raises(RefusedError, match="is it one"):
        world.run(lambda m: m.metrics("up", 0, 15), prometheus=world.alertmanager)


def test_current_alerts_with_what_keeps_them_quiet(world: World) -> None:
    now = datetime.now(UTC)
    fired = [
        {"labels": {"alertname": name, "severity": "warning"}, "annotations": {"summary": "s"}, "startsAt": now.isoformat(),
         "endsAt": (now + timedelta(hours=1)).isoformat(), "generatorURL": "http://prometheus.example/graph"}
        for name in ("Loud", "Quiet")
    ]  # fmt: skip
    silence = {
        "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(), "createdBy": "test", "comment": "test",
    }  # fmt: skip
    kind = {"Content-Type": "application/json"}
    made = ask(f"{world.alertmanager}/api/v2/silences", "POST", json.dumps(silence).encode(), kind).json
    assert ask(f"{world.alertmanager}/api/v2/alerts", "POST", json.dumps(fired).encode(), kind).status == 200

    def both() -> dict[str, str] | None:
        states = {alert.name: alert.status.state for alert in world.run(lambda m: m.alerts())}
        return states if states == {"Loud": "active", "Quiet": "suppressed"} else None

    until("Alertmanager has judged both", both)
    quiet = next(alert for alert in world.run(lambda m: m.alerts()) if alert.name == "Quiet")
    assert quiet.status.silenced_by == [made["silenceID"]]
    assert quiet.annotations == {"summary": "s"}
    assert quiet.generator_url == "http://prometheus.example/graph"
    assert abs(quiet.starts_at - now) < timedelta(seconds=1)


class Grafana:
    """What Grafana's documentation says of POST /api/dashboards/db: key, form and answers; titles are unique in a folder."""

    KEY = "glsa_test"

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}

    async def create(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.KEY}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        body = await request.json()
        assert set(body) <= {"dashboard", "folderUid", "message", "overwrite"}
        board = body["dashboard"]
        assert board["id"] is None
        assert Dashboard.from_json(board).title == board["title"]
        if board["title"] in {made["title"] for made in self.made.values()} and not body["overwrite"]:
            told = {"status": "name-exists", "message": "A dashboard with the same name in the folder already exists"}
            return web.json_response(told, status=412)
        uid = f"uid{len(self.made)}"
        self.made[uid] = board
        return web.json_response({"id": 1, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": 1, "slug": "x"})


async def _with_grafana(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grafana, app = Grafana(), web.Application()
    app.router.add_post("/api/dashboards/db", grafana.create)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site = world.site(grafana=f"http://127.0.0.1:{runner.addresses[0][1]}")
    panels = [Panel("Requests", "sum(rate(app_request_count[5m]))", "ops"), Panel("Errors", "app_error_count"), Panel("C", "up")]
    try:
        monkeypatch.setenv("GRAFANA_API_KEY", Grafana.KEY)
        async with Monitoring(site, paths=Paths(world.folder)) as monitoring:
            known = await monitoring.create_dashboard("Mine", panels)
            made = grafana.made[known]["panels"]
            assert [panel["targets"][0]["expr"] for panel in made] == [panel.expr for panel in panels]
            assert [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in made] == [(0, 0), (12, 0), (0, 8)]
            with pytest.raises(RefusedError, match="same name in the folder"):
                await monitoring.create_dashboard("Mine", panels)
            with pytest.raises(ValueError, match="at least one panel"):
                await monitoring.create_dashboard("Empty", [])
        monkeypatch.setenv("GRAFANA_API_KEY", "wrong")
        async with Monitoring(site, paths=Paths(world.folder)) as monitoring:
            with pytest.raises(RefusedError, match="Invalid API key"):
                await monitoring.create_dashboard("Other", panels)
    finally:
        await runner.cleanup()


def test_a_dashboard_is_made_in_grafana_and_its_id_comes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(_with_grafana(world, monkeypatch))


def test_without_a_grafana_making_a_dashboard_says_what_to_set(world: World) -> None:
    with pytest.raises(NotConfiguredError, match="GRAFANA_ENDPOINT"):
        world.run(lambda m: m.create_dashboard("Mine", [Panel("a", "up")]))
