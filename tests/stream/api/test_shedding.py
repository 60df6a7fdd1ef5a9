"""What waits behind too much on its own connection is refused, the oldest first, and the newest answered."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from metrics.expose import Renderer
from stream.guard import MOST_WAITING
from tests.stream.api.world import World, market, world

PATH = "/api/dashboard"


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world([market("BTC")]) as running:
        running.make()
        yield running


def said(here: World, *requests: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of each answer to requests that arrive at once on one connection, of which the last ends it."""
    head = "HTTP/1.1\r\nHost: localhost\r\n"
    texts = [f"{one} {head}\r\n" for one in requests[:-1]] + [f"{requests[-1]} {head}Connection: close\r\n\r\n"]
    with socket.create_connection(("127.0.0.1", here.running.port), timeout=10) as client:
        client.sendall("".join(texts).encode())
        data = b""
        while more := client.recv(65_536):
            data += more
    found = []
    for request in requests:
        top, _, data = data.partition(b"\r\n\r\n")
        first, *lines = top.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if request.startswith("HEAD") else int(headers["content-length"])
        found.append((int(first.split()[1]), headers, data[:length]))
        data = data[length:]
    assert data == b""
    return found


def test_as_many_as_may_wait_are_answered(here: World) -> None:
    assert [status for status, *_ in said(here, *[f"GET {PATH}"] * (MOST_WAITING + 1))] == [200] * (MOST_WAITING + 1)


@pytest.mark.parametrize("path", [PATH, "/api/rooms", "/no/such"])
def test_of_more_all_are_refused_but_the_newest(here: World, path: str) -> None:
    *old, newest = said(here, *[f"GET {path}"] * (MOST_WAITING + 10))
    assert newest[0] == (404 if path == "/no/such" else 200)
    assert {status for status, *_ in old} == {503}
    told = json.loads(old[0][2])
    assert (told["code"], told["status"], old[0][1]["retry-after"]) == ("overloaded", 503, "1")
    assert old[0][1]["content-type"] == "application/problem+json"
    assert old[0][1]["x-content-type-options"] == "nosniff"
    assert len({headers["x-request-id"] for _, headers, _ in old}) == len(old)
    assert all(json.loads(body)["requestId"] == headers["x-request-id"] for _, headers, body in old)


def test_a_body_is_no_request_of_its_own_and_head_has_none(here: World) -> None:
    answers = said(here, *[f"HEAD {PATH}"] * (MOST_WAITING + 3))
    assert [status for status, *_ in answers] == [503] * (MOST_WAITING + 2) + [200]
    text = '{"type": "sentiment-analysis", "cryptoId": "BTC"}'
    post = f"POST /api/ai-analysis HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    with socket.create_connection(("127.0.0.1", here.running.port), timeout=10) as client:
        client.sendall(
            (post * (MOST_WAITING + 3) + f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").encode()
        )
        data = b""
        while more := client.recv(65_536):
            data += more
    assert re.findall(rb"HTTP/1\.1 (\d+) ", data) == [b"503"] * (MOST_WAITING + 3) + [b"200"]


def test_the_refused_are_counted_by_route_as_errors(here: World) -> None:
    def count(name: str) -> float:
        text = Renderer().render(here.running.figures.collect())
        found = re.search(rf"^{name} (\S+)$", text if isinstance(text, str) else text.decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    requests, errors = 'app_http_requests_total{route="/api/rooms",code="5xx"}', 'app_errors_total{route="/api/rooms"}'
    before = count(re.escape(requests)), count(re.escape(errors))
    said(here, *["GET /api/rooms"] * (MOST_WAITING + 10))
    assert (count(re.escape(requests)) - before[0], count(re.escape(errors)) - before[1]) == (MOST_WAITING + 9,) * 2
