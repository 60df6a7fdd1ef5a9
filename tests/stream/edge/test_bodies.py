"""Bodies on a real socket: no body is an unfinished request, whenever its pieces come."""

from __future__ import annotations

import pytest
from msgspec import Struct

from settings.api import Api
from stream.api.operations import Answer, Asked, Operation
from stream.codes import ErrorCode
from tests.stream.edge.server import Raw, guard, serving


class _Text(Struct, frozen=True):
    text: str


async def _length(asked: Asked) -> Answer:
    return Answer(_Text(str(len(asked.body.text))))


ASKING = Operation("/api/ai-analysis", "Count.", "Counts.", _Text, _length, method="POST", body=_Text)


def _post(client: Raw, size: int, pieces: int = 1) -> bytes:
    """A POST whose headers, and pieces of whose body, come in segments of their own; the answer."""
    body = b'{"text": "' + b"x" * (size - 12) + b'"}'
    client.send(
        b"POST /api/ai-analysis HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 "), "now the headers have been read"
    step = -(-len(body) // pieces)
    for start in range(0, len(body), step):
        client.send(body[start : start + step])
    answer = client.until(b"}")
    client.rest = b""
    return answer


def test_a_body_in_segments_of_its_own_is_no_unfinished_request() -> None:
    over = guard(handshake_seconds=0.3)
    with serving(over, operations=(ASKING,)) as running, Raw(running.port) as client:
        for pieces in (1, 5):
            assert b'{"text":"88"}' in _post(client, 100, pieces)
            client.socket.settimeout(0.9)
            with pytest.raises(TimeoutError):  # nothing comes unasked, long after the deadline of a handshake
                client.socket.recv(1)
            client.socket.settimeout(10)
        assert b'{"text":"88"}' in _post(client, 100), "the connection is still there"
        client.send(b"GET / HTTP/1.1\r\nHost")
        assert client.all().startswith(b"HTTP/1.1 408 "), "what is unfinished now has its deadline again"
        assert over.refused[ErrorCode.REQUEST_TOO_SLOW] == 1


def test_a_body_is_judged_by_the_limit_of_bodies() -> None:
    with serving(guard(), operations=(ASKING,), api=Api(body_bytes=30_000)) as running:
        with Raw(running.port) as client:
            assert b'{"text":"19988"}' in _post(client, 20_000, 4)
            assert b'{"text":"19988"}' in _post(client, 20_000)
        with Raw(running.port) as client:
            assert b"HTTP/1.1 413 " in _post(client, 40_000, 4)
