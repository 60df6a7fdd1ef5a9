"""Posted events: kept, listed, shown, exposed; refused in one sentence; text, whatever stands in them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from alerts import cli
from alerts.inbox import store as stores
from alerts.inbox.listing import Listing
from alerts.inbox.posted import BadEventError, Posted, moment_of, parse
from alerts.inbox.schema import _TABLES
from alerts.inbox.store import Store
from metrics import stack
from tests.alerts.inbox.service import Inbox, alert, ask, delivery

NOW = 1_795_000_000.0
HOSTILE = "<img src=x onerror=alert(1)> \"'{{7*7}}"
WRONG: dict[str, dict[str, Any]] = {
    "title: is missing": {},
    "title: is too long": {"title": "x" * 121},
    "title: holds a line break": {"title": "a\nb"},
    "kind: 'party' is not known: give one of deploy": {"kind": "party"},
    "start: 'soon' is no time": {"start": "soon"},
    "start: '2026-11-22T09:00:00' is no time": {"start": "2026-11-22T09:00:00"},
    "start: 'nan' is no time": {"start": "nan"},
    "start: is no time": {"start": True},
    "start: is more than a day ahead": {"start": NOW + 2 * 86400},
    "start: '1795000000000.0' is no time": {"start": NOW * 1000},
    "end: is before start": {"start": NOW, "end": NOW - 1},
    "end: is before start, or more than 31 days": {"start": NOW - 40 * 86400, "end": NOW},
    "tags: is no list": {"tags": "shop"},
    "tags: is no list of at most 10": {"tags": ["x"] * 11},
    "tags: is too long": {"tags": ["x" * 41]},
    "link: is no web address": {"link": "javascript:alert(1)"},
    "by: is no field of an event: known are title": {"by": "Ada"},
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_is_told_in_one_sentence(said: str) -> None:
    body = WRONG[said] if said == "title: is missing" else {"title": "shop 1.4.2"} | WRONG[said]
    with pytest.raises(BadEventError) as found:
        parse(json.dumps(body).encode(), NOW)
    assert str(found.value).startswith(said)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'"x"', b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadEventError, match="the body is not an object in JSON"):
        parse(body, NOW)


def test_times_are_read_in_both_forms() -> None:
    assert moment_of("2026-11-22T09:00:00Z", "from") == moment_of("2026-11-22T10:00:00 01:00", "from") == 1795338000
    assert moment_of("1795338000.5", "from") == 1795338000.5


def test_posted_and_listed(inbox: Inbox) -> None:
    now = time.time()
    whole = {"title": "load test", "kind": "load", "start": now - 600, "end": now - 60, "tags": ["a", "a", "b"],
             "link": "https://ci.example/7"}  # fmt: skip
    made = inbox.call("POST", "/api/events", whole)
    assert (made.status, made.json["id"], made.json["tags"], made.json["link"]) == (201, 1, ["a", "b"], "https://ci.example/7")
    assert inbox.call("POST", "/api/events", {"title": "shop 1.4.2"}).json["kind"] == "deploy"
    listed = inbox.get("/api/events").json
    assert ([event["title"] for event in listed["events"]], listed["more"]) == (["shop 1.4.2", "load test"], False)
    assert [one["kind"] for one in inbox.get("/api/events?kind=load").json["events"]] == ["load"]
    assert inbox.get("/api/events?limit=1").json["more"] is True
    assert [one["id"] for one in inbox.get(f"/api/events?from={now - 300}&to={now - 200}").json["events"]] == [1]
    assert inbox.get(f"/api/events?to={now - 601}").json["events"] == []
    for wrong in ("from=soon", "to=1e99", "kind=party", "limit=0"):
        assert inbox.get(f"/api/events?{wrong}").status == 400, wrong


def test_it_is_a_metric(inbox: Inbox) -> None:
    for kind in stack.EVENT_KINDS:
        assert inbox.metric(f'watchfloor_events_total{{kind="{kind}"}}') == 0
    for number in range(25):
        inbox.call("POST", "/api/events", {"title": f"shop {number}"})
    inbox.call("POST", "/api/events", {"title": "long ago", "start": time.time() - 2 * 86400})
    assert inbox.metric('watchfloor_events_total{kind="deploy"}') == 26
    shown = [line for line in inbox.get("/metrics").text.splitlines() if line.startswith("watchfloor_event_timestamp_seconds{")]
    assert len(shown) == 20
    assert 'title="shop 24"' in shown[0]


def test_only_programs_of_ours_may_post(inbox: Inbox) -> None:
    plain = ask(f"{inbox.url}/api/events", "POST", b'{"title": "x"}')
    assert (plain.status, "X-Watchfloor" in plain.json["detail"]) == (403, True)
    assert inbox.call("POST", "/api/events", {"title": "x"}, Origin="https://evil.example").status == 403
    assert inbox.call("POST", "/api/events", {"title": "x", "link": "y" * 20_000}).status == 413
    assert inbox.get("/api/events").json["events"] == []


def test_markup_is_text_on_the_page_and_in_timelines(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    inbox.call("POST", "/api/events", {"title": HOSTILE, "tags": ["<b>"]})
    page = inbox.get("/").text
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt; &#34;&#39;{{7*7}}") == 2  # in the list, and in the incident's timeline
    assert "&lt;b&gt;" in page
    escaped = HOSTILE.replace('"', '\\"')
    assert f'title="{escaped}"' in inbox.get("/metrics").text


def test_number_and_age_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_POSTED", 3)
    store, listing = Store(tmp_path / "x.db"), Listing(tmp_path / "x.db")
    for at in range(5):
        store.post(Posted("deploy", f"n{at}", float(at)))
    assert [event.title for event in listing.posted(0, 9, 9)] == ["n4", "n3", "n2"]
    assert store.forget_posted(4.0) == 2
    assert [event.title for event in listing.posted(0, 9, 9)] == ["n4"]


def test_a_database_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "x.db")
    old.executescript(f"{_TABLES} PRAGMA user_version = 1;")
    old.execute("INSERT INTO meta VALUES ('watchdog_at', '5.0')")
    old.commit()
    old.close()
    store = Store(tmp_path / "x.db")
    assert store.post(Posted("deploy", "x", 1.0)).id == 1
    assert store.watchdog_at() == 5.0


def test_the_command_posts_and_tells_why_it_could_not(
    make_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    inbox = make_inbox()
    site = tmp_path / "site.yaml"
    site.write_text(f"ports: {{inbox: {urlsplit(inbox.url).port}}}\n", encoding="utf-8")
    monkeypatch.setenv("WATCHFLOOR_SITE", str(site))
    assert cli.main(["event", "--title", "it's <live>", "--tag", "shop", "--start", "1"]) == 0
    assert capsys.readouterr().out == "event 1: deploy: it's <live>, 1970-01-01T00:00:01.000Z\n"
    assert cli.main(["event", "--title", "x", "--link", "ftp://x"]) == 1
    assert capsys.readouterr().err == "link: is no web address: give one that begins with http:// or https://\n"
    inbox.stop()
    assert cli.main(["event", "--title", "x"]) == 1
    assert "does not answer" in capsys.readouterr().err
