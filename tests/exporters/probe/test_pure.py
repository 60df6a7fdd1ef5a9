"""Loss as the probe's client sees it: the protocol's rule, case by case, and against the stream's own client on any sequence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.probe.link import Place
from exporters.probe.track import Track
from stream.following import REPAIR, Following

ROOM = "market-data"
EPOCH = "e1"


def data(seq: int, prev: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"type": "data", "room": ROOM, "seq": seq, "prev": prev, "epoch": epoch, "data": {}}


def subscription(seq: int, epoch: str = EPOCH, resumed: int = 0) -> dict[str, Any]:
    return {"type": "subscription", "room": ROOM, "seq": seq, "epoch": epoch, "resumed": resumed}


def initial(seq: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"type": "initial-data", "room": ROOM, "seq": seq, "epoch": epoch, "data": []}


def gap(first: int, last: int, reason: str) -> dict[str, Any]:
    return {"type": "gap", "room": ROOM, "from": first, "to": last, "reason": reason}


def found(track: Track, *messages: dict[str, Any]) -> list[tuple[str, str, int]]:
    """What was counted, without what was not."""
    return [(one.kind, one.reason, one.missed) for one in map(track.take, messages) if one.kind]


BEGUN = (subscription(10), initial(10))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((data(11, 10), data(12, 11)), [("data", "", 0)] * 2),
        ((data(11, 10), data(15, 11)), [("data", "", 0)] * 2),  # 12 to 14 were not for this client
        ((data(11, 10), data(15, 13), data(16, 15)), [("data", "", 0), ("gap", "hole", 2), ("data", "", 0)]),
        ((data(11, 10), data(11, 10)), [("data", "", 0), ("repeat", "", 0)]),
        ((gap(11, 14, "dropped"), data(15, 14)), [("gap", "dropped", 4), ("data", "", 0)]),
        ((gap(11, 14, "of a later release"), data(15, 14)), [("gap", "hole", 4), ("data", "", 0)]),
        ((data(1, 0, "e2"), data(2, 1, "e2")), [("gap", "epoch", 0), ("data", "", 0)]),
        ((gap(11, 4, "epoch"), initial(4, "e2"), data(5, 4, "e2")), [("gap", "epoch", 0), ("data", "", 0)]),
    ],
)
def test_what_a_message_is(messages: tuple[dict[str, Any], ...], expected: list[tuple[str, str, int]]) -> None:
    track = Track(ROOM)
    assert found(track, *BEGUN) == []
    assert found(track, *messages) == expected


def test_a_resumed_subscription_loses_nothing() -> None:
    track = Track(ROOM)
    assert track.request() == {"type": "subscribe", "room": ROOM}
    found(track, *BEGUN, data(11, 10))
    assert track.request() == {"type": "subscribe", "room": ROOM, "after": 11, "epoch": EPOCH}
    again = found(track, subscription(13, resumed=2), data(12, 11), data(13, 12), data(14, 13))
    assert again == [("data", "", 0)] * 3
    assert found(track, subscription(14), data(15, 14)) == [("data", "", 0)]


@given(st.lists(st.booleans(), max_size=30))
def test_a_loss_is_seen_if_and_only_if_the_streams_own_client_sees_it(arrives: list[bool]) -> None:
    track, theirs = Track(ROOM), Following(ROOM)
    for message in BEGUN:
        track.take(message)
        theirs.take(message)
    for seq, came in enumerate(arrives, 11):
        if not came:
            continue
        ours = track.take(data(seq, seq - 1))
        loss = theirs.take(data(seq, seq - 1)) is REPAIR
        assert (ours.kind == "gap") == loss
        if loss:
            return


@pytest.mark.parametrize(
    ("url", "place", "authority"),
    [
        ("http://127.0.0.1:8080", Place("127.0.0.1", 8080, secure=False), "127.0.0.1:8080"),
        ("https://stream.example.org/", Place("stream.example.org", 443, secure=True), "stream.example.org"),
        ("https://[::1]:8443/below/", Place("::1", 8443, secure=True, base="/below"), "[::1]:8443"),
    ],
)
def test_where_a_server_is(url: str, place: Place, authority: str) -> None:
    assert Place.of(url) == place
    assert place.authority == authority
