"""`python -m stream.analysis` beside a real stream and PostgreSQL: asked, scored, published, cut off, rolled back."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from stream.analysis.client import AnalysisClient, BusyError, RefusedError, UnreachableError
from stream.analysis.messages import PREDICTIVE, RISK, TYPES, Analysis, AnalysisRequest
from stream.analysis.versions import Shelf
from stream.store.migrate import migrate
from tests.stream.analysis.damage import overflown
from tests.stream.analysis.processes import Home, Running, fetch, running
from tests.stream.store.postgres import Postgres, for_app, postgres  # noqa: F401  # a fixture
from tests.waiting import free_ports, until

ENOUGH = 60.0  # seconds for the first versions: 200 outcomes of three symbols, four a second


@pytest.fixture(scope="module")
def home(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: F811  # the fixture
    return Home(tmp_path_factory.mktemp("analysis"), for_app(postgres.fresh()))


@pytest.fixture(scope="module")
def stream(home: Home) -> Iterator[Running]:
    with running(home, "stream") as found:
        yield found


@pytest.fixture(scope="module")
def analysis(home: Home, stream: Running) -> Iterator[Running]:  # noqa: ARG001  # it must be there
    with running(home, "stream.analysis", "--port", "0") as found:
        until("it answers", lambda: answered(found), ENOUGH)
        yield found


def answered(here: Running) -> bool:
    status, told = here.ask({"type": "recommendation-generation", "crypto_id": "BTC"})
    assert status == 200 or told["code"] == "no-data", told
    return status == 200


def rows(home: Home, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(home.database, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def ask(url: str, request: AnalysisRequest, deadline: float = 5.0) -> Analysis:
    async def story() -> Analysis:
        client = AnalysisClient(url, deadline=deadline)
        try:
            return await client.analyze(request)
        finally:
            await client.close()

    return asyncio.run(story())


def known(url: str, request: AnalysisRequest) -> Analysis | None:
    """The answer; None while too little of the market is known."""
    try:
        return ask(url, request)
    except BusyError:
        return None


@pytest.mark.parametrize("kind", TYPES)
def test_every_model_answers(analysis: Running, kind: Any) -> None:
    found = ask(analysis.url, AnalysisRequest(type=kind, crypto_id="btc", text="very bullish, ETF approved"))

    assert (found.type, found.symbol, found.horizon) == (kind, "BTC", 1)
    assert found.forecast.lower <= found.forecast.point <= found.forecast.upper
    assert 0 <= found.forecast.probability <= 1
    assert found.reasoning
    assert found.due_at - found.made_at == 1000
    assert ("text_sentiment" in found.data) == (kind == "sentiment-analysis")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad-request"),
        (b"", 400, "bad-request"),
        ({"type": "fortune", "crypto_id": "BTC"}, 400, "bad-request"),
        ({"type": RISK}, 400, "bad-request"),
        ({"type": RISK, "crypto_id": "BTC", "more": 1}, 400, "bad-request"),
        ({"type": RISK, "crypto_id": "BTC", "text": "x" * 5000}, 400, "bad-request"),
        ({"type": RISK, "crypto_id": "BTC", "text": "x" * 100_000}, 400, "bad-request"),
        ({"type": RISK, "crypto_id": "DOGE"}, 404, "unknown-crypto"),
        ({"type": RISK, "crypto_id": "BTC", "horizon": 77}, 400, "unknown-horizon"),
    ],
)
def test_a_question_that_is_none_gets_a_reason(analysis: Running, body: Any, status: int, code: str) -> None:
    before = analysis.samples()[f'ai_prediction_errors_total{{cause="{code}"}}']
    found = analysis.ask(body)

    assert (found[0], found[1]["code"]) == (status, code)
    assert found[1]["message"]
    assert analysis.samples()[f'ai_prediction_errors_total{{cause="{code}"}}'] == before + 1


def test_a_page_of_a_stranger_cannot_ask(analysis: Running) -> None:
    question = {"type": RISK, "crypto_id": "BTC"}

    assert analysis.ask(question, Host="evil.example")[0] == 400
    assert analysis.ask(question, **{"Content-Type": "text/plain"})[0] == 400
    for deadline in ("soon", "0", "9" * 5000):
        assert analysis.ask(question, **{"X-Deadline-Ms": deadline})[0] == 400
    assert analysis.ask(question)[0] == 200


def test_the_client_tells_errors_apart(analysis: Running) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(analysis.url, AnalysisRequest(type=RISK, crypto_id="DOGE"))
    assert refused.value.code == "unknown-crypto"
    with pytest.raises(UnreachableError):
        ask(f"http://127.0.0.1:{free_ports(1)[0]}", AnalysisRequest(type=RISK, crypto_id="BTC"))


def test_more_questions_than_the_queue_holds_are_refused(analysis: Running) -> None:
    async def story() -> list[Any]:
        client = AnalysisClient(analysis.url, deadline=30)  # how fast it is on a busy machine is not asked here
        question = AnalysisRequest(type=RISK, crypto_id="BTC")
        try:
            return await asyncio.gather(*(client.analyze(question) for _ in range(400)), return_exceptions=True)
        finally:
            await client.close()

    found = asyncio.run(story())
    refused = [one for one in found if isinstance(one, BusyError)]

    assert {type(one) for one in found} == {Analysis, BusyError}
    assert refused[0].code == "overloaded"
    assert refused[0].retry_after == 1


def test_predictions_are_stored_and_scored_by_what_happened(home: Home, analysis: Running) -> None:
    told: dict[str, Analysis] = {}

    def scored() -> list[dict[str, Any]]:
        # Who asks in the step of a scheduled prediction gets that one: another question gets one of its own.
        if found := known(analysis.url, AnalysisRequest(type=PREDICTIVE, crypto_id="ETH")):
            told[str(found.id)] = found
        ids = ", ".join(f"'{one}'" for one in told) or "NULL"  # our own ids
        return rows(home, f"SELECT * FROM ai_predictions WHERE id IN ({ids}) AND origin = 'asked' AND scored_at IS NOT NULL")

    row = until("one that was asked for is scored", scored, ENOUGH, 0.2)[0]
    asked = told[str(row["id"])]

    assert (row["model"], row["symbol"], row["origin"], row["horizon"]) == (PREDICTIVE, "ETH", "asked", 1)
    assert (row["point"], row["lower"], row["upper"]) == (asked.forecast.point, asked.forecast.lower, asked.forecast.upper)
    assert row["happened"] == (row["outcome"] > 0)
    assert row["outcome"] == row["change"]
    assert row["scored_at"] > row["due_at"]


def test_what_was_learned_becomes_a_version_that_answers(home: Home, analysis: Running) -> None:
    until("every model has a version", lambda: all((home.shelf / kind / "1.json").exists() for kind in TYPES), ENOUGH)
    until("the models answer", lambda: not ask(analysis.url, AnalysisRequest(type=RISK, crypto_id="BTC")).fallback, ENOUGH)
    stored = json.loads((home.shelf / RISK / "1.json").read_text())

    assert stored["learned"] >= 200
    assert stored["features"] == ["fast", "mid", "slow", "mood"]
    assert stored["library"].startswith("watchfloor ")
    assert analysis.samples()[f'ai_model_version{{model="{RISK}"}}'] >= 1


def test_a_second_process_stands_by_and_takes_over(home: Home, analysis: Running) -> None:
    until("the first holds the lease", lambda: analysis.samples()["ai_lease_held"] == 1)
    with running(home, "stream.analysis", "--port", "0") as second:
        until("the second knows", lambda: second.ask({"type": RISK, "crypto_id": "BTC"})[1].get("code") == "standby")
        assert second.samples()["ai_lease_held"] == 0
        assert "stands by" in fetch(f"{second.url}/readyz")
        analysis.process.send_signal(signal.SIGSTOP)
        with psycopg.connect(home.database, autocommit=True) as connection:  # as a network does that cuts it off
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        try:
            until("the second has it", lambda: second.samples()["ai_lease_held"] == 1)
        finally:
            analysis.process.send_signal(signal.SIGCONT)
        until("the first knows", lambda: analysis.samples()["ai_lease_held"] == 0)
        assert analysis.samples()["ai_lease_held"] + second.samples()["ai_lease_held"] == 1
    until("the first has it again", lambda: analysis.samples()["ai_lease_held"] == 1)


def test_a_restart_goes_on_where_the_last_process_stopped(home: Home, analysis: Running) -> None:
    until("there are versions", lambda: all((home.shelf / kind / "1.json").exists() for kind in TYPES), ENOUGH)
    pinned = home.command("rollback", PREDICTIVE, "1")

    assert pinned.returncode == 0, pinned.stderr
    until("the pinned one answers", lambda: analysis.samples()[f'ai_model_pinned{{model="{PREDICTIVE}"}}'] == 1)
    assert analysis.samples()[f'ai_model_version{{model="{PREDICTIVE}"}}'] == 1
    analysis.process.send_signal(signal.SIGSTOP)  # so that it publishes nothing meanwhile
    newest = max(int(path.stem) for path in (home.shelf / RISK).glob("*.json"))
    spoiled = home.shelf / RISK / f"{newest + 1}.json"
    spoiled.write_bytes((home.shelf / RISK / f"{newest}.json").read_bytes()[:-50])
    try:
        _restarted(home, newest)
    finally:
        spoiled.unlink()
        analysis.process.send_signal(signal.SIGCONT)
    assert home.command("release", PREDICTIVE).returncode == 0
    until("the newest answers", lambda: analysis.samples()[f'ai_model_pinned{{model="{PREDICTIVE}"}}'] == 0)


def _restarted(home: Home, newest: int) -> None:
    with running(home, "stream.analysis", "--port", "0") as again:
        told = again.samples()
        assert told[f'ai_model_unreadable_total{{model="{RISK}"}}'] == 1
        assert told[f'ai_model_version{{model="{RISK}"}}'] == newest
        assert told[f'ai_model_version{{model="{PREDICTIVE}"}}'] == 1
        assert "does not load" in fetch(f"{again.url}/readyz")


def test_versions_are_listed_and_a_wrong_one_is_refused(home: Home, analysis: Running) -> None:  # noqa: ARG001  # it makes them
    until("there is a version", (home.shelf / RISK / "1.json").exists, ENOUGH)
    listed, wrong = home.command("versions", RISK), home.command("rollback", RISK, "999")

    assert listed.returncode == 0
    assert "learned" in listed.stdout
    assert wrong.returncode == 1
    assert "there is no version 999" in wrong.stderr


def fallbacks(analysis: Running, cause: str) -> float:
    return analysis.samples()[f'ai_fallbacks_total{{model="{RISK}",cause="{cause}"}}']


def test_a_model_whose_figures_are_none_is_replaced_by_its_baseline_and_counted_as_failed(home: Home, analysis: Running) -> None:
    """Not as a young one: AIModelFallback counts those that failed alone."""
    question = AnalysisRequest(type=RISK, crypto_id="BTC")
    until("the model answers", lambda: not ask(analysis.url, question).fallback, ENOUGH)
    shelf = Shelf(home.shelf, 100)
    good = shelf.load(RISK, shelf.numbers(RISK)[0])
    assert fallbacks(analysis, "failed") == 0
    bad = shelf.add(replace(good, state=overflown(good.state)))
    assert home.command("rollback", RISK, str(bad.version)).returncode == 0
    answer = until("the baseline answers", lambda: found if (found := ask(analysis.url, question)).fallback else None)
    young = fallbacks(analysis, "young")
    assert (answer.forecast, answer.version) == (answer.baseline, bad.version)
    assert "its figures are not finite" in answer.reasoning
    more = fallbacks(analysis, "failed") + 5
    until("each prediction of it is counted", lambda: fallbacks(analysis, "failed") >= more)
    assert fallbacks(analysis, "young") == young
    assert home.command("rollback", RISK, str(good.version)).returncode == 0
    until("the model answers again", lambda: not ask(analysis.url, question).fallback)
    assert home.command("release", RISK).returncode == 0


def test_the_store_away_is_told_and_nothing_is_lost_that_fits(home: Home, postgres: Postgres, analysis: Running) -> None:  # noqa: F811  # the fixture
    before = rows(home, "SELECT count(*) AS n FROM ai_predictions")[0]["n"]
    postgres.kill()
    try:
        until("it says so", lambda: "degraded" in fetch(f"{analysis.url}/readyz"))
        status, _ = analysis.ask({"type": RISK, "crypto_id": "BTC"})
        assert status == 200
        waiting = until("predictions wait", lambda: held if (held := analysis.samples()["ai_unsaved_predictions"]) > 20 else None)
    finally:
        postgres.start()
    until("all is stored", lambda: analysis.samples()["ai_unsaved_predictions"] < waiting and answered(analysis), 40)
    until("more is there", lambda: rows(home, "SELECT count(*) AS n FROM ai_predictions")[0]["n"] > before, 20)
    assert analysis.samples()["ai_unsaved_lost_total"] == 0
    assert rows(home, "SELECT count(*) AS n FROM ai_predictions WHERE scored_at < due_at")[0]["n"] == 0


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    home = Home(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    home.site.write_text("analysis: {horizons: [1m, 60s]}\n", encoding="utf-8")
    done = home.command()

    assert done.returncode == 2
    assert "horizons" in done.stderr


def test_tables_that_are_made_later_are_found(
    postgres: Postgres,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> None:
    """Nobody makes the models wait for the store's migration."""
    owner = postgres.fresh(migrated=False)
    with running(Home(tmp_path, for_app(owner)), "stream.analysis", "--port", "0") as early:
        until("it says what is lacking", lambda: "does not exist" in fetch(f"{early.url}/readyz"))
        migrate(owner)
        until("it has found its tables", lambda: "refuses" not in fetch(f"{early.url}/readyz"))
