"""Who may ask: tokens, the scopes that operations and rooms demand, and how often each key may ask."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from settings.api import Api, Scopes
from stream.auth import Authenticator
from stream.keybook import changing
from stream.tokens import issue, issue_api_key
from tests.stream.api.world import Answered, World, market, world


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("book") / "tokens.json"


def _issued(book: Path) -> dict[str, str]:
    now = time.time()
    with changing(book) as changed:
        return {
            "reader": issue(changed, "reader", ["read"], None, now),
            "key": issue_api_key(changed, "program", ["read"], None, now),
            "other": issue_api_key(changed, "other", [], None, now),
        }


def test_tokens_open_what_demands_a_scope(book: Path) -> None:
    tokens = _issued(book)
    settings = Api(scopes=Scopes(dashboard="read"))
    with world([market("BTC")], api=settings, checker=Authenticator(book)) as here:
        assert here.ask("/api/cryptocurrencies").status == 200
        refused = here.ask("/api/dashboard")
        assert (refused.status, refused.json["code"]) == (401, "auth-required")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        for headers in ({"Authorization": f"Bearer {tokens['reader']}"}, {"X_API_Key": tokens["key"]}):
            answer = here.ask("/api/dashboard", **headers)
            assert answer.status == 200
            assert answer.headers["cache-control"] == "private, no-cache"
        assert here.ask("/api/dashboard").status == 401, "what was told to one is not kept for others"
        assert here.ask("/api/dashboard", X_API_Key=tokens["other"]).json["code"] == "forbidden"


@pytest.mark.parametrize(("room", "open_to_all", "closed"), [
    ("market-data", (), ("cryptocurrencies", "dashboard", "trading-signals-fast", "alerts-fast", "ai-analysis")),
    ("sentiment-data", ("cryptocurrencies", "trading-signals-fast"), ("dashboard", "alerts-fast", "ai-analysis")),
])  # fmt: skip
def test_what_is_told_of_a_room_demands_the_rooms_scope(
    book: Path, room: str, open_to_all: tuple[str, ...], closed: tuple[str, ...]
) -> None:
    tokens, question = _issued(book), b'{"type": "sentiment-analysis", "cryptoId": "BTC"}'

    def answered(here: World, name: str, **headers: str) -> Answered:
        if name == "ai-analysis":
            return here.ask(f"/api/{name}", "POST", question, Content_Type="application/json", **headers)
        return here.ask(f"/api/{name}", **headers)

    with world([market("BTC")], checker=Authenticator(book), room_scopes={room: "read"}) as here:
        here.make()
        for name in closed:
            assert answered(here, name).json["code"] == "auth-required", name
            assert answered(here, name, X_API_Key=tokens["other"]).json["code"] == "forbidden", name
            answer = answered(here, name, X_API_Key=tokens["key"])
            assert answer.status == (503 if name == "ai-analysis" else 200), name
            assert answer.headers["cache-control"] in ("private, no-cache", "no-store"), name
            assert answered(here, name).status == 401, "what was told to one is not kept for others"
        for name in open_to_all:
            assert here.ask(f"/api/{name}").headers["cache-control"].startswith("public"), name


@pytest.mark.parametrize("headers", [
    {"Authorization": "Bearer x"}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"X_API_Key": "wf_000000000000_guess"},
    {"X_API_Key": "\u00e9" * 5}, {"Authorization": "Bearer " + "a" * 3000},
])  # fmt: skip
def test_tokens_that_are_none_are_refused(book: Path, headers: dict[str, str]) -> None:
    with world([market("BTC")], checker=Authenticator(book)) as here:
        answer = here.ask("/api/dashboard", **headers)
        assert (answer.status, answer.json["code"]) == (401, "bad-token")


def test_a_revoked_key_ends_at_once(book: Path) -> None:
    token = _issued(book)["key"]
    checker = Authenticator(book)
    with world([market("BTC")], checker=checker, anonymous=False) as here:
        assert here.ask("/api/dashboard").json["code"] == "auth-required"
        assert here.ask("/api/dashboard", X_API_Key=token).status == 200
        with changing(book) as changed:
            next(one for one in changed.tokens if one.id == token.split("_")[1]).revoked = 1
        checker.refresh()  # as the server does every two seconds
        assert here.ask("/api/dashboard", X_API_Key=token).json["code"] == "token-revoked"


def test_each_key_has_its_own_rate_and_guesses_count_for_their_address(book: Path) -> None:
    tokens = _issued(book)
    settings = Api(per_address="4/hour", per_key="2/hour")
    with world([market("BTC")], api=settings, checker=Authenticator(book)) as here:
        key = [here.ask("/api/dashboard", X_API_Key=tokens["key"]).status for _ in range(3)]
        other = [here.ask("/api/dashboard", X_API_Key=tokens["other"]).status for _ in range(3)]
        assert key == other == [200, 200, 429]
        guesses = [here.ask("/api/dashboard", X_API_Key=f"wf_{number:012x}_guess").status for number in range(6)]
        assert guesses == [401] * 4 + [429] * 2
