"""Sequences of deliveries at given times, on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.inbox.firstbad import FirstBad
from alerts.inbox.listing import Listing
from alerts.inbox.store import Store
from alerts.inbox.webhook import parse
from tests.alerts.inbox.service import alert, delivery

FIRING, RESOLVED = delivery(alert()), delivery(alert(status="resolved"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "inbox.db")
    yield made
    made.close()


@pytest.fixture
def listing(store: Store, tmp_path: Path) -> Iterator[Listing]:
    """Reads what `store` wrote."""
    assert store.watchdog_at() is None
    made = Listing(tmp_path / "inbox.db")
    yield made
    made.close()


def record(store: Store, body: bytes, now: float) -> tuple[list[tuple[str, str]], int]:
    found = store.record(parse(body), now)
    return found.new, found.duplicates


def test_an_alert_that_was_given_up_and_fires_on_is_open_again(store: Store, listing: Listing) -> None:
    assert record(store, FIRING, 1000) == ([("firing", "warning")], 0)
    assert store.acknowledge(1, "Ada", "", 1005) == "done"
    assert record(store, RESOLVED, 1010) == ([("resolved", "warning")], 0)
    assert record(store, FIRING, 1015) == ([], 1)  # a retry
    assert listing.firing(10) == []
    assert record(store, FIRING, 1100) == ([("firing", "warning")], 0)
    (incident,) = listing.firing(10)
    assert (incident.state, incident.episode, incident.acknowledged_by) == ("open", 2, "")
    assert record(store, RESOLVED, 1200) == ([("resolved", "warning")], 0)
    assert [item.status for item in listing.notifications(10, None, "", "")] == ["resolved", "firing", "resolved", "firing"]
    kinds = {event.kind for event in listing.timeline([1])[1]}
    assert {"reopened", "acknowledged", "resolved_delivered"} <= kinds


def test_a_month_of_reminders_is_one_line(store: Store, listing: Listing) -> None:
    for number in range(180):
        record(store, FIRING, 1000 + number * 14_400)
    events = listing.timeline([1])[1]
    assert [event.kind for event in events] == ["delivered", "renotified", "firing"]
    assert (events[1].count, events[1].at) == (179, 1000 + 179 * 14_400)
    assert len(listing.notifications(10, None, "", "")) == 1


def test_a_delivery_is_kept_whole_or_not_at_all(store: Store, listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Store._insert
    monkeypatch.setattr(Store, "_insert", lambda self, found, *rest: written(self, found, *rest) if found.name == "A" else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.record(parse(delivery(alert("A"), alert("B"))), 1000)
    assert listing.incidents(10, None, "", "") == []
    monkeypatch.undo()
    assert record(store, delivery(alert("A"), alert("B")), 1000)[1] == 0


def test_the_first_bad_sample_is_kept_once(store: Store, listing: Listing) -> None:
    record(store, FIRING, 1000)
    assert store.timed({}, {1: "no answer"}) == []
    assert listing.some([1])[0].first_bad_unknown == "no answer"
    assert store.timed({1: FirstBad(900.0, "91")}, {}) == [1]
    assert store.timed({1: FirstBad(950.0, "92")}, {1: "too late"}) == []
    found = listing.some([1, 2])[0]
    assert (found.first_bad_at, found.first_bad_unknown, found.value) == (900.0, "", "91")
    assert listing.untimed() == []


def test_retention_goes_in_small_steps_and_takes_everything_along(store: Store, listing: Listing) -> None:
    body = delivery(*(alert("A", "resolved", instance=str(number)) for number in range(30)))
    record(store, body, 1000)
    assert store.forget_resolved(9e9, at_most=20) == 20
    assert store.forget_resolved(9e9, at_most=20) == 10
    assert store.forget_resolved(9e9) == 0
    assert listing.notifications(10, None, "", "") == []
    assert listing.timeline([1, 30]) == {1: [], 30: []}
