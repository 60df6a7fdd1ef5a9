"""Portions that clients share are what each would have got alone, and what is kept is bounded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.filters import EVERYTHING, Canonical
from stream.frames import Form
from stream.history import Bounds
from stream.messages import DataWriter, Format, Update
from stream.replays import Replays
from stream.rooms import Rooms

_FILTERS = (
    EVERYTHING,
    Canonical(frozenset("A")),
    Canonical(frozenset("AB")),
    Canonical(fields=("p",)),
    Canonical(min_change=50.0),
)
_FORMS = (Form(Format.JSON, 0), Form(Format.MSGPACK, 0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from("ABC"), min_size=5, max_size=40),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(_FILTERS), st.sampled_from(_FORMS), st.integers(1, 9)), max_size=12),
    st.integers(0, 3000),
)
def test_a_shared_portion_is_what_each_would_have_got_alone(
    symbols: list[str], clients: list[tuple[int, Canonical, Form, int]], most: int
) -> None:
    rooms: Rooms[int] = Rooms(("r",), Bounds(), lambda: "e")
    for number, symbol in enumerate(symbols):
        rooms.publish(Update("r", symbol, {"symbol": symbol, "p": number, "q": 1}, number), number)
    replays = Replays(most)
    for member, (after, filters, form, size) in enumerate(clients):
        joined = rooms.join(member, "r", filters, after, "e")
        done = not joined.missed
        while not done:
            portion = rooms.catch_up(member, "r", size)
            done = portion.done
            if not portion.entries:
                continue
            alone = b"".join(
                DataWriter("r", "e", entry).payload(filters.fields, prev, form.format) for entry, prev in portion.entries
            )
            assert replays.portion("e", filters, form, portion.entries, lambda made=alone: made) == alone  # type: ignore[misc]  # bound now
            assert replays.size <= most


def test_who_resumes_alike_is_served_by_one_encoding() -> None:
    rooms: Rooms[int] = Rooms(("r",), Bounds(), lambda: "e")
    for number in range(10):
        rooms.publish(Update("r", "A", {"symbol": "A"}, number), number)
    replays, made = Replays(), []

    def make() -> bytes:
        made.append(1)
        return b"frames"

    for member in range(100):
        rooms.join(member, "r", EVERYTHING, 3, "e")
        replays.portion("e", EVERYTHING, _FORMS[0], rooms.catch_up(member, "r").entries, make)
    assert made == [1]
