"""Rooms against a model: whatever the order, sets agree, nothing comes twice or out of order, nothing is lost unsaid."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stream.filters import EVERYTHING, Canonical, Filters, canonical
from stream.history import Bounds
from stream.messages import Update
from stream.rooms import Joined, Rooms

ROOMS = ("a", "b")
SYMBOLS = ("X", "Y", "Z")
MEMBERS = ("m1", "m2", "m3", "m4")
FILTERS = st.sampled_from(
    [
        EVERYTHING,
        Canonical(frozenset("X")),
        Canonical(frozenset("XY")),
        Canonical(fields=("p",)),
        Canonical(frozenset("Y"), (), 10.0),
        Canonical(min_change=5.0),
    ]
)
members, rooms = st.sampled_from(MEMBERS), st.sampled_from(ROOMS)


@dataclass
class Client:
    """What a client knows of one room, and judges by the guide's rule alone."""

    filters: Canonical
    last: int  # the highest number seen, or told by subscription or initial data
    got: list[int] = field(default_factory=list)
    joined_at: int = 0
    catching: bool = False
    lost: int = 0  # the highest number of which a gap told

    def take(self, seq: int, prev: int) -> None:
        assert not self.got or seq > self.got[-1], "twice or out of order"
        assert prev <= self.last or prev in self.got, "a loss that was none"
        if self.got and not self.filters.min_change:
            assert prev == max(self.got[-1], self.lost), "a loss would not be seen"
        self.got.append(seq)
        self.last = max(self.last, seq)


class RoomsMachine(RuleBasedStateMachine):
    @initialize(kept=st.integers(3, 30), size=st.integers(900, 20_000))
    def begin(self, kept: int, size: int) -> None:
        names = self.names = itertools.count()
        self.bounds = Bounds(seconds=0, messages=kept, bytes=size)
        self.rooms: Rooms[str] = Rooms(ROOMS, self.bounds, lambda: f"epoch-{next(names)}")
        self.clients: dict[tuple[str, str], Client] = {}
        self.published: dict[str, list[tuple[int, str]]] = {name: [] for name in ROOMS}
        self.clock = 0

    def seq(self, room: str) -> int:
        return self.rooms.all[room].seq

    # -- what happens ------------------------------------------------------------------------------------------------
    @rule(room=rooms, symbol=st.sampled_from(SYMBOLS), figure=st.sampled_from([None, 0.0, 100.0, 104.0, 111.0]))
    def publish(self, room: str, symbol: str, figure: float | None) -> None:
        self.clock += 1000
        before = self.seq(room)
        published = self.rooms.publish(Update(room, symbol, {"symbol": symbol, "p": "1"}, 0, figure), self.clock)
        assert published.seq == before + 1
        self.published[room].append((published.seq, symbol))
        given: set[str] = set()
        for delivery in published.deliveries:
            assert delivery.group.filters.takes(symbol)
            for member in delivery.group.members:
                assert member not in given, "given twice"
                given.add(member)
                self.clients[room, member].take(published.seq, delivery.prev)
        for (name, member), client in self.clients.items():
            wanted = name == room and not client.catching and client.filters.takes(symbol)
            if wanted and not client.filters.min_change:
                assert member in given, "a member was left out"
            assert wanted or name != room or member not in given

    @rule(room=rooms, numbers=st.integers(1, 4))
    def lose(self, room: str, numbers: int) -> None:
        seq = self.seq(room) + numbers
        if numbers == 1:
            assert self.rooms.all[room].lose() == seq
        else:
            self.rooms.all[room].skip(seq)
        for (name, _), client in self.clients.items():
            if name == room:
                client.last = client.lost = max(client.last, seq)  # told by a gap

    @rule(room=rooms, seq=st.integers(0, 3))
    def renumber(self, room: str, seq: int) -> None:
        before = self.seq(room)
        due = self.rooms.all[room].begin(f"epoch-{next(self.names)}", seq)
        assert (self.seq(room), len(self.rooms.all[room].history)) == (seq, 0)
        self.published[room] = []
        mine = {member: client for (name, member), client in self.clients.items() if name == room}
        assert set(due) == set(mine)
        for member, client in mine.items():
            assert due[member] == before or (client.catching and due[member] >= max([client.joined_at, *client.got]))
            self.clients[room, member] = Client(client.filters, seq, joined_at=seq)

    @rule(member=members, room=rooms, filters=FILTERS)
    def join(self, member: str, room: str, filters: Canonical) -> None:
        joined = self.rooms.join(member, room, filters)
        assert joined.missed is None
        assert joined.lost is None
        self.fresh(member, room, filters, joined)

    def fresh(self, member: str, room: str, filters: Canonical, joined: Joined[str]) -> None:
        assert joined.seq == self.seq(room)
        assert all(filters.takes(update.symbol) for update in joined.initial)
        self.clients[room, member] = Client(filters, joined.seq, joined_at=joined.seq)

    @rule(member=members, room=rooms, filters=FILTERS, back=st.integers(-2, 12), right=st.booleans())
    def resume(self, member: str, room: str, filters: Canonical, back: int, right: bool) -> None:  # noqa: FBT001  # drawn
        after = max(0, self.seq(room) - back)
        epoch = self.rooms.all[room].epoch if right else "another"
        history = self.rooms.all[room].history
        joined = self.rooms.join(member, room, filters, after, epoch)
        if joined.missed is None:
            assert joined.lost is not None
            assert not right or after > self.seq(room) or not history.holds(after, self.seq(room))
            self.fresh(member, room, filters, joined)
            return
        due = [seq for seq, symbol in self.published[room] if seq > after and filters.takes(symbol)]
        assert joined.missed == len(due)
        self.clients[room, member] = Client(filters, joined.seq, joined_at=after, catching=bool(due))

    @rule(room=rooms, most=st.integers(1, 7))
    def catch_up(self, room: str, most: int) -> None:
        for member in list(self.rooms.all[room].catching):
            client = self.clients[room, member]
            portion = self.rooms.catch_up(member, room, most)
            assert len(portion.entries) <= most
            for entry, prev in portion.entries:
                client.take(entry.seq, prev)
            if portion.lost:
                assert portion.done
                client.last, client.joined_at, client.got = self.seq(room), self.seq(room), []
            client.catching = not portion.done

    @rule(member=members, room=rooms)
    def leave(self, member: str, room: str) -> None:
        assert self.rooms.leave(member, room) is (self.clients.pop((room, member), None) is not None)

    @rule(member=members)
    def disconnect(self, member: str) -> None:
        self.rooms.disconnect(member)
        for room in ROOMS:
            self.clients.pop((room, member), None)

    # -- what always holds -------------------------------------------------------------------------------------------
    @invariant()
    def sets_agree(self) -> None:
        for name, room in self.rooms.all.items():
            known = {member for (where, member) in self.clients if where == name}
            assert set(room.members) | set(room.catching) == known
            assert not set(room.members) & set(room.catching)
            grouped = [member for group in room.groups.values() for member in group.members]
            assert sorted(grouped) == sorted(room.members), "in one group each"
            assert all(group.members for group in room.groups.values()), "no group without members"
            assert (name in self.rooms.occupied) is bool(known), "no empty room"
        for member in MEMBERS:
            assert self.rooms.of(member) == {where for (where, who) in self.clients if who == member}

    @invariant()
    def bounded(self) -> None:
        for room in self.rooms.all.values():
            assert room.history.size <= self.bounds.bytes
            assert len(room.history) <= self.bounds.messages

    @invariant()
    def complete(self) -> None:
        """Who lives in a room without `min_change` has got everything since it came, whatever it went through."""
        for (name, _), client in self.clients.items():
            if client.catching or client.filters.min_change:
                continue
            due = [seq for seq, symbol in self.published[name] if seq > client.joined_at and client.filters.takes(symbol)]
            assert client.got == due


def test_a_group_made_while_its_first_member_catches_up_invents_no_loss() -> None:
    rooms: Rooms[str] = Rooms(ROOMS, Bounds(), lambda: "epoch")

    def publish(symbol: str) -> list[int]:
        return [delivery.prev for delivery in rooms.publish(Update("a", symbol, {"symbol": symbol}, 0), 0).deliveries]

    publish("X")
    publish("X")
    joined = rooms.join("m", "a", Canonical(frozenset("X")), 1, "epoch")
    assert (joined.missed, joined.seq) == (1, 2)
    publish("Y")
    assert rooms.catch_up("m", "a").done
    assert publish("X") == [2], "3 passed by, but it was not for this filter"


TestRooms = RoomsMachine.TestCase
TestRooms.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


def test_resuming_with_many_symbols_costs_no_more_than_with_few() -> None:
    """Over a full history of others' messages; before, each of them was compared with every symbol: seven times the cost."""
    rooms: Rooms[str] = Rooms(["a"], Bounds(), lambda: "epoch")
    for number in range(5_000):
        rooms.publish(Update("a", f"OTHER{number % 7}", {}, 0), number)

    def cost(symbols: int) -> float:
        filters, times = canonical(Filters(symbols=[f"S{number}" for number in range(symbols)])), []
        for _ in range(7):
            began = time.process_time()
            rooms.join("m", "a", filters, 0, "epoch")
            times.append(time.process_time() - began)
        return min(times)

    assert cost(100) < 4 * cost(1)
