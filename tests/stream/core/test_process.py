"""`python -m stream` as a process: how it starts, how it ends; and clients that others wrote."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from metrics.process import version
from tests.waiting import until

COMMAND = [sys.executable, "-m", "stream"]
_NODE = """
const WebSocket = require("ws");
const socket = new WebSocket(process.argv[2]);
const seen = [];
socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", room: "canary" })));
socket.on("message", (data, binary) => {
  seen.push(binary ? "binary" : JSON.parse(data).type);
  if (seen.filter((kind) => kind === "data").length === 2) socket.close(1000);
});
socket.on("close", (code) => console.log(JSON.stringify({ seen, code, extensions: socket.extensions })));
"""


@dataclass
class Running:
    """A server process: where it listens."""

    process: subprocess.Popen[str]
    url: str
    admin: str
    said: list[dict[str, object]]

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws") + "/ws"


@contextmanager
def running(home: Path, *before: str, site: str = "") -> Iterator[Running]:
    """A server with a home of its own, on its own; `before`: words that start it, `prlimit` say; `site`: more settings."""
    file = home / "site.yaml"
    settings = yaml.safe_load(f"bind: 127.0.0.1\n{site}")
    settings.setdefault("stream", {}).setdefault("bus", {"enabled": False})
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    variables = os.environ | {"WATCHFLOOR_SITE": str(file), "WATCHFLOOR_HOME": str(home)}
    words = [*before, *COMMAND, "--port", "0", "--admin-port", "0"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=variables)
    assert process.stderr is not None
    earlier: list[dict[str, object]] = []
    try:
        for line in process.stderr:
            said = json.loads(line)
            earlier.append(said)
            if said.get("event") == "listening":
                # Somebody must read on: a full pipe stops who writes, and asyncio logs each connection that it cannot take.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield Running(process, said["url"], said["admin"], earlier)
                break
        else:
            raise AssertionError(f"it ended instead of listening: {process.wait()}")
    finally:
        process.kill()
        process.wait()


async def to_the_end(client: ClientConnection) -> None:
    while True:
        await client.recv()


def test_the_websockets_library_follows_and_is_told_when_the_server_goes(tmp_path: Path) -> None:
    async def story(here: Running) -> None:
        async with connect(here.ws) as client, connect(here.ws, compression=None) as plain:
            for one in (client, plain):
                await one.send(json.dumps({"type": "subscribe", "room": "canary"}))
                kinds = [json.loads(await one.recv())["type"] for _ in range(4)]
                assert kinds == ["connection", "subscription", "initial-data", "data"]
            assert await (await client.ping()) > 0
            here.process.send_signal(signal.SIGTERM)
            for one in (client, plain):
                with pytest.raises(ConnectionClosed) as ended:
                    await to_the_end(one)
                assert ended.value.rcvd is not None
                assert (ended.value.rcvd.code, ended.value.sent and ended.value.sent.code) == (1001, 1001)

    with running(tmp_path) as here:
        began = time.monotonic()
        asyncio.run(story(here))
        assert here.process.wait(10) == 0
        assert time.monotonic() - began < 10
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(here.url.rpartition(":")[2]))):
            pass


def test_a_client_that_does_not_take_part_delays_the_end_by_five_seconds_at_most(tmp_path: Path) -> None:
    with running(tmp_path) as here:
        address = ("127.0.0.1", int(here.url.rpartition(":")[2]))
        with socket.create_connection(address) as mute, socket.create_connection(address) as half:
            mute.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            half.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
            assert b"101" in mute.recv(4096)
            here.process.send_signal(signal.SIGTERM)
            ran, before = 0.0, time.monotonic()
            while here.process.poll() is None:  # by a clock that stands still while this process does
                assert ran < 8
                time.sleep(0.05)
                now = time.monotonic()
                ran, before = ran + min(now - before, 0.2), now
            assert here.process.returncode == 0


@pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="Node and npm are not installed")
def test_nodes_ws_follows_with_compression(tmp_path: Path) -> None:
    got = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "ws"],
        check=False,
        capture_output=True,
        timeout=120,
    )
    if got.returncode != 0:
        pytest.skip("npm cannot install ws here: no registry answers")
    (tmp_path / "client.js").write_text(_NODE, encoding="utf-8")
    with running(tmp_path) as here:
        words = ["node", str(tmp_path / "client.js"), here.ws]
        said = json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout)
    assert said["seen"][:3] == ["connection", "subscription", "initial-data"]
    assert said["seen"].count("data") == 2
    assert said["code"] == 1000
    assert said["extensions"] == "permessage-deflate"


def test_health_readiness_and_metrics_answer_on_the_admin_port_alone(tmp_path: Path) -> None:
    def text(url: str) -> str:
        with urllib.request.urlopen(url, timeout=5) as answer:  # our own server
            return str(answer.read().decode())

    with running(tmp_path) as here:
        assert text(f"{here.admin}/healthz") == "ok\n"
        assert json.loads(text(f"{here.admin}/readyz"))["status"] in {"ok", "degraded"}
        until("the canary beats", lambda: 'ws_broadcasts_total{room="canary"} 2' in text(f"{here.admin}/metrics"))
        until(
            "the replay fills the market",
            lambda: 'ws_last_published_timestamp_seconds{room="market-data"}' in text(f"{here.admin}/metrics"),
        )
        with pytest.raises(urllib.error.HTTPError):
            text(f"{here.url}/metrics")


def test_what_is_wrong_at_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    def run(*words: str, site: str = "") -> subprocess.CompletedProcess[str]:
        file = tmp_path / "site.yaml"
        file.write_text(site, encoding="utf-8")
        variables = os.environ | {"WATCHFLOOR_SITE": str(file), "WATCHFLOOR_HOME": str(tmp_path)}
        return subprocess.run([*COMMAND, *words], capture_output=True, text=True, env=variables, timeout=30, check=False)

    assert run("--version").stdout.strip() == f"watchfloor stream {version()}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = run("--port", port, "--admin-port", "0")
        assert busy.returncode == 1
        assert f"127.0.0.1:{port}: in use by " in busy.stderr
        assert f"(pid {os.getpid()})" in busy.stderr
        assert "ports.stream" in busy.stderr
    wrong = run(site="stream: {limits: {subscriptions: none}}")
    assert wrong.returncode == 2
    assert "subscriptions" in wrong.stderr
    assert "Traceback" not in busy.stderr + wrong.stderr
    assert run("--port", "70000").returncode == 2


def test_too_few_descriptors_are_told_with_the_remedy(tmp_path: Path) -> None:
    with running(tmp_path, "prlimit", "--nofile=200:200") as here:
        told = [str(line["message"]) for line in here.said if line.get("event") == "descriptors"]
    assert len(told) == 1
    assert "200 are allowed" in told[0]
    assert "LimitNOFILE" in told[0]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_who_is_in_is_served_on_when_descriptors_run_out_and_others_come_in_later(tmp_path: Path, loop: str) -> None:
    async def greeted(here: Running) -> bool:
        try:
            async with connect(here.ws) as again:
                return bool(json.loads(await again.recv())["type"] == "connection")
        except (OSError, InvalidHandshake):  # as long as the server has no descriptor for it
            return False

    async def story(here: Running) -> None:
        address = ("127.0.0.1", int(here.url.rpartition(":")[2]))
        async with connect(here.ws) as first:
            await first.send(json.dumps({"type": "subscribe", "room": "canary"}))
            many = [socket.create_connection(address) for _ in range(120)]
            async with asyncio.timeout(10):
                kinds = [json.loads(await first.recv())["type"] for _ in range(6)]
            assert kinds[-3:] == ["data"] * 3
            for one in many:
                one.close()
            for _ in range(200):
                if await greeted(here):
                    return
                await asyncio.sleep(0.1)
            raise AssertionError("others are let in again")

    (tmp_path / "uvloop.py").write_text("raise ImportError\n", encoding="utf-8")
    without = ("env", f"PYTHONPATH={tmp_path}") if loop == "asyncio" else ()
    with running(tmp_path, "prlimit", "--nofile=70:70", *without) as here:
        assert str(here.said[-1]["loop"]).startswith(loop)
        asyncio.run(story(here))
        here.process.send_signal(signal.SIGTERM)
        assert here.process.wait(10) == 0


def test_it_runs_on_uvloop_and_without_it_on_asyncio_and_says_so(tmp_path: Path) -> None:
    async def story(here: Running) -> None:
        async with connect(here.ws) as client:
            await client.send(json.dumps({"type": "subscribe", "room": "canary"}))
            kinds = [json.loads(await client.recv())["type"] for _ in range(4)]
            assert kinds == ["connection", "subscription", "initial-data", "data"]
            here.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as ended:
                await to_the_end(client)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1001

    with running(tmp_path) as here:
        assert str(here.said[-1]["loop"]).startswith("uvloop ")
    (tmp_path / "uvloop.py").write_text("raise ImportError('there is no wheel')\n", encoding="utf-8")
    with running(tmp_path, "env", f"PYTHONPATH={tmp_path}") as here:
        assert here.said[-1]["loop"] == "asyncio (there is no wheel)"
        asyncio.run(story(here))
        assert here.process.wait(10) == 0
