import fnmatch
from collections import OrderedDict

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stream.cache.entry import Entry
from stream.cache.memory import Life, Memory

KEYS = st.sampled_from([f"{kind}:{name}" for kind in ("market-data", "analysis") for name in ("BTC", "ETH", "SOL", "ADA")])
ITEMS, BYTES, TTL = 4, 100, 60.0


def entry(key: str, data: object = 1) -> Entry:
    return Entry(key, 0, 0, 0, (), data)


class MemoryAgainstModel(RuleBasedStateMachine):
    """Whatever happens, memory holds what a plain list of (key, size, until), oldest use first, would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(ITEMS, BYTES, TTL)
        self.model: OrderedDict[str, tuple[int, float, float]] = OrderedDict()  # size, fresh, until
        self.now = 1000.0

    @rule(key=KEYS, size=st.integers(0, 120), fresh=st.floats(-1, 200), more=st.floats(0, 100))
    def put(self, key: str, size: int, fresh: float, more: float) -> None:
        held = self.memory.put(entry(key), size, Life(fresh, fresh + more), self.now)
        self.model.pop(key, None)
        assert held == (size <= BYTES and fresh + more > 0)
        if held:
            until = self.now + min(TTL, fresh + more)
            self.model[key] = (size, min(until, self.now + fresh), until)
            while len(self.model) > ITEMS or sum(size for size, _, _ in self.model.values()) > BYTES:
                self.model.popitem(last=False)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        held = self.memory.get(key, self.now)
        expected = self.model.get(key)
        if expected is not None and expected[2] <= self.now:
            del self.model[key]
            expected = None
        if expected is not None:
            self.model.move_to_end(key)
        assert (held and (held.size, held.fresh, held.until)) == expected

    @rule(seconds=st.floats(0, 70))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        late = [key for key, (_, _, until) in self.model.items() if until <= self.now]
        for key in late:
            del self.model[key]
        assert self.memory.sweep(self.now) == len(late)

    @rule(pattern=st.sampled_from(["market-data:*", "*", "*:BTC", "analysis:ET?", "nothing:*"]))
    def remove(self, pattern: str) -> None:
        gone = [key for key in self.model if fnmatch.fnmatchcase(key, pattern)]
        for key in gone:
            del self.model[key]
        assert self.memory.remove_matching(pattern) == len(gone)

    @invariant()
    def bounded(self) -> None:
        assert len(self.memory) == len(self.model) <= ITEMS
        assert self.memory.bytes == sum(size for size, _, _ in self.model.values()) <= BYTES


TestMemory = MemoryAgainstModel.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.integers(1, 50), st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_every_value_put_is_held_or_counted_out(items: int, puts: int) -> None:
    memory = Memory(items, 10_000, 60)
    for number in range(puts):
        memory.put(entry(f"k{number}"), 1, Life(10, 10), 0.0)

    assert len(memory) + memory.evicted["items"] == puts
    assert len(memory) == min(items, puts)
