"""The entrance: who gets through it, and what reaches the services behind it. A real nginx, by TLS of the own authority."""

from __future__ import annotations

import base64
import http.client
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose import entrance, grafana
from compose.host import Host
from compose.secrets import make_secrets
from compose.service import Context
from settings import Paths, parse
from settings.errors import SettingsError
from tests import smuggling
from tests.compose.nginx import Front, front


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture(scope="module", params=[False, True], ids=["processes", "containers"])
def door(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("entrance"), contained=request.param) as running:
        yield running


def basic(door: Front, user: str = "watchfloor") -> dict[str, str]:
    file = door.paths.viewer_password if user == "viewer" else door.paths.entrance_password
    known = base64.b64encode(f"{user}:".encode() + file.read_bytes()).decode()
    return {"Authorization": f"Basic {known}"}


def ask(door: Front, path: str, method: str = "GET", payload: bytes | None = None, /, **headers: str) -> Answer:
    trusted = ssl.create_default_context(cafile=str(door.paths.authority))
    connection = http.client.HTTPSConnection("localhost", door.site.ports.entrance, timeout=20, context=trusted)
    try:
        connection.request(method, path, payload, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


PLACES = {
    "/": "grafana", "/d/x": "grafana", "/prometheus/graph": "prometheus", "/alertmanager/api/v2/alerts": "alertmanager",
    "/inbox/": "inbox", "/inbox/api/stream": "inbox", "/stream/": "stream", "/stream/api/rooms": "stream",
}  # fmt: skip


@pytest.mark.parametrize("path", PLACES)
def test_nobody_gets_in_without_a_password(door: Front, path: str) -> None:
    before = len(door.seen)
    wrong = base64.b64encode(b"watchfloor:wrong").decode()
    for headers in ({}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "Basic !!"}, {"Authorization": "Bearer"}):
        answer = ask(door, path, **headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="watchfloor"'), headers
    assert len(door.seen) == before


@pytest.mark.parametrize("path", PLACES)
def test_each_service_stands_at_its_path_and_hears_who_asks(door: Front, path: str) -> None:
    for user in ("watchfloor", "viewer"):
        spoofed = {"X_Forwarded_For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X_Watchfloor_Edge": "guess"}
        answer = ask(door, path, **basic(door, user), **spoofed, X_WEBAUTH_USER="admin")
        got = door.seen[-1]
        assert (answer.status, got.service) == (200, PLACES[path])
        assert got.path == (path if PLACES[path] == "grafana" else "/" + path.split("/", 2)[2])
        assert got.headers["X-Forwarded-For"] == "127.0.0.1"
        assert got.headers["Host"] == f"localhost:{door.site.ports.entrance}"
        assert not {"Forwarded", "X-WEBAUTH-USER"} & set(got.headers)
        # Alertmanager and Prometheus know the entrance by a password, the stream by a word; the person's own goes nowhere.
        assert got.headers.get("Authorization", "") == _own(door, got.service)
        secret = door.paths.edge_secret.read_text(encoding="ascii") if got.service == "stream" else None
        if got.service in ("stream", "grafana"):
            assert got.headers.get("X-Watchfloor-Edge") == secret


def _own(door: Front, service: str) -> str:
    files = {"alertmanager": door.paths.alertmanager_password, "prometheus": door.paths.prometheus_password}
    return "Basic " + base64.b64encode(b"watchfloor:" + files[service].read_bytes()).decode() if service in files else ""


@pytest.mark.parametrize("path", ["/alertmanager/api/v2/silences", "/inbox/api/events", "/api/anything"])
def test_who_may_look_changes_nothing(door: Front, path: str) -> None:
    assert ask(door, path, "POST", b"{}", **basic(door)).status == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        before = len(door.seen)
        lets_in = bool(door.site.contained or grafana.home()) and path == "/api/anything"  # Grafana, which has users of its own
        assert ask(door, path, method, b"{}", **basic(door, "viewer")).status == (200 if lets_in else 403)
        assert len(door.seen) == before + lets_in
    assert ask(door, "/prometheus/api/v1/query", "POST", b"query=up", **basic(door, "viewer")).status == 200


@pytest.mark.parametrize(
    "path", ["/alertmanager/api/v2/silences", "/inbox/api/events", "/prometheus/api/v1/query", "/stream/api/x"]
)
@pytest.mark.parametrize("foreign", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}])
def test_a_strangers_page_cannot_use_the_password_that_a_browser_sends(door: Front, path: str, foreign: dict[str, str]) -> None:
    before = len(door.seen)
    assert ask(door, path, "POST", b"{}", **basic(door), **foreign).status == 403
    assert len(door.seen) == before
    ours = {"Origin": f"https://localhost:{door.site.ports.entrance}", "Sec_Fetch_Site": "same-origin"}
    assert ask(door, path, "POST", b"{}", **basic(door), **ours).status == 200


def test_tokens_are_for_the_stream_alone(door: Front) -> None:
    token = {"Authorization": "Bearer good.token-1"}
    assert ask(door, "/stream/api/rooms", **token).status == 200
    assert door.seen[-1].headers["Authorization"] == "Bearer good.token-1"
    assert ask(door, "/stream/api/rooms", X_API_Key="wf_key").status == 200
    assert ask(door, "/stream/api/rooms", "OPTIONS", Origin="https://desk.example").status == 200
    for path in PLACES:
        if not path.startswith("/stream/api/"):
            assert ask(door, path, **token, X_API_Key="wf_key").status == 401, path
    # What only looks like a token is none: the server would take it for nobody's and let it in.
    for empty in ("Bearer", "Bearer ", "Bearer \t", "Bearer a b", "bearer=x", "Digest x"):
        assert ask(door, "/stream/api/rooms", Authorization=empty).status == 401, empty


HANDSHAKE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def test_a_socket_needs_a_password_or_a_token_that_the_server_knows(door: Front) -> None:
    assert ask(door, "/stream/ws", **HANDSHAKE).status == 401
    assert ask(door, "/stream/ws", **HANDSHAKE, Authorization="Bearer bad").status == 401
    for known in (basic(door), {"Authorization": "Bearer good"}):
        assert ask(door, "/stream/ws", **HANDSHAKE, **known).status == 200  # the echo behind it speaks no WebSocket
        assert (door.seen[-1].path, door.seen[-1].headers.get("Upgrade")) == ("/ws", "websocket")
    foreign = HANDSHAKE | basic(door) | {"Origin": "https://evil.example"}
    assert ask(door, "/d/x", **foreign).status == 403
    assert ask(door, "/inbox/", **HANDSHAKE, **basic(door)).status == 200
    assert "Upgrade" not in door.seen[-1].headers, "no tunnel leads past what is judged"


@pytest.mark.parametrize("path", [
    "/stream/cache/x", "/stream//cache/x", "/stream/./cache/x", "/stream/%63ache/x", "/stream/api/../cache/x",
    "/stream/api/%2e%2e/cache/x", "/stream/api/..%2fcache/x", "/stream%2fcache%2fx", "//stream/cache/x",
])  # fmt: skip
def test_what_the_word_of_the_edge_opens_is_no_clients(door: Front, path: str) -> None:
    for headers in (basic(door), {"Authorization": "Bearer good"}):
        before = len(door.seen)
        assert ask(door, path, **headers).status in (401, 404)
        assert len(door.seen) == before
    assert ask(door, "/inbox/api/alerts", "POST", b"{}", **basic(door)).status == 404


@pytest.mark.parametrize("path", ["/stream/api/../../prometheus/graph", "/stream/api/%2e%2e/%2e%2e/inbox/"])
def test_a_token_does_not_walk_out_of_the_api(door: Front, path: str) -> None:
    assert ask(door, path, Authorization="Bearer good").status == 401


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("head", smuggling.HEADS)
@pytest.mark.parametrize("path", [b"/inbox/api/events", b"/stream/api/rooms"])
def test_no_request_hides_in_another_ones_body(door: Front, path: bytes, head: bytes) -> None:
    body = b"0\r\n\r\n" + SMUGGLED
    known = basic(door)["Authorization"].encode()
    counted = head % len(body) if b"%d" in head else head
    before = len(door.seen)
    said = door.say(b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n%s\r\n%s" % (path, known, counted, body))
    after = door.seen[before:]
    assert all("smuggled" not in one.path for one in after)
    assert len(after) <= 1
    # What stands behind a body that ends early is a request like any other: without a password it gets nothing.
    assert said.count(b"HTTP/1.1 200") <= 1


def test_line_ends_make_no_header_of_their_own(door: Front) -> None:
    for path in ("/prometheus%0d%0aX-Evil:%201", "/inbox%0d%0aX-Evil:%201", "/stream/%0d%0aX-Evil:%201"):
        assert "X-Evil" not in ask(door, path, **basic(door)).headers
        assert not any("X-Evil" in one.headers for one in door.seen)
    # A redirection leads to where it was asked, whatever name the question gives.
    said = door.say(b"GET /prometheus HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert b"Location: https://evil" not in said


def said_to(wire: ssl.SSLSocket) -> bytes:
    """What the entrance answers; nothing, too, where it has closed while something of ours was on its way."""
    try:
        return wire.recv(1000)
    except ConnectionResetError:
        return b""


def test_what_is_too_large_or_too_slow_is_refused(door: Front) -> None:
    known = basic(door)
    assert ask(door, "/inbox/api/events", "POST", b"x" * (1 << 20), **known).status == 200
    assert ask(door, "/inbox/api/events", "POST", b"x" * ((1 << 20) + 1), **known).status == 413
    assert ask(door, "/" + "a" * 9000, **known).status == 414
    assert ask(door, "/", **known, X_Long="a" * 40_000).status == 400
    before, began = len(door.seen), time.monotonic()
    with door.raw() as head, door.raw() as body:
        head.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        words = (
            f"POST /inbox/api/events HTTP/1.1\r\nHost: x\r\nAuthorization: {known['Authorization']}\r\nContent-Length: 9\r\n\r\nx"
        )
        body.sendall(words.encode())
        assert said_to(head) == b"" or time.monotonic() - began > 5
        said = said_to(body)
        assert said == b"" or b" 408 " in said
    assert time.monotonic() - began < 15
    assert len(door.seen) == before, "a service is asked when the whole request is there"


def test_errors_tell_no_versions(door: Front) -> None:
    for answer in (ask(door, "/"), ask(door, "/stream/cache/x", **basic(door)), ask(door, "/" + "a" * 9000)):
        told = answer.body + str(answer.headers).encode()
        assert b"nginx/" not in told
        assert str(door.paths.home).encode() not in told


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # that they are old is the point
def test_old_protocols_are_refused(door: Front) -> None:
    context = ssl.create_default_context(cafile=str(door.paths.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    connection = http.client.HTTPSConnection("localhost", door.site.ports.entrance, timeout=5, context=context)
    with pytest.raises(ssl.SSLError):
        connection.connect()


def test_the_configuration_holds_no_secret(door: Front) -> None:
    text = (door.paths.rendered / entrance.FILE).read_text(encoding="utf-8")
    for file in (
        door.paths.entrance_password,
        door.paths.viewer_password,
        door.paths.alertmanager_password,
        door.paths.edge_secret,
    ):
        assert file.read_text(encoding="ascii") not in text


@pytest.mark.parametrize("bad", [
    "user: ''", "user: 'a:b'", "user: 'a b'", "viewer: watchfloor", "certificate: /x.pem", "key_file: /x.pem", "user: 'a$b'",
])  # fmt: skip
def test_half_an_entrance_is_refused(bad: str) -> None:
    with pytest.raises(SettingsError):
        parse(f"entrance: {{{bad}}}")


@pytest.mark.parametrize("text", [
    "workload: false", "public_url: 'https://desk.example.org'", "bind: '::1'", "stream: {tls: {certificate: /x, key_file: /y}}",
])  # fmt: skip
@pytest.mark.parametrize("given", ["", ", bind: '::'", ", bind: 0.0.0.0, viewer: ''", ", viewer: a.b-c"])
def test_nginx_takes_every_form(tmp_path: Path, text: str, given: str) -> None:
    host, paths = Host(tmp_path, None, copied=False), Paths(tmp_path)
    site = parse(f"{{{text}, entrance: {{enabled: true{given}}}}}")
    (paths.data / "entrance").mkdir(parents=True)
    paths.rendered.mkdir()
    make_secrets(paths, host)
    entrance.prepare(site, paths, host)
    (paths.rendered / entrance.FILE).write_text(entrance.configuration(site, paths), encoding="utf-8")
    command = entrance.command(Context(site, paths, Path("python")))
    done = subprocess.run([command[0], "-t", *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_links_lead_through_the_entrance() -> None:
    site = parse(
        "{public_url: 'http://desk.example.org', entrance: {enabled: true}, public_urls: {stream: 'https://s.example.org'}}"
    )
    told = [site.public(port) for port in (site.ports.grafana, site.ports.inbox, site.ports.stream, site.ports.exporter_system)]
    assert told == [
        "https://desk.example.org:8443", "https://desk.example.org:8443/inbox", "https://s.example.org",
        "http://desk.example.org:9701",
    ]  # fmt: skip
