"""The real server under bad input: every violation by its code, counted, and whoever comes next is served."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics import app as declared
from metrics.model import Histogram
from stream.codes import CLOSE_CODES, MOST_OFFENCES, CloseCode
from tests.stream.edge.real import Real, real
from tests.stream.edge.server import Raw, frame
from tests.stream.edge.test_guard import VIOLATIONS
from tests.waiting import until

_SITE = "stream: {limits: {message_bytes: 1024, header_bytes: 4096, handshake_seconds: 1, connections_per_address: 2000}}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("stream"), _SITE) as running:
        yield running


def _violations(server: Real, code: int) -> int:
    found = re.search(rf'^app_frame_violations_total{{code="{code}"}} (\d+)$', server.metrics(), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_gets_its_code_and_is_counted(server: Real, name: str) -> None:
    data, code = VIOLATIONS[name]
    before = _violations(server, code)
    with Raw(server.port) as client:
        assert "101" in client.shake()
        client.send(data)
        assert client.close_code() == code
    until("counted", lambda: _violations(server, code) == before + 1)


def _answers(client: Raw, sent: bytes) -> str:
    """The code of the error that a message gets, passing other messages."""
    client.send(frame(sent))
    while True:
        opcode, payload = client.frame()
        assert opcode == 1, (opcode, payload)
        message = json.loads(payload)
        if message["type"] == "error":
            return str(message["code"])


@pytest.mark.parametrize(("sent", "code"), [
    (b"{", "bad-message"), (b"[]", "bad-message"), (b"7", "bad-message"), (b"", "bad-message"), (b"\x00", "bad-message"),
    (b"[" * 900, "bad-message"), (b"{}", "unknown-type"), (b'{"type": 7}', "unknown-type"),
    (b'{"type": "subscribe"}', "bad-field"),
    (b'{"type": "subscribe", "room": 7}', "bad-field"), (b'{"type": "subscribe", "room": "x", "after": -1}', "bad-field"),
    (b'{"type": "subscribe", "room": "x", "more": 1}', "bad-field"), (b'{"type": "subscribe", "room": "x"}', "unknown-room"),
    (b'{"type": "subscribe", "room": "canary", "filters": {"symbols": []}}', "bad-filter"),
    (b'{"type": "subscribe", "room": "canary", "filters": {"min_change": 1e9}}', "bad-filter"),
    (b'{"type": "unsubscribe", "room": "canary"}', "not-subscribed"), (b'{"type": "auth", "token": "x"}', "bad-token"),
])  # fmt: skip
def test_a_message_that_cannot_be_used_is_answered_by_its_code(server: Real, sent: bytes, code: str) -> None:
    with Raw(server.port) as client:
        client.shake()
        assert _answers(client, sent) == code
        client.send(frame(b'{"type": "ping", "id": "still here"}'))
        assert json.loads(client.frame()[1])["id"] == "still here"


def test_repeated_offence_closes_with_4400(server: Real) -> None:
    with Raw(server.port) as client:
        client.shake()
        for _ in range(MOST_OFFENCES + 1):
            assert _answers(client, b"{") == "bad-message"
        assert client.close_code() == CloseCode.OFFENCES


def test_a_flood_is_ignored_and_then_closed_with_4429(server: Real) -> None:
    with Raw(server.port) as client:
        client.shake()
        client.send(frame(b'{"type": "ping"}') * 1000)
        assert client.close_code() == CloseCode.FLOOD


_frames = st.tuples(
    st.sampled_from([0, 1, 2, 8, 9, 10, 3]), st.binary(max_size=60), st.booleans(), st.booleans(), st.sampled_from([0, 64])
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(_frames, min_size=1, max_size=6), cuts=st.lists(st.integers(0, 500), max_size=4))
def test_frames_of_any_kind_in_any_order_end_well(
    server: Real, frames: list[tuple[int, bytes, bool, bool, int]], cuts: list[int]
) -> None:
    data = b"".join(
        frame(payload, opcode, fin=fin, masked=masked, bits=bits) for opcode, payload, fin, masked, bits in frames
    )  # fmt: skip
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    with Raw(server.port) as client:
        client.shake()
        for start, end in pairwise(edges):
            client.send(data[start:end])
        with_end = client.socket
        try:
            with_end.shutdown(socket.SHUT_WR)
        except OSError:  # it has closed already
            return
        code = client.close_code()
        assert code in (0, 1005) or code in CLOSE_CODES or code >= 3000


def test_after_all_that_the_server_is_well_and_has_logged_no_traceback(server: Real) -> None:
    with Raw(server.port) as client:
        client.shake()
        client.send(frame(b'{"type": "subscribe", "room": "canary"}'))
        while json.loads(client.frame()[1])["type"] != "data":
            continue
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "exception" not in log.lower()
    for line in log.splitlines():
        json.loads(line)


def test_a_handshake_that_never_ends_is_dropped_in_time_and_counted(server: Real) -> None:
    with Raw(server.port) as client:
        client.send(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
        assert client.all().startswith(b"HTTP/1.1 408 ")
    assert re.search(r'^app_connections_refused_total{reason="request-too-slow"} [1-9]', server.metrics(), re.MULTILINE)


@pytest.mark.parametrize(("extra", "status"), [
    ("Origin: https://evil.example\r\n", "403"), ("Origin: null\r\n", "403"), ("Origin: http://x\r\n", "101"), ("", "101"),
])  # fmt: skip
def test_pages_of_strangers_are_refused_at_the_handshake(server: Real, extra: str, status: str) -> None:
    with Raw(server.port) as client:
        assert client.shake(extra=extra).split()[1] == status


def test_exposition_and_declaration_are_equal(server: Real) -> None:
    text = server.metrics()
    exposed = set(re.findall(r"^# TYPE (app_\w+) ", text, re.MULTILINE))
    assert exposed == {metric.name for metric in declared.METRICS}
    for metric in declared.METRICS:
        assert isinstance(metric, Histogram) or re.search(rf"^{metric.name}(\{{| )", text, re.MULTILINE), metric.name
    watched = re.compile(r"^app_event_loop_lag_seconds_count [1-9]", re.MULTILINE)
    until("the loop to be watched", lambda: watched.search(server.metrics()))


def test_it_ends_at_once_and_in_good_order_with_clients_of_every_kind(tmp_path: Path) -> None:
    with (
        real(tmp_path / "home", _SITE) as server,
        Raw(server.port) as good,
        Raw(server.port) as halfway,
        Raw(server.port) as mute,
    ):
        good.shake()
        halfway.send(b"GET /ws HTTP/1.1\r\nHost")
        assert mute.socket.fileno() >= 0
        assert server.stop(signal.SIGTERM) == 0
        assert good.close_code() == CloseCode.GOING_AWAY
