"""The server as a process: with PostgreSQL and without, and under what schemathesis makes of its own document."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.stream.api.world import Answered, ask
from tests.stream.edge.real import Real
from tests.stream.store.postgres import Postgres
from tests.waiting import until

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


def test_models_that_do_not_answer_are_told_as_such(live: Server) -> None:
    question = b'{"type": "risk-assessment", "cryptoId": "bitcoin"}'
    answer = live.ask("/api/ai-analysis", "POST", question, Content_Type="application/json")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert b"127.0.0.1" not in answer.body


@pytest.mark.parametrize("seed", [1])
def test_no_request_that_schemathesis_makes_breaks_the_server(live: Server, tmp_path: Path, seed: int) -> None:
    _good(live, "/api/alerts-fast")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{live.http}/api/openapi.json", "--max-examples", "15",
        "--phases", "examples,coverage,fuzzing", "--seed", str(seed), "--no-color", "--continue-on-failure",
        "--exclude-path", "/api/ai-analysis", "--report-dir", str(tmp_path), "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False, env=os.environ)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert 'code="5xx"} 0\n' in live.metrics()
    failed = [line for line in live.metrics().splitlines() if line.startswith("app_errors_total") and not line.endswith(" 0")]
    assert [line for line in failed if "ai-analysis" not in line] == []


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
