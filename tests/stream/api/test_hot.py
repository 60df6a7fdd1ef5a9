"""The short way answers what the long way answers, and only what it may."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import msgspec
import pytest

from metrics.expose import Renderer
from settings.api import Api
from stream.api.operations import Answer, Asked, Operation
from stream.api.prepared import Prepared, takes_gzip
from tests.stream.api.world import Answered, World, ask, market, world
from tests.stream.edge.server import Raw, guard, serving
from tests.waiting import until

PATH = "/api/dashboard"
MANY = [market(f"C{number}") for number in range(20)]  # enough to be compressed


class Number(msgspec.Struct, frozen=True):
    number: int


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(MANY) as running:
        yield running


def _short(here: World, path: str, **headers: str) -> Answered:
    """The answer of bytes that were there before it was asked."""
    before = here.ask(path).headers["etag"]
    answer = here.ask(path, **headers)
    assert answer.headers["etag"] == before
    return answer


def _told(answer: Answered) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date", "age", "content-length")
    }


def _content(answer: Answered) -> dict[str, object]:
    """The body without what changes from one making to the next."""
    body = gzip.decompress(answer.body) if "content-encoding" in answer.headers else answer.body
    return {name: value for name, value in msgspec.json.decode(body).items() if name not in ("generatedAt", "age")}


@pytest.mark.parametrize("headers", [
    {}, {"Accept_Encoding": "gzip"}, {"Accept_Encoding": "gzip;q=0, br"}, {"X_Request_Id": "trace-1234567"},
    {"Connection": "close"},
], ids=str)  # fmt: skip
def test_both_ways_answer_alike(here: World, headers: dict[str, str]) -> None:
    short = _short(here, PATH, **headers)
    long = here.ask(PATH, Expect="", **headers)  # a header that the short way does not know
    assert short.status == long.status == 200
    assert _told(short) == _told(long)
    assert _content(short) == _content(long)
    for answer in (short, long):
        given = headers.get("X_Request_Id")
        assert answer.headers["x-request-id"] == given if given else re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_what_the_client_has_is_not_sent_again(here: World) -> None:
    tag = here.ask(PATH).headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        short, long = here.ask(PATH, If_None_Match=given), here.ask(PATH, If_None_Match=given, Expect="")
        assert (short.status, short.body) == (long.status, long.body) == (304, b"")
        assert _told(short) == _told(long)
        assert short.headers["etag"] == tag
    assert here.ask(PATH, If_None_Match='"other"').status == 200


def test_large_answers_are_compressed_for_who_takes_it(here: World) -> None:
    plain, packed = _short(here, PATH), _short(here, PATH, Accept_Encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding, Origin"


def test_many_requests_at_once_are_answered_in_their_order(here: World) -> None:
    here.ask(PATH)
    with Raw(here.running.port) as client:
        one = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-Request-Id: numbered-%d\r\n\r\n"
        client.send(
            "".join(one % number for number in range(20)).encode()
            + b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        told = client.all().decode()
    assert re.findall(r"X-Request-Id: numbered-(\d+)", told) == [str(number) for number in range(20)]
    assert told.count("HTTP/1.1 200 OK") == 20
    assert told.rstrip().endswith("}")
    assert "404" in told[told.rindex("HTTP/1.1") :]


def test_a_body_that_nobody_wants_does_not_spoil_the_connection(here: World) -> None:
    here.ask(PATH)
    with Raw(here.running.port) as client:
        client.send(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".encode())
        client.send(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert client.all().decode().count("HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("head", [
    "GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n",
    "GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "GET {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "GET {path} HTTP/1.1\r\nHost: x\r\nX\x00: y\r\n\r\n",
])  # fmt: skip
def test_requests_that_could_be_read_in_two_ways_are_refused(here: World, head: str) -> None:
    here.ask(PATH)
    with Raw(here.running.port) as client:
        client.send(head.format(path=PATH).encode("latin-1"))
        told = client.all()
    assert re.match(rb"HTTP/1\.[01] 400 ", told), told[:80]
    assert len(re.findall(rb"HTTP/1\.[01] ", told)) == 1


def test_old_clients_and_head_go_the_long_way(here: World) -> None:
    here.ask(PATH)
    with Raw(here.running.port) as client:
        client.send(f"GET {PATH} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        assert client.all().startswith(b"HTTP/1.0 200 OK")
    answer = here.ask(PATH, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"] == here.ask(PATH).headers["etag"]


def test_strangers_names_and_bad_tokens_are_refused_whatever_is_kept(here: World) -> None:
    here.ask(PATH)
    assert here.ask(PATH, Host="evil.example").status == 421
    assert here.ask(PATH, Authorization="Bearer nonsense").status == 401


def test_every_answer_is_counted_under_its_route(here: World) -> None:
    def counted(code: str) -> int:
        text = Renderer().render(here.running.figures.collect()).decode()
        found = re.search(rf'app_http_requests_total{{route="{PATH}",code="{code}"}} (\d+)', text)
        assert found
        return int(found[1])

    good, same = counted("2xx"), counted("3xx")
    tag = here.ask(PATH).headers["etag"]
    here.ask(PATH)
    here.ask(PATH, If_None_Match=tag)
    assert (counted("2xx"), counted("3xx")) == (good + 2, same + 1)


def test_bytes_are_made_anew_after_a_second(here: World) -> None:
    before = here.ask(PATH)
    here.rooms.updates[0] = market("C0", price="200.00")
    after = until(
        "the new price is told", lambda: (found := here.ask(PATH)).headers["etag"] != before.headers["etag"] and found, 5
    )
    assert isinstance(after, Answered)
    assert after.json["currencies"][0]["market"]["price"] == "200.00"
    here.rooms.updates[0] = market("C0")


def test_an_address_that_asks_too_often_is_told_when_to_come_back() -> None:
    with world(MANY, api=Api(per_address="5/hour")) as here:
        answers = [here.ask(PATH) for _ in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json["code"] == "rate-limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 3600


def test_answers_that_are_kept_are_bounded() -> None:
    with world([market("BTC")]) as here:
        for number in range(300):
            assert here.ask(f"{PATH}?symbols=S{number}").status == 200
        assert here.ask(PATH).status == 200


@pytest.mark.parametrize(("accepted", "taken"), [
    ("gzip", True), ("GZIP", True), ("br, gzip;q=0.1", True), ("*", True), ("x-gzip", True),
    ("", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("*;q=0", False), ("*, gzip;q=0", False),
])  # fmt: skip
def test_accept_encoding_is_read_as_the_rfc_has_it(accepted: str, taken: bool) -> None:  # noqa: FBT001  # a table
    assert takes_gzip(accepted) is taken


def test_small_answers_and_those_that_do_not_shrink_stay_as_they_are() -> None:
    assert Prepared("/", b"x" * 500, 0, 0).encoding("gzip") == ""
    assert Prepared("/", os.urandom(5000), 0, 0).encoding("gzip") == ""
    assert Prepared("/", b"x" * 5000, 0, 0).encoding("gzip") == "gzip"


def test_one_request_makes_the_answer_anew_and_the_others_get_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.api.hot._RENEWAL", 10.0)  # a busy machine may stand still for half a second
    at_work, go_on = threading.Event(), threading.Event()
    made = itertools.count(1)

    async def slow(_asked: Asked) -> Answer:
        number = next(made)
        if number == 2:
            at_work.set()
            await asyncio.to_thread(go_on.wait, 10)
        return Answer(Number(number), time.time(), keep=0.2)

    operation = Operation("/api/dashboard", "A number.", "The next one.", Number, slow)
    with serving(guard(), operations=(operation,)) as running, ThreadPoolExecutor(1) as other:
        assert ask(running.port, PATH).json == {"number": 1}

        def renewed() -> bool:
            if not at_work.is_set():
                first = other.submit(ask, running.port, PATH)
                wait((first,), 0.05)
                waiting.append(first)
            return at_work.is_set()

        waiting: list[Future[Answered]] = []
        until("somebody makes the next one", renewed)
        assert ask(running.port, PATH).json == {"number": 1}
        go_on.set()
        assert waiting[-1].result(10).json == {"number": 2}
        assert ask(running.port, PATH).json["number"] >= 2
