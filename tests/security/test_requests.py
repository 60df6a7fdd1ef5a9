"""Hostile requests to a running appliance: paths, headers, markup, SQL, addresses to fetch, patterns, strangers' pages."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from compose.topology import SERVICES
from settings.secrets import read_secret
from tests import smuggling
from tests.security.conftest import Besieged, Said
from tests.waiting import until

HTTP = (
    "grafana", "prometheus", "alertmanager", "inbox", "stream", "edge", "stream_admin", "store", "analysis", "watcher",
    "exporter_system", "exporter_postgres", "exporter_redis", "exporter_probe", "exporter_model_quality",
)  # fmt: skip
WALKS = (
    "/../../../../etc/passwd", "/assets/../../../../../etc/passwd", "/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/assets/....//....//etc/passwd", "/assets/..\\..\\etc\\passwd",
    "/assets//etc/passwd", "/runbooks/..%2f..%2f..%2f..%2fetc%2fpasswd", "/d/..%2f..%2f..%2fetc%2fpasswd",
    "/assets/%00/etc/passwd",
    "/static/../../../../etc/passwd", "/assets/..%c0%af..%c0%afetc/passwd", "/why/..%2f..%2fsecrets%2finbox_token",
)  # fmt: skip


def _escaped(said: Said) -> bool:
    return "root:x:0" in said.text


@pytest.mark.parametrize("port", HTTP)
def test_no_path_leads_out_of_what_is_served(besieged: Besieged, port: str) -> None:
    token = read_secret(besieged.appliance.paths.inbox_token, "token")
    for path in WALKS:
        said = besieged.ask(port, path)
        assert not _escaped(said), path
        assert token not in said.text, path
        assert said.status < 500, path
    for path in (*WALKS, *(f"{place}{path}" for place in ("/inbox", "/stream", "/prometheus") for path in WALKS[:4])):
        assert not _escaped(besieged.enter(path, headers=besieged.basic())), path


@pytest.mark.parametrize("port", ["grafana", "inbox", "stream"])
def test_a_strangers_name_for_this_machine_gets_nothing(besieged: Besieged, port: str) -> None:
    assert besieged.ask(port, "/", headers={"Host": "evil.example"}).status == 421
    said = besieged.enter(
        {"grafana": "/", "inbox": "/inbox/", "stream": "/stream/"}[port], headers=besieged.basic() | {"Host": "evil.example"}
    )
    assert said.status == 421


@pytest.mark.parametrize("path", ["/%0d%0aSet-Cookie:%20a=b", "/?x=%0d%0aSet-Cookie:%20a=b", "/d/x%0d%0aSet-Cookie:%20a=b"])
@pytest.mark.parametrize("port", HTTP)
def test_line_ends_in_an_address_make_no_header(besieged: Besieged, port: str, path: str) -> None:
    assert besieged.ask(port, path).headers["Set-Cookie"] is None


def _say(besieged: Besieged, words: bytes) -> bytes:
    """What the entrance answers to these bytes, until it ends the connection or has nothing more to say."""
    trusted = ssl.create_default_context(cafile=str(besieged.appliance.paths.authority))
    port, said = besieged.appliance.site.ports.entrance, b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as bare,
        trusted.wrap_socket(bare, server_hostname="localhost") as wire,
        suppress(OSError),
    ):
        wire.sendall(words)
        wire.settimeout(0.5)
        while more := wire.recv(65_536):
            said += more
    return said


_HIDING = [
    *((path, hidden, head) for head in smuggling.HEADS for path, hidden in (
        ("/stream/api/rooms", "/api/dashboard"), ("/inbox/api/events", "/api/incidents"),
    )),
    *((path, hidden, smuggling.HEADS[0]) for path, hidden in (
        ("/prometheus/api/v1/query?query=up", "/prometheus/api/v1/targets"),
        ("/alertmanager/api/v2/silences", "/alertmanager/api/v2/status"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("path", "hidden", "head"), _HIDING)
def test_no_request_hides_in_another_ones_body(besieged: Besieged, path: str, hidden: str, head: bytes) -> None:
    """Nor is it answered to somebody else, on a connection of the entrance's to the service that goes on being used."""
    body = f"0\r\n\r\nGET {hidden} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    counted = head % len(body) if b"%d" in head else head
    known = besieged.basic()["Authorization"]
    first = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {known}\r\n".encode()
    said = _say(besieged, first + counted + b"\r\n" + body)
    assert said.count(b"HTTP/1.1 200") <= 1, said[:300]
    assert not re.search(rb"HTTP/1\.1 50[0234]", said), said[:300]
    for _ in range(5):
        assert "rooms" in besieged.enter("/stream/api/rooms", headers=besieged.basic()).json
        assert "incidents" in besieged.enter("/inbox/api/incidents", headers=besieged.basic()).json


def test_half_a_body_is_waited_for_no_longer_than_it_may_take(besieged: Besieged) -> None:
    began, known = time.monotonic(), besieged.basic()["Authorization"]
    trusted = ssl.create_default_context(cafile=str(besieged.appliance.paths.authority))
    with (
        socket.create_connection(("127.0.0.1", besieged.appliance.site.ports.entrance), timeout=30) as bare,
        trusted.wrap_socket(bare, server_hostname="localhost") as wire,
    ):
        wire.sendall(f"POST /inbox/api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: {known}\r\n".encode())
        wire.sendall(b"Content-Length: 9\r\n\r\nx")
        with suppress(ConnectionResetError):
            assert wire.recv(1000)[:13] in (b"", b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 20


MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
SQL = "'; DROP TABLE incidents; -- "


def deliver(besieged: Besieged, name: str, value: str, token: str = "") -> Said:
    """An alert as Alertmanager delivers it, with that value in each text of it."""
    now = datetime.now(UTC).isoformat()
    alert = {
        "status": "firing", "labels": {"alertname": name, "severity": "warning", "instance": value, "x": value},
        "annotations": {"title": value, "summary": value, "description": value, "runbook_url": f"javascript:{value}"},
        "startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "javascript:alert(1)", "fingerprint": name.lower(),
    }  # fmt: skip
    body = {"version": "4", "groupKey": name, "receiver": "inbox", "status": "firing", "alerts": [alert]}
    token = token or read_secret(besieged.appliance.paths.inbox_token, "token")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return besieged.ask("inbox", "/api/alerts", "POST", json.dumps(body).encode(), headers)


def test_markup_and_sql_in_labels_stay_texts(besieged: Besieged) -> None:
    assert deliver(besieged, "Markup", MARKUP).status == 200
    assert deliver(besieged, "Statement", SQL).status == 200
    listed = besieged.enter("/inbox/api/incidents", headers=besieged.basic()).json["incidents"]
    values = {one["alertname"]: one["labels"].get("instance", "") for one in listed}
    assert (values["Markup"], values["Statement"]) == (MARKUP, SQL), "as they came, and the table is there"
    page = besieged.enter("/inbox/", headers=besieged.basic()).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("text", [MARKUP, SQL, "{{ 7*7 }}", "${jndi:ldap://127.0.0.1/x}", "%s%n", "\u202e"])
def test_what_a_question_says_comes_back_as_a_text_or_not_at_all(besieged: Besieged, text: str) -> None:
    asked = quote(text)
    for port, path in (
        ("grafana", f"/d/{asked}"), ("grafana", f"/d/watchfloor-overview?var-instance={asked}"), ("inbox", f"/runbooks/{asked}"),
        ("inbox", f"/?older={asked}"), ("stream", f"/api/cryptocurrencies?symbols={asked}"), ("stream", f"/api/{asked}"),
        ("exporter_system", f"/probe?target={asked}"), ("exporter_system", f"/metrics?collect[]={asked}"),
        ("inbox", f"/api/events?kind={asked}"),
    ):  # fmt: skip
        said = besieged.ask(port, path)
        assert said.status < 500, (port, path)
        kind = said.headers.get("Content-Type", "")
        assert "<script>alert" not in said.text or not kind.startswith("text/html"), (port, path)
        if "html" in kind:
            assert "default-src 'none'" in said.headers["Content-Security-Policy"]


@contextmanager
def _bait() -> Iterator[tuple[int, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server.getsockname()[1], server


def _caught(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_nobody_is_sent_to_an_address_that_a_question_names(besieged: Besieged) -> None:
    with _bait() as (port, server):
        for address in (f"http://127.0.0.1:{port}/", f"127.0.0.1:{port}", f"redis://127.0.0.1:{port}", f"//127.0.0.1:{port}"):
            for exporter in ("exporter_probe", "exporter_redis", "exporter_postgres", "exporter_system"):
                assert besieged.ask(exporter, f"/probe?target={address}").status in (400, 404), (exporter, address)
        event = json.dumps({"title": "deploy", "kind": "deploy", "link": f"http://127.0.0.1:{port}/x"}).encode()
        program = {"X-Watchfloor": "1"}
        assert besieged.enter("/inbox/api/events", "POST", event, besieged.basic() | program).status == 201
        assert besieged.enter("/inbox/", headers=besieged.basic()).status == 200
        assert besieged.ask("prometheus", f"/federate?match[]=up&target=127.0.0.1:{port}").status == 200
        assert not _caught(server)
        socket.create_connection(("127.0.0.1", port)).close()
        assert until("the bait works", lambda: _caught(server), 5)
    for link in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"):
        bad = json.dumps({"title": "x", "kind": "deploy", "link": link}).encode()
        assert besieged.enter("/inbox/api/events", "POST", bad, besieged.basic() | program).status == 400


@pytest.mark.parametrize("foreign", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_a_strangers_page_changes_nothing(besieged: Besieged, foreign: dict[str, str]) -> None:
    def silences() -> int:
        return len(besieged.enter("/inbox/api/silences", headers=besieged.basic()).json["silences"])

    before = silences()
    silence = b"matchers=alertname%3DX&duration=1h&author=evil&comment=x"
    form = {"Content-Type": "application/x-www-form-urlencoded"} | foreign
    for path, body in (("/silences", silence), ("/api/silences", silence), ("/api/events", b'{"title": "x"}')):
        assert besieged.enter(f"/inbox{path}", "POST", body, besieged.basic() | form).status == 403
        assert besieged.ask("inbox", path, "POST", body, form).status == 403, "past the entrance too"
    assert besieged.enter("/alertmanager/api/v2/silences", "POST", b"{}", besieged.basic() | form).status == 403
    assert silences() == before


def test_a_silence_with_a_hostile_pattern_holds_up_nobody(besieged: Besieged) -> None:
    assert deliver(besieged, "Long", "a" * 4000 + "!").status == 200
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "instance", "value": "(a+)+$", "isRegex": True, "isEqual": True}], "createdBy": "x", "comment": "x",
        "startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=5)).isoformat(),
    }  # fmt: skip
    kind = {"Content-Type": "application/json"}
    made = besieged.enter("/alertmanager/api/v2/silences", "POST", json.dumps(silence).encode(), besieged.basic() | kind)
    assert made.status == 200
    began = time.monotonic()
    assert besieged.enter("/inbox/", headers=besieged.basic()).status == 200
    assert time.monotonic() - began < 10
    besieged.enter(f"/alertmanager/api/v2/silence/{made.json['silenceID']}", "DELETE", headers=besieged.basic())


def test_what_is_too_large_is_refused_at_every_door(besieged: Besieged) -> None:
    large = b"x" * (2 << 20)
    program = {"X-Watchfloor": "1", "Content-Type": "application/json"}
    assert besieged.enter("/inbox/api/events", "POST", large, besieged.basic() | program).status == 413
    assert besieged.ask("inbox", "/api/events", "POST", large[: 1 << 17], program).status == 413
    assert (
        besieged.ask("stream", "/api/ai-analysis", "POST", large[: 1 << 19], {"Content-Type": "application/json"}).status == 413
    )
    assert besieged.enter("/stream/api/rooms", headers=besieged.basic() | {"X-Long": "a" * 40_000}).status == 400


@pytest.mark.parametrize("port", HTTP)
def test_no_service_takes_a_large_body_or_falls_by_it(besieged: Besieged, port: str) -> None:
    site = besieged.appliance.site
    name = next(service.name for service in SERVICES if getattr(site.ports, port) in service.ports(site))
    before = besieged.appliance.process(name).pid
    for path in ("/", "/metrics", "/api/v2/silences", "/cache/market-data:BTC"):
        with suppress(ConnectionError):  # ended amid the body: refused, too
            assert 400 <= besieged.ask(port, path, "POST", b"x" * (8 << 20)).status < 500, path
    assert besieged.appliance.process(name).pid == before
    assert besieged.ask(port, "/metrics").status < 500
