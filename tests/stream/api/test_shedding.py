"""What has waited long on its connection, and too many behind it, is refused, and so is what waited with it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator

import msgspec
import pytest

from metrics.expose import Renderer
from stream import guard as limits
from stream.api.operations import Answer, Asked, Operation
from stream.guard import MOST_WAITING
from tests.stream.edge.server import Raw, Running, guard, serving
from tests.waiting import until

PATH, SLOW = "/api/dashboard", 0.2
HEAD = "HTTP/1.1\r\nHost: x\r\n"
MANY = MOST_WAITING + 10


class Number(msgspec.Struct, frozen=True):
    number: int


class Text(msgspec.Struct, frozen=True):
    text: str


async def _slow(_: Asked) -> Answer:
    await asyncio.sleep(SLOW)
    return Answer(Number(1), 0.0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """One operation that takes longer than what is long here."""
    monkeypatch.setattr(limits, "LONG", SLOW / 2)
    monkeypatch.setattr(limits, "FRESH", SLOW / 20)
    with serving(guard(), operations=(Operation(PATH, "", "", Number, _slow),)) as running:
        yield running


def said(running: Running, first: str, *others: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of each answer: to one that is slow, and to others that arrive at once with it."""
    requests = (first, *others)
    with Raw(running.port) as client:
        client.send("".join(requests[:-1]).encode() + requests[-1].replace(HEAD, f"{HEAD}Connection: close\r\n").encode())
        data, found = client.all(), []
    for request in requests:
        top, _, data = data.partition(b"\r\n\r\n")
        status, *lines = top.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if request.startswith("HEAD") else int(headers["content-length"])
        found.append((int(status.split()[1]), headers, data[:length]))
        data = data[length:]
    assert data == b""
    return found


def get(path: str, method: str = "GET", more: str = "") -> str:
    return f"{method} {path} {HEAD}{more}\r\n"


def test_as_many_as_may_wait_are_answered_however_late(here: Running) -> None:
    answers = said(here, get(PATH), *[get("/api/rooms")] * (MOST_WAITING + 1))
    assert [status for status, *_ in answers] == [200] * (MOST_WAITING + 2)


def test_who_is_answered_in_time_may_ask_as_many_at_once_as_he_likes(here: Running) -> None:
    assert {status for status, *_ in said(here, *[get("/api/rooms")] * MANY)} == {200}


def test_who_does_not_read_is_waited_for_and_refused_nothing() -> None:
    made: list[float] = []

    async def large(_: Asked) -> Answer:
        made.append(time.monotonic())
        return Answer(Text("x" * (4 << 20)), 0.0)

    with serving(guard(), operations=(Operation(PATH, "", "", Text, large),)) as running, Raw(running.port) as client:
        client.send((get(PATH) * MANY + get("/api/rooms", more="Connection: close\r\n")).encode())
        until("what waits has waited long for the reader", lambda: made and time.monotonic() - made[-1] > 1.5 * limits.LONG)
        assert len(made) < MANY - MOST_WAITING
        told = client.all()
    assert re.findall(rb"HTTP/1\.1 (\d+) ", told) == [b"200"] * (MANY + 1)


@pytest.mark.parametrize("path", ["/api/rooms", "/no/such"])
def test_of_more_all_are_refused(here: Running, path: str) -> None:
    slow, *old = said(here, get(PATH), *[get(path)] * MANY)
    assert slow[0] == 200
    assert {status for status, *_ in old} == {503}
    told = json.loads(old[0][2])
    assert (told["code"], told["status"], old[0][1]["retry-after"]) == ("overloaded", 503, "1")
    assert old[0][1]["content-type"] == "application/problem+json"
    assert old[0][1]["x-content-type-options"] == "nosniff"
    assert len({headers["x-request-id"] for _, headers, _ in old}) == len(old)
    assert all(json.loads(body)["requestId"] == headers["x-request-id"] for _, headers, body in old)


def test_heads_have_no_body_and_bodies_are_no_requests(here: Running) -> None:
    text = "GET /api/rooms HTTP/1.1\r\nHost: x\r\n\r\n"
    post = f"POST {PATH} {HEAD}Content-Length: {len(text)}\r\n\r\n{text}"
    answers = said(here, get(PATH), *[get(PATH, "HEAD"), post] * MANY, get("/api/rooms", more="X-Request-Id: given-1234\r\n"))
    assert [status for status, *_ in answers] == [200] + [503] * (2 * MANY + 1)
    assert answers[-1][1]["x-request-id"] == "given-1234"


def test_old_clients_are_sent_away(here: Running) -> None:
    old = "GET /api/rooms HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
    with Raw(here.port) as client:
        client.send((get(PATH) + old * MANY).encode())
        told = client.all().decode()
    assert re.findall(r"HTTP/1\.1 (\d+) ", told) == ["200", "503"]
    assert "Connection: close" in told


def test_who_comes_after_the_refused_is_answered(here: Running) -> None:
    with Raw(here.port) as client:
        for _ in range(3):
            client.send((get(PATH) + get("/api/rooms") * MANY).encode())
            until("all are answered", lambda: _read(client).count(b"HTTP/1.1 ") == MANY + 1)
            client.rest = b""
            client.send(get("/api/rooms").encode())
            until("the next is", lambda: b"HTTP/1.1 200 " in _read(client))
            client.rest = b""


def _read(client: Raw) -> bytes:
    client.rest += client._more()
    return client.rest


def test_a_queue_that_was_full_is_read_on(here: Running) -> None:
    many = 200  # more than aiohttp reads ahead
    answers = said(here, get(PATH), *[get("/api/rooms")] * many)
    assert len(answers) == many + 1
    assert {status for status, *_ in answers} == {200, 503}


def test_the_refused_are_counted_by_route_as_errors(here: Running) -> None:
    said(here, get(PATH), *[get("/api/rooms")] * MANY)
    text = Renderer().render(here.figures.collect()).decode()
    assert f'\napp_http_requests_total{{route="/api/rooms",code="5xx"}} {MANY}\n' in text
    assert f'\napp_errors_total{{route="/api/rooms"}} {MANY}\n' in text
