"""Ten thousand incidents: listings stay fast, the page says what it leaves out."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.inbox.listing import Listing
from alerts.inbox.store import Store
from alerts.inbox.webhook import parse
from tests.alerts.inbox.service import Inbox, alert, delivery

MakeInbox = Callable[..., Inbox]
MANY = 10_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with 10,000 incidents, 400 of them open."""
    path = tmp_path_factory.mktemp("many") / "inbox.db"
    store = Store(path)
    severities = ("critical", "warning", "info")
    for begin in range(0, MANY, 1000):
        numbers = range(begin, begin + 1000)
        alerts = [alert(f"Alert{n % 20}", instance=f"web-{n}", severity=severities[n % 3]) for n in numbers]
        store.record(parse(delivery(*alerts)), 1000.0 + begin)
        over = [
            item | {"status": "resolved", "endsAt": "2026-11-22T09:07:00Z"}
            for n, item in zip(numbers, alerts, strict=True)
            if n >= 400
        ]
        if over:
            store.record(parse(delivery(*over)), 2000.0 + begin)
    store.close()
    return path


@pytest.fixture
def listing(filled: Path) -> Iterator[Listing]:
    found = Listing(filled)
    yield found
    found.close()


QUESTIONS: list[Callable[[Listing], object]] = [
    lambda listing: listing.firing(150),
    lambda listing: listing.resolved(50),
    lambda listing: listing.resolved(50, (1795338420.0, 5000)),
    lambda listing: listing.notifications(100, None, "", ""),
    lambda listing: listing.notifications(100, 9000, "resolved", "Alert7"),
    lambda listing: listing.incidents(100, None, "open", "Alert3"),
    lambda listing: listing.counts(),
    lambda listing: listing.timeline(list(range(1, 201))),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_within_50_ms(listing: Listing, question: Callable[[Listing], object]) -> None:
    """The best of five, by processor time: what others use the machine for is no cost of ours."""
    times = []
    for _ in range(5):
        begin = time.thread_time()
        assert question(listing)
        times.append(time.thread_time() - begin)
    assert min(times) < 0.05


def test_the_page_shows_at_most_200_and_says_so(filled: Path, make_inbox: MakeInbox) -> None:
    inbox = make_inbox(start=False)
    (inbox.home / "data" / "inbox").mkdir(parents=True)
    with sqlite3.connect(filled) as source, sqlite3.connect(inbox.home / "data" / "inbox" / "inbox.db") as target:
        source.backup(target)
    inbox.start()
    page = inbox.get("/").text
    assert page.count('id="incident-') == 200
    assert "150 of 400 firing alerts are shown" in page
    assert "50 of 9600 are shown" in page
    assert page.count("state critical") >= 134  # all critical ones come before the first warning
    seen: set[str] = set()
    for _ in range(3):
        older = page.split('href="?older=')[1].split('"')[0]
        page = inbox.get(f"/?older={older}").text
        numbers = {part.split('"')[0] for part in page.split('id="incident-')[1:]}
        assert len(numbers) == 50
        assert not numbers & seen
        seen |= numbers
