"""What an entry means, judged against a model: whoever reads in order, with holes or from the middle, is never misled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import bus
from metrics.instruments import Instruments
from stream.bus.entries import NOWHERE, Meaning, Position, epoch, judge, pack, position, unpack
from stream.bus.leases import LENGTH, Leases
from stream.messages import MARKET, Update

lengths = st.lists(st.integers(1, 12), min_size=1, max_size=4)  # of generations, marks included


@settings(deadline=None, max_examples=60)
@given(lengths, st.data())
def test_every_number_is_read_once_or_told_as_missing(numbers: list[int], data: st.DataObject) -> None:
    written = [Position(generation, seq) for generation, count in enumerate(numbers, 5) for seq in range(count)]
    gone = data.draw(st.sets(st.sampled_from(written)))
    again = data.draw(st.integers(0, len(written)))  # a reader that lost its connection reads some twice
    left = [entry for entry in written if entry not in gone]

    here, read, missing = NOWHERE, list[Position](), set[Position]()
    for entry in left[:again] + left:
        meaning = judge(here, entry)
        if meaning is Meaning.OLD:
            assert entry in read
            continue
        if meaning is Meaning.BEGIN:
            assert entry.generation > here.generation
            missing |= {Position(entry.generation, seq) for seq in range(entry.seq)}
        elif meaning is Meaning.SKIP:
            missing |= {Position(entry.generation, seq) for seq in range(here.seq + 1, entry.seq)}
        else:
            assert entry == Position(here.generation, here.seq + 1)
        here = entry
        read.append(entry)

    assert read == left
    assert missing <= gone
    ends = {position.generation: position.seq for position in left}
    assert {entry for entry in gone if entry.seq < ends.get(entry.generation, -1)} == missing


def test_ids_are_those_of_redis() -> None:
    assert position(b"1795891560499-17") == Position(1795891560499, 17)
    assert str(Position(1795891560499, 17)) == "1795891560499-17"
    with pytest.raises(ValueError, match="invalid literal"):
        position(b"1795891560499")


def test_no_two_numberings_have_one_name() -> None:
    names = {epoch(dataset, generation) for dataset in ("aaaaaaaaaaaa", "bbbbbbbbbbbb") for generation in (1, 2, 16, 17)}
    assert len(names) == 8


def test_an_update_comes_out_as_it_went_in() -> None:
    update = Update(MARKET, "BTC", {"symbol": "BTC", "price": "60000.10", "rsi": None, "ü": [1.5, "é"]}, 1_700_000_000_123, 6e4)
    read = unpack(MARKET, 7, pack(update, 1_700_000_000_456))
    assert read.update == update
    assert (read.entry.seq, read.entry.symbol, read.entry.timestamp, read.entry.source_time) == (
        7, "BTC", 1_700_000_000_456, 1_700_000_000_123
    )  # fmt: skip


class _Leases(Leases):
    """Two leases under a clock of the test's own."""

    def __init__(self) -> None:
        self.now, self.counts = 100.0, Instruments(bus.COUNTED)
        super().__init__(("market", "canary"), lambda: self.now, self.counts)


def test_a_lease_that_is_not_prolonged_ends_by_the_holders_own_clock() -> None:
    leases = _Leases()
    assert leases.answered(["me:1", ""], asked=100.0) == []
    assert (leases.held("market"), leases.held("canary")) == (True, False)
    leases.now = 100.0 + LENGTH - 0.001
    assert leases.held("market")
    leases.now = 100.0 + LENGTH
    assert not leases.held("market")
    assert leases.value("market") == ""


def test_what_waits_is_stale_when_another_one_had_the_lease_in_between() -> None:
    leases = _Leases()
    leases.answered(["me:4", "me:1"], asked=100.0)
    leases.now = 110.0
    leases.expire()
    assert leases.answered(["me:5", "me:3"], asked=110.0) == ["canary"]
    assert leases.answered(["", "me:3"], asked=110.5) == ["market"]
