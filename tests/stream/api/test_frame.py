"""What every operation shares: parameters, bodies, tokens, scopes, time, origins, errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from metrics.expose import Renderer
from settings.api import Api
from stream.api.operations import Answer, Asked, Operation
from tests.stream.api.world import Answered, World, ask, market, sentiment, world
from tests.stream.edge.server import Raw, guard, serving
from tests.waiting import until


class Echo(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=20)]
    count: int = 0


async def _echo(asked: Asked) -> Answer:
    return Answer(Echo(asked.body.text, asked.body.count + 1))


async def _slow(asked: Asked) -> Answer:
    await asyncio.sleep(60)
    return Answer(Echo(str(asked)))


async def _broken(asked: Asked) -> Answer:
    raise RuntimeError(f"a secret of the inside {asked}")


OPERATIONS = (
    Operation("/api/ai-analysis", "Echo.", "Says it back.", Echo, _echo, method="POST", body=Echo),
    Operation("/api/dashboard", "Slow.", "Never ends.", Echo, _slow),
    Operation("/api/alerts-fast", "Broken.", "Fails.", Echo, _broken),
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    settings = Api(timeout="200ms", body_bytes=1024)
    with serving(guard(), operations=OPERATIONS, api=settings, allowed_origins=("https://partner.example",)) as running:
        yield running.port


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world([market("BTC", change_24h=-12.0), market("ETH"), sentiment("ETH", 10.0)]) as running:
        running.make()
        yield running


def _post(port: int, body: bytes, kind: str = "application/json", **headers: str) -> Answered:
    return ask(port, "/api/ai-analysis", "POST", body, Content_Type=kind, **headers)


def test_a_body_is_taken_by_its_type(port: int) -> None:
    answer = _post(port, b'{"text": "hello", "count": 1}')
    assert (answer.status, answer.json) == (200, {"text": "hello", "count": 2})
    assert answer.headers["cache-control"] == "no-store"
    assert _post(port, b'{"text": "hello"}', "application/json; charset=utf-8").status == 200


@pytest.mark.parametrize(("body", "kind", "status", "code"), [
    (b'{"text": 5}', "application/json", 400, "bad-body"),
    (b'{"text": "', "application/json", 400, "bad-body"),
    (b"", "application/json", 400, "bad-body"),
    (b'{"text": "\xff"}', "application/json", 400, "bad-body"),
    (b"[" * 900, "application/json", 400, "bad-body"),
    (b'{"text": "x"}', "text/plain", 415, "not-json"),
    (b'{"text": "x"}' + b" " * 1100, "application/json", 413, "body-too-large"),
])  # fmt: skip
def test_any_other_body_is_refused_in_words(port: int, body: bytes, kind: str, status: int, code: str) -> None:
    answer = _post(port, body, kind)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_no_body_is_inflated(port: int) -> None:
    assert _post(port, b"\x1f\x8b", Content_Encoding="gzip").json["code"] == "not-json"


def test_who_leaves_while_the_body_comes_is_no_fault_of_the_servers() -> None:
    with serving(guard(), operations=OPERATIONS) as running:
        with Raw(running.port) as client:
            client.send(
                b"POST /api/ai-analysis HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{"
            )
            until("it is asked", lambda: running.guard.open == 1)
        line = 'app_http_requests_total{route="/api/ai-analysis",code="4xx"} 1\n'
        until("it is counted", lambda: line in Renderer().render(running.figures.collect()).decode())
        assert 'app_errors_total{route="/api/ai-analysis"} 0\n' in Renderer().render(running.figures.collect()).decode()


def test_a_body_that_does_not_come_is_the_clients_fault(port: int) -> None:
    with Raw(port) as client:
        client.send(b"POST /api/ai-analysis HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{")
        answer = client.until(b"requestId")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "request-too-slow"' in answer


def test_what_takes_too_long_ends(port: int) -> None:
    began = time.monotonic()
    answer = ask(port, "/api/dashboard")
    assert (answer.status, answer.json["code"]) == (504, "too-late")
    assert time.monotonic() - began < 5


def test_a_mistake_of_ours_tells_nothing_of_the_inside(port: int) -> None:
    answer = ask(port, "/api/alerts-fast")
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


# -- pages of other origins ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("origin", "told"), [("https://partner.example", "https://partner.example"), ("https://evil.example", None)]
)
@pytest.mark.parametrize("path", ["/api/rooms", "/api/alerts-fast", "/api/nothing"])
def test_pages_read_answers_and_errors_only_where_they_are_named(port: int, path: str, origin: str, told: str | None) -> None:
    answer = ask(port, path, Origin=origin)
    assert answer.headers.get("access-control-allow-origin") == told
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_tells_what_may_be_sent(port: int) -> None:
    asked = {"Origin": "https://partner.example", "Access_Control_Request_Method": "POST"}
    answer = ask(port, "/api/ai-analysis", "OPTIONS", **asked)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://partner.example")
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    stranger = ask(port, "/api/ai-analysis", "OPTIONS", **(asked | {"Origin": "https://evil.example"}))
    assert "access-control-allow-origin" not in stranger.headers


# -- parameters ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("query", [
    "limit=0", "limit=501", "limit=x", "offset=-1", "active=perhaps", "unknown=1", "limit=1&limit=2", "limit=", "limit=%FF",
    "offset=99999999999999999999999",
])  # fmt: skip
def test_parameters_that_are_none_are_named(here: World, query: str) -> None:
    answer = here.ask(f"/api/cryptocurrencies?{query}")
    assert (answer.status, answer.json["code"]) == (400, "bad-parameter")
    assert query.partition("=")[0] in answer.json["detail"]


def test_a_list_comes_in_pages(here: World) -> None:
    first = here.ask("/api/cryptocurrencies?limit=1").json
    assert [one["symbol"] for one in first["cryptocurrencies"]] == ["BTC"]
    assert (first["next"], first["source"]) == (1, "live")
    second = here.ask("/api/cryptocurrencies?limit=1&offset=1").json
    assert [one["symbol"] for one in second["cryptocurrencies"]] == ["ETH"]
    assert second["next"] is None
    assert here.ask("/api/cryptocurrencies?active=false").json["cryptocurrencies"] == []


def test_symbols_choose_what_is_told(here: World) -> None:
    told = here.ask("/api/dashboard?symbols=ETH").json
    assert [one["symbol"] for one in told["currencies"]] == ["ETH"]
    assert told["totals"]["symbols"] == 2
    assert here.ask("/api/dashboard?symbols=btc").status == 400


# -- the fast ones ---------------------------------------------------------------------------------------------------
def test_market_conditions_come_with_their_age_the_worst_first(here: World) -> None:
    here.make(time.time() - 1.5)
    answer = here.ask("/api/alerts-fast?symbols=BTC,ETH")
    told = answer.json
    assert [(one["symbol"], one["kind"], one["severity"]) for one in told["alerts"]] == [
        ("BTC", "price-move", "critical"), ("ETH", "sentiment", "warning"),
    ]  # fmt: skip
    assert 1.5 <= told["age"] < 10
    assert int(answer.headers["age"]) == int(told["age"])
    assert answer.headers["cache-control"] == "public, max-age=1, s-maxage=5, stale-while-revalidate=10"
    assert answer.headers["surrogate-key"] == "all api:market-conditions"
    assert [one["symbol"] for one in here.ask("/api/alerts-fast?severity=warning").json["alerts"]] == ["ETH"]


def test_before_anything_is_known_the_fast_ones_say_when_to_ask_again() -> None:
    with world() as here:
        here.make()
        for path in ("/api/alerts-fast", "/api/trading-signals-fast", "/api/dashboard", "/api/cryptocurrencies"):
            answer = here.ask(path)
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert answer.json["code"] in ("no-data", "unavailable")
            assert answer.headers["retry-after"] == "1"


def test_what_is_too_old_is_not_told() -> None:
    with world([market("BTC")]) as here:
        here.make(time.time() - 61)
        assert here.ask("/api/alerts-fast").status == 503
        here.make(time.time() - 20)
        answer = here.ask("/api/alerts-fast")
        assert answer.json["age"] >= 20
        assert answer.headers["cache-control"] == "no-cache", "others must not keep what is old already"
