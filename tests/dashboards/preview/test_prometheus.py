"""A Prometheus that takes too long, refuses, or is none: each has its own words, and the other queries of a panel stand."""

from __future__ import annotations

import asyncio
import socket
import time

import msgspec
import pytest

from dashboards.preview import events
from dashboards.preview.ask import Ask, Reader
from dashboards.preview.model import Dashboard, Panel
from dashboards.preview.prometheus import Prometheus, QueryError, RejectedError, TimedOutError, data
from dashboards.preview.timerange import Range
from tests.dashboards.preview.conftest import World


async def instant(url: str, expr: str, patience: float) -> None:
    async with Prometheus(url, timeout=patience) as prometheus:
        await prometheus.instant(expr, time.time())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (
            b'{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}', 503,
            r"Prometheus: query timed out in expression evaluation: narrow the time range",
        ),
        (b"Unauthorized", 401, r"refuses the user or the password \(401\): set endpoints\.prometheus_username"),
        (
            b'{"status":"error","errorType":"execution","error":"query processing would load too many samples"}', 422,
            r"Prometheus: query processing would load too many samples",
        ),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_its_own_words(body: bytes, status: int, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        data(body, status, "http://prometheus:9090")


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimedOutError, match=r"did not answer within 0\.1 s"):
        asyncio.run(instant(f"http://127.0.0.1:{silent.getsockname()[1]}", "up", 0.1))


def test_what_is_no_prometheus_is_told(running: World) -> None:
    with pytest.raises(RejectedError, match="answered 404 and no JSON of Prometheus: is it one"):
        asyncio.run(instant(running.preview, "up", 5))


def test_one_wrong_query_of_a_panel_leaves_the_others(running: World) -> None:
    targets = [{"refId": "A", "expr": "sum(("}, {"refId": "B", "expr": "up"}]
    panel = msgspec.convert({"id": 1, "type": "state-timeline", "targets": targets}, Panel)
    now = time.time()
    ask = Ask("", "", Range(now - 10, now), now)
    notes = {"annotations": {"list": [{"name": "Bad", "expr": "sum(("}, {"name": "Good", "expr": "ALERTS", "step": "1s"}]}}
    board = msgspec.convert({"uid": "x", "title": "x"} | notes, Dashboard)

    async def asked() -> tuple[dict[str, object], dict[str, object]]:
        async with Prometheus(running.prometheus) as prometheus:
            return await Reader(prometheus, 1).panel(panel, ask, {}), await events.ask(prometheus, board, ask, {})

    made, happened = asyncio.run(asked())
    assert made["rows"]
    assert "query A: Prometheus:" in str(made["errors"])
    assert happened["events"]
    assert "events 'Bad': Prometheus:" in str(happened["errors"]).replace("\\'", "'")  # a list writes its quotes so
