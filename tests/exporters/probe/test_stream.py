"""The probe beside the real stream server: in order, hung, killed, stopped, started again, with a token and with a wrong one."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.probe.board import Board
from exporters.probe.goal import Goal, own
from exporters.probe.tries import Tries
from metrics import probe as m
from metrics.stack import EXPORTER_SERIES_CUT
from settings import parse
from settings.containers import CONTAINERS, RUNTIME_VARIABLE
from settings.exporters import ProbeTarget
from tests.exporters.servers import Series, Server, ours, series
from tests.exporters.test_gate import certificate
from tests.stream.core.serving import run, serving
from tests.stream.edge.real import Real, real
from tests.waiting import until

COMMAND = [sys.executable, "-m", "exporters", "probe"]
API = [name for name in m.API if name != "ai-analysis"]  # which needs the models' process
IN_TIME = 0.5  # seconds for the quickest of five scrapes beside a server that hangs


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("stream")) as server:
        yield server


def probe(folder: Path, *targets: dict[str, Any], timeout: str = "10s") -> Server:
    site = folder / "probe.yaml"
    site.write_text(yaml.safe_dump({"exporters": {"probe": {"interval": "300ms", "timeout": timeout, "targets": list(targets)}}}))
    return ours(command=COMMAND, environment={**os.environ, "WATCHFLOOR_SITE": str(site)})


def target(stream: Real, **more: Any) -> dict[str, Any]:
    return {"name": "main", "url": stream.http, "api": API, **more}


def scrape(server: Server, path: str = "/metrics") -> Series:
    return series(server.text(path))


def seconds_of(server: Server) -> float:
    began = time.monotonic()
    server.text()
    return time.monotonic() - began


def successes(found: Series) -> dict[str, float]:
    return {dict(labels)["endpoint"]: value for labels, value in found["probe_success"].items()}


def failures(found: Series, endpoint: str) -> dict[str, float]:
    by_cause = {
        dict(labels)["cause"]: value
        for labels, value in found["probe_failures_total"].items()
        if ("endpoint", endpoint) in labels
    }
    return {cause: value for cause, value in by_cause.items() if value}


def fine(found: Series, *more: str) -> bool:
    return successes(found) == dict.fromkeys((m.WEBSOCKET, m.STREAM, *API, *more), 1)


def total(found: Series, name: str, **labels: str) -> float:
    return sum(value for key, value in found[name].items() if labels.items() <= dict(key).items())


def quick(server: Server, name: str) -> bool:
    return 0 < scrape(server)[name][()] < 1


def latency(found: Series) -> float:
    """The canaries' mean, in seconds."""
    return total(found, "probe_canary_latency_seconds_sum") / total(found, "probe_canary_latency_seconds_count")


def test_a_stream_in_order(stream: Real, tmp_path: Path) -> None:
    with probe(tmp_path, target(stream), target(stream, name="second", websocket=False)) as server:
        assert until("every endpoint answers", lambda: fine(scrape(server)))
        assert until("canaries come", lambda: total(scrape(server), "probe_canary_latency_seconds_count") >= 3)
        found = scrape(server)
        assert total(found, "probe_gaps_total") == total(found, "probe_repeated_messages_total") == 0
        assert total(found, "probe_messages_total", room="market-data") > 0
        assert found["probe_stream_connected"][()] == 1
        for name in ("probe_websocket_handshake_seconds", "probe_websocket_subscription_seconds"):
            assert until(f"a quick {name}", partial(quick, server, name))
        assert until("canaries are quick", lambda: latency(scrape(server)) < 1)
        assert found["probe_http_status_code"][(("endpoint", m.WEBSOCKET),)] == 101
        declared = {name for metric in m.METRICS if not metric.absent for name in metric.series}
        assert declared <= found.keys()
        second = scrape(server, "/probe?target=second")
        assert successes(second) == dict.fromkeys(API, 1)
        assert "probe_stream_connected" not in second
        assert server.get("/probe?target=http%3A%2F%2F127.0.0.1")[0] == 404
        assert EXPORTER_SERIES_CUT.name not in found


def test_a_stream_that_hangs(stream: Real, tmp_path: Path) -> None:
    with probe(tmp_path, target(stream), timeout="1s") as server:
        assert until("every endpoint answers", lambda: fine(scrape(server)))
        stream.send(signal.SIGSTOP)
        try:
            assert until("it is told as hung", lambda: set(successes(scrape(server)).values()) == {0})
            assert min(seconds_of(server) for _ in range(5)) < IN_TIME
            found = scrape(server)
            assert failures(found, m.WEBSOCKET).keys() == {"timeout"}
            assert "stale" in failures(found, m.STREAM)
            assert found["watchfloor_collector_success"][(("collector", "tries"), ("domain", "probe"))] == 1
        finally:
            stream.send(signal.SIGCONT)
        assert until("every endpoint answers again", lambda: fine(scrape(server)))
        assert total(scrape(server), "probe_gaps_total") == 0, "what came meanwhile was resumed"
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 12  # no thread was left behind
        _, said = server.stop()
    assert 1 <= said.count(f"{m.WEBSOCKET}: no answer") <= 2, said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, "1006"), (signal.SIGTERM, "1001")])
def test_a_stream_that_ends_and_is_started_again(stream: Real, tmp_path: Path, number: int, code: str) -> None:
    with probe(tmp_path, target(stream)) as server:
        assert until("every endpoint answers", lambda: fine(scrape(server)))
        stream.stop(number)
        assert until("it is told as down", lambda: set(successes(scrape(server)).values()) == {0})
        # The try that was under way is lost; it is the next one that is refused.
        assert until("it is told as refused", lambda: "refused" in failures(scrape(server), m.WEBSOCKET))
        assert total(scrape(server), "probe_stream_closes_total", code=code) == 1
        stream.start()
        assert until("every endpoint answers again", lambda: fine(scrape(server)))
        assert until(
            "the new numbering is noticed", lambda: total(scrape(server), "probe_gaps_total", room="canary", reason="epoch") == 1
        )
        assert total(scrape(server), "probe_gaps_total", reason="hole") == 0


def test_a_token_and_a_wrong_one(stream: Real, tmp_path: Path) -> None:
    issued = stream.run("stream.tokens", "issue", "--subject", "probe", "--api-key").stdout.strip()
    file = tmp_path / "token"
    file.write_text(issued)
    file.chmod(0o600)
    with probe(tmp_path, target(stream, token_file=str(file))) as server:
        assert until("the key is taken, a wrong one is not", lambda: fine(scrape(server), m.AUTH))
        file.write_text("wrong-and-secret")
        assert until("it is told", lambda: failures(scrape(server), m.WEBSOCKET).keys() == {"auth"})
        text = server.text()
        file.chmod(0o644)
        assert until("an open file is refused", lambda: "settings" in failures(scrape(server), m.WEBSOCKET))
        file.chmod(0o600)
        file.write_text(issued)
        assert until("the right one counts at once", lambda: fine(scrape(server), m.AUTH))
        text += server.text()
        _, said = server.stop()
    for word in (issued, "wrong-and-secret"):
        assert word not in said + text


def test_the_real_server_by_tls(tmp_path: Path) -> None:
    certificate(tmp_path, "stream")
    (tmp_path / "key.pem").chmod(0o600)
    file = str(tmp_path / "cert.pem")

    async def story() -> None:
        async with serving(f"{{tls: {{certificate: {file}, key_file: {tmp_path}/key.pem}}}}") as here:
            wanted = ProbeTarget(
                name="main", url=f"https://127.0.0.1:{here.port}", api=["alerts-fast"], trusted_certificates=file
            )
            board = Board("main", Goal(wanted).endpoints)
            assert await Tries(Goal(wanted), board, 5.0).run(m.WEBSOCKET)
            found = {(metric, labels): value for metric, labels, value in board.samples()}
            expiry, phase = found[m.EXPIRY, (m.WEBSOCKET,)], found[m.PHASE, (m.WEBSOCKET, "tls")]
            assert isinstance(expiry, float)
            assert isinstance(phase, float)
            assert 0 < expiry - time.time() < 3 * 86_400
            assert phase > 0

    run(story())


@pytest.mark.parametrize(
    ("text", "rooms", "api", "edge"),
    [
        ("", 4, 5, True),
        ("stream: {api: {scopes: {ai-analysis: models}}}", 4, 4, True),
        ("stream: {rooms: {onchain-data: {scope: chain}}}", 3, 2, False),
        ("stream: {rooms: {market-data: {scope: pro}}}", 3, 0, False),
        ("stream: {api: {scopes: {dashboard: read}}}", 4, 4, False),
        (
            "{stream: {rooms: {onchain-data: {scope: chain}}, anonymous: false}, exporters: {probe: {token_file: /t}}}",
            4,
            5,
            False,
        ),
    ],
)
def test_of_its_own_stream_it_asks_what_it_may(text: str, rooms: int, api: int, edge: object) -> None:
    target = own(parse(text))
    assert (len(target.rooms), len(target.api), bool(target.edge)) == (rooms, api, edge)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("entrance: {enabled: true}", "https://127.0.0.1:8443"),
        ("entrance: {enabled: true, bind: 0.0.0.0}", "https://127.0.0.1:8443"),
        ("entrance: {enabled: true, bind: '::'}", "https://[::1]:8443"),
        ("entrance: {enabled: true, bind: 192.0.2.7}", "https://192.0.2.7:8443"),
    ],
)
def test_the_entrance_is_asked_where_it_listens(text: str, url: str) -> None:
    target = own(parse(text))
    assert target.entrance == url
    assert (m.ENTRANCE in Goal(target).endpoints) == bool(url)


def test_in_containers_the_entrance_is_asked_by_its_name() -> None:
    assert own(parse("entrance: {enabled: true}", environment={RUNTIME_VARIABLE: CONTAINERS})).entrance == "https://entrance:8443"


def test_the_entrance_is_trusted_by_nothing_and_shown_no_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token", encoding="utf-8")
    token.chmod(0o600)
    goal = Goal(ProbeTarget(name="a", url="https://a.test", entrance="https://b.test:8443", token_file=str(token)))
    asked = goal.request(m.ENTRANCE)
    assert (asked.place.authority, asked.path, asked.token, asked.body) == ("b.test:8443", "/.entrance/health", "", b"")
    assert goal.request("dashboard").token == "a-token"
    trusted = {name: goal.trust(goal.request(name).place) for name in (m.ENTRANCE, "dashboard")}
    modes = {name: one.verify_mode for name, one in trusted.items() if one}
    assert modes == {m.ENTRANCE: ssl.CERT_NONE, "dashboard": ssl.CERT_REQUIRED}
