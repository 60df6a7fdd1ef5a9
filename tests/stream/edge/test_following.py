"""What a client makes of messages, whatever of them is lost on the way: each handed out once, in order, nothing lost unseen."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.following import GAP, HAND_OUT, IGNORE, REPAIR, Following

EPOCH = "e1"


def _data(seq: int, prev: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"type": "data", "room": "r", "data": {}, "seq": seq, "prev": prev, "epoch": epoch}


def _subscription(seq: int, resumed: int = 0, epoch: str = EPOCH) -> dict[str, Any]:
    return {"type": "subscription", "room": "r", "seq": seq, "resumed": resumed, "epoch": epoch}


def _initial(seq: int, epoch: str = EPOCH) -> dict[str, Any]:
    return {"type": "initial-data", "room": "r", "seq": seq, "epoch": epoch, "data": []}


def _begun(seq: int) -> Following:
    following = Following("r")
    assert following.take(_subscription(seq)) is IGNORE
    assert following.take(_initial(seq)) is HAND_OUT
    return following


def test_it_asks_plainly_at_first_and_from_its_place_later() -> None:
    following = Following("r", {"symbols": ["BTC"]})
    assert following.request() == {"type": "subscribe", "room": "r", "filters": {"symbols": ["BTC"]}}
    following.take(_subscription(5))
    following.take(_initial(5))
    following.take(_data(9, 5))
    assert following.request() == {
        "type": "subscribe", "room": "r", "filters": {"symbols": ["BTC"]}, "after": 9, "epoch": EPOCH,
    }  # fmt: skip


def test_filtered_is_not_lost() -> None:
    following = _begun(5)
    assert following.take(_data(9, 3)) is HAND_OUT  # what the group got before lies before the subscription
    assert following.take(_data(40, 9)) is HAND_OUT


def test_what_a_gap_names_is_not_asked_for_again() -> None:
    following = _begun(5)
    gap = {"type": "gap", "room": "r", "from": 6, "to": 20, "reason": "conflated"}
    assert following.take(gap) is GAP
    assert following.take(_data(18, 17)) is HAND_OUT  # the kept ones: the latest of each symbol
    assert following.take(_data(20, 19)) is HAND_OUT
    assert following.take(_data(21, 20)) is HAND_OUT


def test_a_new_epoch_begins_with_its_initial_data() -> None:
    following = _begun(50)
    following.take(_subscription(3, epoch="e2"))
    assert following.take({"type": "gap", "room": "r", "from": 51, "to": 3, "reason": "epoch"}) is GAP
    assert following.take(_initial(3, "e2")) is HAND_OUT
    assert following.take(_data(4, 3, "e2")) is HAND_OUT
    assert following.request()["epoch"] == "e2"


class _Server:
    """A room as the protocol describes it: numbers, history, `prev` of one filter group."""

    def __init__(self, wanted: list[bool]) -> None:
        self.messages, prev = [], 0
        for seq, passes in enumerate(wanted, 1):
            if passes:
                self.messages.append(_data(seq, prev))
                prev = seq
        self.seq = len(wanted)

    def answer(self, request: dict[str, Any], now: int) -> list[dict[str, Any]]:
        """What a subscription at the time when `now` messages were numbered gets at once."""
        after = request.get("after")
        if after is None:
            return [_subscription(now), _initial(now)]
        missed = [message for message in self.messages if after < message["seq"] <= now]
        prev, replayed = after, []
        for message in missed:
            replayed.append(message | {"prev": prev})
            prev = message["seq"]
        return [_subscription(now, len(missed)), *replayed]


@settings(deadline=None)
@given(
    wanted=st.lists(st.booleans(), min_size=1, max_size=60), lost=st.sets(st.integers(1, 60)), cuts=st.sets(st.integers(1, 60))
)  # fmt: skip
def test_whatever_is_lost_or_cut_every_message_is_handed_out_once_and_in_order(
    wanted: list[bool], lost: set[int], cuts: set[int]
) -> None:
    server, following, got = _Server(wanted), Following("r"), []

    def feed(messages: list[dict[str, Any]], now: int) -> None:
        for message in messages:
            step = following.take(message)
            if step is HAND_OUT and message["type"] == "data":
                got.append(message["seq"])
            elif step is REPAIR:
                feed(server.answer(following.request(), now), now)

    feed(server.answer(following.request(), 0), 0)
    for message in server.messages:
        if message["seq"] in cuts:  # the connection is new: what happened meanwhile is asked for
            feed(server.answer(following.request(), message["seq"]), message["seq"])
        elif message["seq"] not in lost:
            feed([message], message["seq"])
    feed(server.answer(following.request(), server.seq), server.seq)
    assert got == [message["seq"] for message in server.messages]
