"""The HTTP side of the public port: headers, problems, discovery, figures."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import web

from metrics import app as declared
from metrics.catalog import _recorded_recording
from metrics.expose import Renderer
from settings.api import Api
from stream import frames_in
from stream.limits import networks
from stream.middleware import POLICY
from stream.refusals import REFUSALS
from tests.stream.core.serving import becomes
from tests.stream.edge.server import Raw, Running, guard, serving
from tests.waiting import until


async def _breaks(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0)
    raise RuntimeError("a secret of the inside")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving(guard(), allowed_origins=("https://partner.example",), hosts=frozenset({"ours.example"})) as server:
        yield server


def _ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Message, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.mark.parametrize(
    "path", ["/", "/client.js", "/assets/page.js", "/assets/base.css", "/api/rooms", "/nothing", "/assets/x"]
)
def test_every_answer_has_the_security_headers_and_an_id(running: Running, path: str) -> None:
    _, headers, _ = _ask(running.port, path)
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "watchfloor"
    assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])


def test_a_given_request_id_is_kept_if_it_is_a_plain_word(running: Running) -> None:
    assert _ask(running.port, "/", X_Request_Id="trace-0123456789")[1]["X-Request-Id"] == "trace-0123456789"
    assert _ask(running.port, "/", X_Request_Id="<script>alert(1)</script>")[1]["X-Request-Id"].isalnum()


class _Assets(HTMLParser):
    """What a page loads, and whether it has script or style of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.loaded += [value for key in ("src", "href") if (value := named.get(key))]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]


def test_the_page_loads_only_its_own_files_and_all_of_them_are_there(running: Running) -> None:
    status, headers, body = _ask(running.port, "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = _Assets()
    page.feed(body.decode())
    assert page.inline == []
    assert page.loaded
    scripts = _ask(running.port, "/assets/page.js")[2].decode()
    imported = [urljoin("/assets/page.js", name) for name in re.findall(r'from "([^"]+)"', scripts)]
    assert not any(asset.startswith(("/", "http")) for asset in page.loaded), "behind a path too"
    for asset in [*(urljoin("/", name) for name in page.loaded), *imported]:
        assert _ask(running.port, asset)[0] == 200, asset


@pytest.mark.parametrize(
    "path", ["/assets/../codes.py", "/assets/%2e%2e/codes.py", "/assets/..%2fcodes.py", "/assets/index.html"]
)
def test_nothing_else_is_served(running: Running, path: str) -> None:
    assert _ask(running.port, path)[0] == 404


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/nothing", 404, "not-found"), ("POST", "/api/rooms", 405, "method-not-allowed"),
    ("DELETE", "/", 405, "method-not-allowed"),
])  # fmt: skip
def test_errors_are_problems(running: Running, method: str, path: str, status: int, code: str) -> None:
    found, headers, body = _ask(running.port, path, method)
    problem = json.loads(body)
    assert (found, headers["Content-Type"].partition(";")[0]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == "about:blank"
    assert problem["requestId"] == headers["X-Request-Id"]
    assert problem["title"]
    assert problem["detail"]
    if status == 405:
        assert "GET" in headers["Allow"]


def test_a_mistake_of_the_server_tells_nothing_of_its_inside() -> None:
    with serving(guard(), _breaks) as running:
        status, _, body = _ask(running.port, "/ws")
        assert (status, json.loads(body)["code"]) == (500, "internal")
        assert b"secret" not in body
        assert b"Traceback" not in body
        text = Renderer().render(running.figures.collect()).decode()
        assert 'app_errors_total{route="/ws"} 1\n' in text
        assert 'app_http_requests_total{route="/ws",code="5xx"} 1\n' in text


def test_discovery_tells_rooms_symbols_formats(running: Running) -> None:
    status, headers, body = _ask(running.port, "/api/rooms")
    told: dict[str, Any] = json.loads(body)
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
        200, "application/json", "public, max-age=0, s-maxage=1",
    )  # fmt: skip
    assert told["rooms"][0] == {
        "room": "market-data", "symbols": ["BTC"], "epoch": "e", "seq": 7, "scope": "", "replay": True, "source": "replay",
    }  # fmt: skip
    assert told["formats"] == ["json", "msgpack"]
    assert told["protocol"] == 1


def test_pages_that_may_connect_may_read_discovery_and_all_may_load_the_client(running: Running) -> None:
    partner, stranger = "https://partner.example", "https://evil.example"
    assert _ask(running.port, "/api/rooms", Origin=partner)[1]["Access-Control-Allow-Origin"] == partner
    assert _ask(running.port, "/api/rooms", Origin=stranger)[1]["Access-Control-Allow-Origin"] is None
    headers = _ask(running.port, "/client.js", Origin=stranger)[1]
    assert (headers["Access-Control-Allow-Origin"], headers["Cross-Origin-Resource-Policy"]) == ("*", "cross-origin")


def test_requests_are_counted_by_route_template_and_never_by_path(running: Running) -> None:
    for path in ("/assets/page.css", "/assets/nothing.css", "/wp-login.php", "/a/b/c"):
        _ask(running.port, path)
    with Raw(running.port) as client:
        client.shake("/")
    line = 'app_http_requests_total{route="/",code="1xx"} '
    until("the upgrade counted", lambda: line + "0" not in Renderer().render(running.figures.collect()).decode())
    text = Renderer().render(running.figures.collect()).decode()
    assert 'route="/assets/{name}",code="2xx"' in text
    assert "wp-login" not in text
    routes = set(re.findall(r'app_http_requests_total\{route="([^"]+)"', text))
    assert routes == set(declared.ROUTES)


def test_one_address_may_ask_only_so_often() -> None:
    with serving(guard(), api=Api(per_address="3/hour")) as running:
        codes = [_ask(running.port, "/api/rooms")[0] for _ in range(5)]
        assert codes[:3] == [200, 200, 200]
        assert 429 in codes[3:]
        _, headers, body = _ask(running.port, "/api/rooms")
        assert 1 <= int(headers["Retry-After"]) <= 3600
        assert json.loads(body)["code"] == "rate-limited"
        with Raw(running.port) as client:
            assert "101" in client.shake(), "handshakes have limits of their own"


def test_behind_a_trusted_proxy_each_client_has_its_own_share() -> None:
    with serving(guard(), api=Api(per_address="1/hour"), trusted=networks(["127.0.0.1"])) as running:
        assert [_ask(running.port, "/", X_Forwarded_For=f"198.51.100.{n}")[0] for n in (1, 2, 1)] == [200, 200, 429]
    with serving(guard(), api=Api(per_address="1/hour")) as running:
        assert [_ask(running.port, "/", X_Forwarded_For=f"198.51.100.{n}")[0] for n in (1, 2)] == [200, 429]


def test_who_knows_the_edges_word_asks_for_the_client_that_it_names() -> None:
    with serving(guard(), api=Api(per_address="2/hour"), edge_secret="word") as running:
        for first in (1, 4):  # the second time the answer is there already, for the short way

            def asked(number: int, word: str = "word") -> int:
                return _ask(running.port, "/api/rooms", X_Watchfloor_Edge=word, X_Forwarded_For=f"198.51.100.{number}")[0]

            assert [asked(first + step) for step in (0, 1, 0, 0)] == [200, 200, 200, 429]
        assert [asked(9, "guess") for _ in range(3)] == [200, 200, 429], "who does not know it is counted by his own address"
        assert asked(10, "guess") == 429


def test_open_connections_and_refusals_are_told(running: Running) -> None:
    with Raw(running.port) as client:
        client.shake()
        until("counted", lambda: running.guard.open >= 1)
        client.send(b"\x81\x01x")
        assert client.close_code() == 1002
    text = Renderer().render(running.figures.collect()).decode()
    assert re.search(r'app_frame_violations_total\{code="1002"\} [1-9]', text)
    assert "app_active_connections" in text
    until("closed", lambda: running.guard.open == 0)


def test_the_declared_labels_are_the_guards() -> None:
    assert tuple(str(code) for code in REFUSALS) == declared.REFUSALS
    assert tuple(str(int(code)) for code in frames_in.VIOLATIONS) == declared.VIOLATIONS


def test_the_original_names_are_recorded_in_their_types() -> None:
    recorded = {recording.recorded_as: _recorded_recording(recording) for recording in declared.RECORDINGS}
    kinds = {name: metric.type for name, metric in recorded.items()} | {declared.ACTIVE_CONNECTIONS.name: "gauge"}
    assert kinds == {
        "app_request_count": "counter", "app_error_count": "counter", "app_request_duration": "histogram",
        "app_active_connections": "gauge",
    }  # fmt: skip


def test_a_name_that_a_stranger_pointed_here_gets_nothing(running: Running) -> None:
    for path in ("/", "/client.js", "/api/rooms", "/nothing"):
        status, _, body = _ask(running.port, path, Host="evil.example")
        assert (status, json.loads(body)["code"]) == (421, "unknown-host")
    assert _ask(running.port, "/api/rooms", Host="127.0.0.1.evil.example")[0] == 421
    for host in ("localhost", "stream", "10.1.2.3:8080", "Ours.Example:8080"):
        assert _ask(running.port, "/api/rooms", Host=host)[0] == 200


@pytest.mark.parametrize("extra", ["Upgrade: websocket", "Upgrade: websocket\r\nConnection: Upgrade"])
@pytest.mark.parametrize("path", ["/api/rooms", "/", "/ws", "/assets/page.js", "/nothing"])
def test_a_word_of_an_upgrade_opens_nothing(path: str, extra: str) -> None:
    def status(port: int, host: str) -> int:
        with Raw(port) as client:
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n\r\n".encode())
            return int(client.until(b"\r\n\r\n").split()[1])

    with serving(guard(), api=Api(per_address="3/hour")) as running:
        assert status(running.port, "stranger.example") == 421
        assert [status(running.port, "x") for _ in range(4)][-1] == 429


def test_only_a_handshake_at_its_path_has_limits_of_its_own() -> None:
    with serving(guard(), api=Api(per_address="1/hour")) as running:
        for _ in range(2):
            with Raw(running.port) as client:
                assert "101" in client.shake("/ws?x=1")
        codes = []
        for _ in range(2):
            with Raw(running.port) as client:
                codes.append(client.shake("/api/rooms").split()[1])
        assert codes == ["200", "429"]


def test_who_breaks_off_while_he_is_answered_is_no_mistake_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def late(request: web.Request) -> web.StreamResponse:
        await becomes("the client is gone", lambda: request.transport is None)
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        return answer

    with serving(guard(), late) as running:
        with Raw(running.port) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            client.send(
                b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            until("it is asked", lambda: running.guard.open == 1)
        line = 'app_http_requests_total{route="/ws",code="4xx"} 1\n'
        until("it is counted", lambda: line in Renderer().render(running.figures.collect()).decode())
        assert 'app_errors_total{route="/ws"} 0\n' in Renderer().render(running.figures.collect()).decode()
    assert "Traceback" not in caplog.text
