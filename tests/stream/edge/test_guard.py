"""What no well-behaved client does, by bytes on a real socket: the right code, counted, and the next client is served."""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.codes import CLOSE_CODES, CloseCode, ErrorCode
from stream.frames_in import MOST_FRAGMENTS, FrameCheck
from tests.stream.edge.server import MESSAGE_BYTES, Raw, Running, frame, guard, serving
from tests.waiting import until

_TEXT, _BINARY, _CLOSE, _PING = 1, 2, 8, 9
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving(guard()) as server:
        yield server


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def _still_echoes(port: int) -> None:
    with Raw(port) as client:
        assert "101" in client.shake()
        client.send(frame(b"alive"))
        assert client.frame() == (_TEXT, b"alive")


VIOLATIONS = {
    "unmasked": (frame(b"x", masked=False), CloseCode.PROTOCOL_ERROR),
    "unmasked ping": (frame(b"x", _PING, masked=False), CloseCode.PROTOCOL_ERROR),
    "reserved bit 1": (frame(b"x", bits=0x40), CloseCode.PROTOCOL_ERROR),
    "reserved bit 2": (frame(b"x", bits=0x20), CloseCode.PROTOCOL_ERROR),
    "reserved bit 3": (frame(b"x", bits=0x10), CloseCode.PROTOCOL_ERROR),
    "reserved bit on a ping": (frame(b"x", _PING, bits=0x40), CloseCode.PROTOCOL_ERROR),
    "reserved opcode": (frame(b"x", 3), CloseCode.PROTOCOL_ERROR),
    "reserved control opcode": (frame(b"x", 11), CloseCode.PROTOCOL_ERROR),
    "oversize ping": (frame(b"x" * 126, _PING), CloseCode.PROTOCOL_ERROR),
    "oversize close": (frame(b"\x03\xe8" + b"x" * 124, _CLOSE), CloseCode.PROTOCOL_ERROR),
    "fragmented ping": (frame(b"x", _PING, fin=False), CloseCode.PROTOCOL_ERROR),
    "nothing to continue": (frame(b"x", 0), CloseCode.PROTOCOL_ERROR),
    "message in a message": (frame(b"", fin=False) + frame(b"x"), CloseCode.PROTOCOL_ERROR),
    "length not shortest": (b"\x81\xfe\x00\x01\x00\x00\x00\x00x", CloseCode.PROTOCOL_ERROR),
    "length of 64 bits not shortest": (b"\x81\xff" + b"\x00" * 7 + b"\x01\x00\x00\x00\x00x", CloseCode.PROTOCOL_ERROR),
    "length with its first bit": (b"\x81\xff\x80" + b"\x00" * 7 + b"\x00\x00\x00\x00x", CloseCode.PROTOCOL_ERROR),
    "close of one byte": (frame(b"x", _CLOSE), CloseCode.PROTOCOL_ERROR),
    "close code that is none": (frame(b"\x03\xe7", _CLOSE), CloseCode.PROTOCOL_ERROR),
    "not UTF-8": (frame(b"\xff\xfe"), CloseCode.BAD_DATA),
    "not UTF-8 over fragments": (frame(b"\xe2\x82", fin=False) + frame(b"x", 0), CloseCode.BAD_DATA),
    "close reason not UTF-8": (frame(b"\x03\xe8\xff", _CLOSE), CloseCode.BAD_DATA),
    "too large": (frame(b"x" * (MESSAGE_BYTES + 1)), CloseCode.TOO_BIG),
    "too large by its header alone": (b"\x82\xff\x00\x00\x00\x7f\xff\xff\xff\xff\x00\x00\x00\x00", CloseCode.TOO_BIG),
    "too large over fragments": (
        frame(b"x" * 1000, fin=False) + frame(b"x" * 1000, 0),
        CloseCode.TOO_BIG,
    ),
    "too many fragments": (frame(b"", fin=False) + frame(b"", 0, fin=False) * MOST_FRAGMENTS, CloseCode.TOO_BIG),
}  # fmt: skip


@pytest.mark.parametrize("name", VIOLATIONS)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_violation_gets_its_code_and_is_counted(running: Running, name: str, at_once: bool) -> None:  # noqa: FBT001  # pytest's way
    data, code = VIOLATIONS[name]
    before = running.guard.violations[code]
    with Raw(running.port) as client:
        client.shake()
        client.send(frame(b"before"))
        if at_once:
            client.send(data)
        else:
            for position in range(0, len(data), max(1, len(data) // 20)):
                client.send(data[position : position + max(1, len(data) // 20)])
        assert client.frame() == (_TEXT, b"before")
        assert client.close_code() == code
    until("counted", lambda: running.guard.violations[code] == before + 1)
    _still_echoes(running.port)


def test_what_the_rules_allow_passes(running: Running) -> None:
    with Raw(running.port) as client:
        client.shake()
        client.send(frame(b"one, ", fin=False) + frame(b"ping", _PING) + frame(b"", 0, fin=False) + frame(b"two", 0))
        assert client.frame() == (10, b"ping")
        assert client.frame() == (_TEXT, b"one, two")
        client.send(frame(b"x" * MESSAGE_BYTES, _BINARY))
        assert client.frame() == (_BINARY, b"x" * MESSAGE_BYTES)
        client.send(frame(b"\x0f\xa0bye", _CLOSE))
        assert client.close_code() == CloseCode.NORMAL


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (_deflated(b"\x00" * 10_000_000), CloseCode.TOO_BIG),
        (b"\xff" * 50, CloseCode.BAD_DATA),
        (_deflated(b"\xff"), CloseCode.BAD_DATA),
    ],
    ids=["bomb", "no deflate", "not UTF-8"],
)
def test_size_and_text_are_judged_after_inflation(running: Running, payload: bytes, code: CloseCode) -> None:
    if len(payload) > MESSAGE_BYTES:
        payload = payload[:MESSAGE_BYTES]
    with Raw(running.port) as client:
        assert "permessage-deflate" in client.shake(extra=_DEFLATE)
        client.send(frame(_deflated(b"hello"), bits=0x40))
        assert client.frame()[1]
        client.send(frame(payload, bits=0x40))
        assert client.close_code() == code


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=300))
def test_garbage_frames_never_hang_or_kill(running: Running, garbage: bytes) -> None:
    with Raw(running.port) as client:
        client.shake()
        client.send(garbage)
        client.socket.shutdown(socket.SHUT_WR)
        code = client.close_code()
        assert code == 0 or code in CLOSE_CODES or code == 1005 or code >= 3000
    with Raw(running.port) as client:
        assert "101" in client.shake()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=300))
def test_garbage_instead_of_http_is_answered_or_dropped(running: Running, garbage: bytes) -> None:
    with Raw(running.port) as client:
        client.send(garbage + b"\r\n\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        answer = client.all()
        assert answer == b"" or answer.startswith(b"HTTP/1.")
        assert b"Traceback" not in answer


_frames = st.lists(
    st.tuples(st.sampled_from([_TEXT, _BINARY, _PING]), st.binary(max_size=140), st.booleans()), min_size=1, max_size=8
)


@settings(deadline=None)
@given(messages=_frames, cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_the_check_passes_every_byte_of_good_frames_however_they_are_cut(
    messages: list[tuple[int, bytes, bool]], cuts: list[int]
) -> None:
    data = b"".join(
        frame(payload[:100] if opcode == _PING else payload, opcode, fin=True)
        if opcode == _PING or not split
        else frame(payload[:5], opcode, fin=False) + frame(b"", _PING) + frame(payload[5:], 0)
        for opcode, payload, split in messages
    )
    check, passed = FrameCheck(MESSAGE_BYTES), b""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        more, violation = check.feed(data[start:end])
        assert violation is None
        passed += more
    assert passed == data


@settings(deadline=None)
@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_the_check_judges_by_bytes_not_by_how_they_arrive(data: bytes, cut: int) -> None:
    whole, first = FrameCheck(100), FrameCheck(100)
    passed, violation = whole.feed(data)
    parts = [first.feed(data[:cut])]
    if parts[0][1] is None:
        parts.append(first.feed(data[cut:]))
    assert b"".join(part[0] for part in parts) == passed
    assert parts[-1][1] == violation


def test_a_request_that_never_ends_is_answered_408_in_time() -> None:
    with serving(guard(handshake_seconds=0.3)) as server, Raw(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        assert client.all().startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 4.5
        assert server.guard.refused[ErrorCode.REQUEST_TOO_SLOW] == 1


def test_trickling_headers_do_not_extend_the_time() -> None:
    with serving(guard(handshake_seconds=0.4)) as server, Raw(server.port) as client:
        client.socket.settimeout(0.05)
        answer, began = b"", time.monotonic()
        while not answer and time.monotonic() - began < 5:
            client.send(b"X: y\r\n" if time.monotonic() - began > 0.05 else b"GET / HTTP/1.1\r\n")
            try:
                answer = client.socket.recv(4096)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 4.5


def test_a_second_request_has_the_same_deadline() -> None:
    with serving(guard(handshake_seconds=0.3)) as server, Raw(server.port) as client:
        client.send(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 404 " in client.until(b"}\n")
        client.send(b"GET / HT")
        assert b"HTTP/1.1 408 " in client.all()


def test_a_connection_that_says_nothing_is_dropped() -> None:
    with serving(guard(handshake_seconds=0.2)) as server, Raw(server.port) as client:
        assert client.all() == b""


def test_an_open_stream_is_not_bound_by_the_deadline() -> None:
    with serving(guard(handshake_seconds=0.2)) as server, Raw(server.port) as client:
        client.shake()
        deadline = time.monotonic() + 0.6
        until("later than the deadline", lambda: time.monotonic() > deadline)
        client.send(frame(b"still here"))
        assert client.frame() == (_TEXT, b"still here")


@pytest.mark.parametrize("name", ["one endless header", "endless headers", "endless request line"])
def test_headers_without_end_are_refused(running: Running, name: str) -> None:
    endless = {
        "one endless header": b"GET / HTTP/1.1\r\nX: " + b"y" * 5000,
        "endless headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000,
        "endless request line": b"GET /" + b"y" * 5000,
    }[name]
    with Raw(running.port) as client:
        client.send(endless)
        answer = client.all()
        assert answer[9:13] in (b"431 ", b"400 ")
    with Raw(running.port) as client:
        for position in range(0, len(endless), 100):
            client.send(endless[position : position + 100])
        answer = client.all()
        assert answer[9:13] in (b"431 ", b"400 ")
    _still_echoes(running.port)


def test_the_connection_too_many_is_refused_and_places_come_free() -> None:
    with serving(guard(per_address=2)) as server:
        with Raw(server.port) as one, Raw(server.port) as two:
            assert "101" in one.shake()
            assert "101" in two.shake()
            with Raw(server.port) as three:
                answer = three.all()
                assert answer.startswith(b"HTTP/1.1 429 ")
                assert b'"code": "too-many-connections"' in answer
        until("both places free", lambda: len(server.guard.per_address) == 0)
        _still_echoes(server.port)
