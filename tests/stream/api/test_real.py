"""The server as a process: with PostgreSQL and without, and under what schemathesis makes of its own document."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
import yaml
from websockets.sync.client import connect

from settings.paths import CLONE
from stream.analysis.messages import TYPES
from tests.stream.analysis.processes import Home, fetch, running
from tests.stream.api.world import Answered, ask
from tests.stream.edge.real import Real
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

FLOODED = "stream: {api: {per_address: 100000000/minute}"
LIVE = FLOODED + "}\n"
# Sources that nobody answers: the server knows what is stored, and nothing else.
SILENT = f"""{FLOODED}, sources: {{
  market: {{endpoint: "ws://127.0.0.1:9"}}, onchain: {{endpoint: "ws://127.0.0.1:9"}}, sentiment: {{endpoint: "ws://127.0.0.1:9"}},
}}}}
"""
ROWS = """
INSERT INTO cryptocurrencies (id, symbol, name, coin_gecko_id, is_active)
VALUES ('bitcoin', 'BTC', 'Bitcoin', 'bitcoin', true), ('old', 'OLD', 'Old coin', NULL, false) ON CONFLICT DO NOTHING;
INSERT INTO price_history (crypto_id, price, volume_24h, change_24h) VALUES ('bitcoin', 60000.125, 1000, -1.5);
INSERT INTO technical_metrics (crypto_id, rsi, ma50) VALUES ('bitcoin', 55.5, 59000.25);
INSERT INTO on_chain_metrics (crypto_id, mvrv, active_addresses) VALUES ('bitcoin', 1.5, 900000);
INSERT INTO sentiment_data (crypto_id, fear_greed_index) VALUES ('bitcoin', 40);
INSERT INTO analysis_history (crypto_id, analysis_type, signal, confidence, risk_level)
VALUES ('bitcoin', 'risk-assessment', 'hold', 0.75, 'medium');
"""


SECONDS = 60.0  # for the models' first answers: at ten times the pace each learns from 200 outcomes of three symbols


GUIDE = (CLONE / "docs/guides/api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", GUIDE, re.DOTALL)


# How what is none may be refused: its own list lacks those for sizes and types, and a fault of the server's is none.
REFUSED = """[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "406", "413", "415", "422", "428", "431"]
"""


class Server(Real):
    """A server that may have no feed."""

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return self.ask("/api/rooms").status == 200
        except OSError:
            return False

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answered:
        return ask(self.port, path, method, body, **headers)


def _good(server: Server, path: str) -> Answered:
    """The first answer that is one."""

    def good() -> Answered | None:
        found = server.ask(path)
        return found if found.status == 200 else None

    return until(f"{path} is answered", good)


def _started(home: Path, site: str, database: str) -> Iterator[Server]:
    server = Server(home, site)
    server.environment = server.environment | {"DATABASE_URL": database}
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    url = postgres.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROWS)
    return url


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Server]:
    yield from _started(tmp_path_factory.mktemp("stored"), SILENT, database)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Server]:
    yield from _started(tmp_path_factory.mktemp("live"), LIVE, database)


def test_without_a_feed_what_is_stored_is_told(stored: Server) -> None:
    told = _good(stored, "/api/cryptocurrencies").json
    assert told["source"] == "database"
    assert [(one["id"], one["symbol"], one["coinGeckoId"]) for one in told["cryptocurrencies"]] == [
        ("bitcoin", "BTC", "bitcoin"), ("old", "OLD", None),
    ]  # fmt: skip
    assert [one["id"] for one in stored.ask("/api/cryptocurrencies?active=true").json["cryptocurrencies"]] == ["bitcoin"]
    assert stored.ask("/api/cryptocurrencies?limit=1").json["next"] == 1

    board = stored.ask("/api/dashboard").json
    assert board["source"] == "database"
    (known,) = board["currencies"]
    assert (float(known["market"]["price"]), known["market"]["change24h"]) == (60000.125, -1.5)
    assert (known["technical"]["rsi"], float(known["technical"]["ma50"])) == (55.5, 59000.25)
    assert (known["onchain"]["mvrv"], known["onchain"]["activeAddresses"]) == (1.5, 900000)
    assert known["sentiment"]["fearGreedIndex"] == 40
    assert [(one["cryptoId"], one["type"], one["confidence"]) for one in board["analyses"]] == [
        ("bitcoin", "risk-assessment", 0.75)
    ]
    assert stored.ask("/api/alerts-fast").json["code"] == "no-data", "the fast ones never ask the store"


def test_with_a_feed_its_values_are_told_with_the_stores_names(live: Server) -> None:
    def priced() -> dict[str, object] | None:
        told = live.ask("/api/cryptocurrencies").json
        found = next((one for one in told["cryptocurrencies"] if one["symbol"] == "BTC"), None)
        return found if found and told["source"] == "database" and found["price"] else None

    found = until("the feed's price under the store's name", priced)
    assert found["name"] == "Bitcoin"
    board = live.ask("/api/dashboard").json
    assert board["source"] == "live"
    assert {one["symbol"] for one in board["currencies"]} >= {"BTC", "ETH"}
    for path in ("/api/alerts-fast", "/api/trading-signals-fast"):
        answer = _good(live, path)
        assert answer.json["age"] < 3


def test_a_room_without_a_feed_begins_with_what_is_stored(stored: Server) -> None:
    first: dict[str, list[dict[str, object]]] = {}
    with connect(stored.ws) as client:
        for room in ("market-data", "onchain-data", "sentiment-data"):
            client.send(json.dumps({"type": "subscribe", "room": room}))
        while len(first) < 3:
            said = json.loads(client.recv(timeout=10))
            if said["type"] == "initial-data":
                first[said["room"]] = said["data"]
    (market,), (chain,), (mood,) = first["market-data"], first["onchain-data"], first["sentiment-data"]
    assert (market["symbol"], float(str(market["price"])), market["rsi"]) == ("BTC", 60000.125, 55.5)
    assert (chain["symbol"], chain["active_addresses"]) == ("BTC", 900000)
    assert (mood["symbol"], mood["fear_greed_index"]) == ("BTC", 40)
    assert stored.ask("/api/rooms").json["rooms"][0]["symbols"] == [], "what is stored is no news of the room"


def test_models_that_do_not_answer_are_told_as_such(stored: Server) -> None:
    question = b'{"type": "risk-assessment", "cryptoId": "bitcoin"}'
    answer = stored.ask("/api/ai-analysis", "POST", question, Content_Type="application/json")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert b"127.0.0.1" not in answer.body


def _schemathesis(address: str, folder: Path, *options: str) -> None:
    """Every check of schemathesis, over the document that the server tells. Raises AssertionError with what it found."""
    (folder / "schemathesis.toml").write_text(REFUSED, encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{address}/api/openapi.json", "--max-examples", "15",
        "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color", "--continue-on-failure",
        "--report-dir", str(folder), "--generation-database", "none", *options,
    ]  # fmt: skip
    variables = os.environ | {"SCHEMATHESIS_HOOKS": "tests.stream.api.hooks", "PYTHONPATH": str(CLONE)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False, env=variables)
    told = "\n".join(line[:300] for line in done.stdout.splitlines())  # a body may be long
    assert done.returncode == 0, told[-6000:] + done.stderr


def test_no_request_that_schemathesis_makes_breaks_the_server(live: Server, tmp_path: Path) -> None:
    _good(live, "/api/alerts-fast")
    before = _errors(live)
    # Its requests are no handshakes, and here are no models: tests/stream/edge asks for the ones, the next test the others.
    _schemathesis(live.http, tmp_path, "--exclude-path-regex", "^/ws$|^/api/ai-analysis$")
    assert _errors(live) == before


def _errors(server: Server) -> list[str]:
    return [line for line in server.metrics().splitlines() if line.startswith("app_errors_total")]


@pytest.fixture(scope="module")
def asked(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Where a server runs whose models answer, each of them."""
    home = Home(tmp_path_factory.mktemp("models"), postgres.fresh())
    port = free_ports(1)[0]
    settings = yaml.safe_load(home.site.read_text(encoding="utf-8"))
    settings["ports"]["analysis"] = port
    settings["stream"]["api"] = {"per_address": "100000000/minute"}
    home.site.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def answered(kind: str) -> bool:
        question = json.dumps({"type": kind, "cryptoId": "BTC"})
        found = ask(home.ports[0], "/api/ai-analysis", "POST", question, Content_Type="application/json")
        assert found.status == 200 or found.json["code"] in ("no-data", "unavailable"), found
        return found.status == 200

    with running(home, "stream"), running(home, "stream.analysis", "--port", str(port)):
        for kind in TYPES:
            until(f"{kind} is answered", partial(answered, kind), SECONDS)
        yield home


def test_no_question_that_schemathesis_makes_breaks_the_models(asked: Home, tmp_path: Path) -> None:
    before = _answered(asked.ports[1])
    _schemathesis(f"http://127.0.0.1:{asked.ports[0]}", tmp_path, "--include-path", "/api/ai-analysis", "--max-examples", "80")
    after = _answered(asked.ports[1])
    assert after["5xx"] == before["5xx"]
    assert after["2xx"] >= before["2xx"] + 15
    assert after["4xx"] >= before["4xx"] + 15


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=[text.split("\n")[0][:60] for _, text in EXAMPLES])
def test_the_examples_of_the_guide_do_what_they_say(asked: Home, kind: str, text: str) -> None:
    here = text.replace("localhost:8080", f"127.0.0.1:{asked.ports[0]}")
    assert here != text, "it asks nobody"
    # These servers are no appliance that make knows: what it runs for one, tests/live/test_tokens.py does by its own words.
    here = re.sub(r"make -s token do='([^']*)'", r"python -m stream.tokens \1", here)
    words = ["bash", "-euo", "pipefail", "-c", here] if kind == "sh" else [sys.executable, "-c", here]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def done() -> subprocess.CompletedProcess[str] | None:
        found = subprocess.run(
            words, cwd=CLONE, env=asked.variables | {"PATH": path}, capture_output=True, text=True, timeout=30, check=False
        )
        return found if found.returncode == 0 else None

    told = until(f"it succeeds: {here}", done).stdout  # a new key is known, and all signals there, a moment later
    assert told.strip()
    for expected in re.findall(r"# (\d{3})$", text, re.MULTILINE):
        assert expected in told.split()


def _answered(admin: int) -> dict[str, int]:
    """Answers of `/api/ai-analysis` so far, by the class of their status."""
    told = fetch(f"http://127.0.0.1:{admin}/metrics")
    found = re.findall(r'app_http_requests_total\{route="/api/ai-analysis",code="(...)"\} (\d+)', told)
    return {code: int(number) for code, number in found}


def test_a_store_that_dies_is_told_within_a_moment_and_comes_back(stored: Server, postgres: Postgres) -> None:
    _good(stored, "/api/cryptocurrencies?limit=7")
    postgres.kill()

    pages = itertools.count(100)  # each asked once: what is in the cache goes on being told

    def away() -> Answered | None:
        found = stored.ask(f"/api/cryptocurrencies?limit={next(pages)}")
        assert found.status in (200, 503), found
        return found if found.status == 503 else None

    told = until("the loss is told", away)
    assert told.json["code"] == "unavailable"
    assert told.headers["retry-after"] == "1"
    assert stored.ask("/api/cryptocurrencies?limit=7").status == 200
    postgres.start()
    until("it answers again", lambda: stored.ask(f"/api/cryptocurrencies?limit={next(pages)}").status == 200, 30)
