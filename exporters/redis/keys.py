"""Keys by name or pattern: their size, memory, and value where it is a number; and how many match a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.commands import Kept
from exporters.redis.resp import Answer
from exporters.redis.scan import Pass, Pattern, in_database, looked_through
from exporters.redis.session import Asked, Asking, Server, Session
from exporters.redis.wire import Command, Words, packed
from metrics.model import Column, Sample
from metrics.redis import keys as m

_LENGTHS = {"string": "STRLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "hash": "HLEN", "stream": "XLEN"}
_SHORT = 32  # bytes: a longer string is no number, and is not fetched
_MAGIC = b"HYLL"  # what a HyperLogLog begins with (https://github.com/redis/redis, hyperloglog.c); its size is what it counts


class KeySizes:
    """Keys one by one."""

    name = "keys"
    help = "Size, memory and numeric value of the keys that site.yaml names, by name or by pattern."
    emits = (m.SIZE, m.MEMORY, m.VALUE)

    def __init__(self, session: Session, patterns: Sequence[Pattern]) -> None:
        self._session = session
        self._singles = [pattern for pattern in patterns if pattern.single]
        self._passes = [Pass(pattern) for pattern in patterns if not pattern.single]
        self._kept = Kept()
        self._sent: dict[str, tuple[object, list[bytes]]] = {}
        self._names: list[tuple[int, bytes]] = []
        self._columns: tuple[list[Answer], list[Answer], list[Answer]] = ([], [], [])

    def ask(self, server: Server) -> Asking:
        """Looks through the keys, then asks for type and memory, then for the length, then for short values."""
        self._names, self._columns = [], ([], [], [])
        if server.sentinel or not (self._singles or self._passes):
            return
        yield from looked_through(self._passes, self._session.budget)
        wanted = [(pattern.db, pattern.glob.encode()) for pattern in self._singles]
        wanted += [(one.pattern.db, name) for one in self._passes for name in one.known]
        names = list(dict.fromkeys(wanted))
        keys = [name for _, name in names]
        kinds = yield from _each(names, self._packed("TYPE", keys, lambda: [("TYPE", key) for key in keys]))
        _refuse(kinds)
        memory = yield from _each(names, self._packed("MEMORY", keys, lambda: [("MEMORY", "USAGE", key) for key in keys]))
        lengths = [_LENGTHS.get(kind, "EXISTS") for kind in kinds]
        sizes = yield from _each(names, self._packed("LENGTH", (keys, lengths), lambda: list(zip(lengths, keys, strict=True))))
        short = [
            index
            for index, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
            if kind == "string" and size.__class__ is int and size >= 1
        ]
        values = yield from _each(
            [names[index] for index in short],
            self._packed("VALUE", (keys, short), lambda: [("GETRANGE", keys[index], 0, _SHORT - 1) for index in short]),
        )
        logs = [index for index, value in zip(short, values, strict=True) if isinstance(value, bytes) and value[:4] == _MAGIC]
        counts = yield from _each([names[index] for index in logs], [("PFCOUNT", keys[index]) for index in logs])
        for index, counted in zip(logs, counts, strict=True):
            sizes[index] = counted
        numbers: list[Answer] = [None] * len(names)
        for index, value in zip(short, values, strict=True):
            if isinstance(value, bytes) and len(value) < _SHORT:
                numbers[index] = _number(value)
        self._names, self._columns = names, (sizes, memory, numbers)
        _refuse(sizes)
        _refuse(memory)

    def collect(self) -> Iterator[Sample]:
        """Every key that is known; one that has gone has size 0."""
        sizes, memory, numbers = self._columns
        if self._names:
            keys = self._kept.keys(self._names, lambda: [(f"db{db}", info.name_of(name)) for db, name in self._names])
            # As digits, which a column takes as they are; refusals of single keys, and nil, are no values.
            for metric, values in ((m.SIZE, sizes), (m.MEMORY, memory)):
                yield metric, (), Column(keys, [b"%d" % value if value.__class__ is int else None for value in values])
            yield m.VALUE, (), Column(keys, numbers)
        self._session.check(self.name)

    def _packed(self, kind: str, of: object, words: Callable[[], Sequence[Words]]) -> list[bytes]:
        """Commands as they are sent, kept as long as they are those of the same keys: packing costs more than asking."""
        known = self._sent.get(kind)
        if known is None or known[0] != of:
            known = self._sent[kind] = (of, [packed(command) for command in words()])
        return known[1]


class KeyCounts:
    """How many keys match a pattern."""

    name = "key_counts"
    help = "How many keys match the patterns that site.yaml names, and how old that is."
    emits = (m.COUNT, m.AGE, m.SCANNED)

    def __init__(self, session: Session, patterns: Sequence[Pattern]) -> None:
        self._session = session
        self._passes = [Pass(pattern, names=False) for pattern in patterns]

    def ask(self, server: Server) -> Asking:
        """Looks through the keys as far as the budget allows."""
        if not server.sentinel:
            yield from looked_through(self._passes, self._session.budget)

    def collect(self) -> Iterator[Sample]:
        """The patterns whose first pass has ended."""
        now = self._session.budget.clock()
        for one in self._passes:
            if one.ended:
                yield m.COUNT.sample(one.counted, *one.pattern.labels)
                yield m.AGE.sample(round(now - one.ended, 3), *one.pattern.labels)
        yield m.SCANNED.sample(self._session.budget.looked)
        self._session.check(self.name)


def _each(names: Sequence[tuple[int, bytes]], commands: Sequence[Command]) -> Asked:
    """The answers, each command in its key's database."""
    databases = {db for db, _ in names}
    if len(databases) <= 1:  # the usual case
        answers = (yield in_database(databases.pop(), commands)) if names else []
        return answers[1:]
    asked: list[Command] = []
    for (db, _), command in zip(names, commands, strict=True):
        asked += in_database(db, [command])
    return (yield asked)[1::2]


def _refuse(answers: Sequence[Answer]) -> None:
    """Raises the first refusal that is none of a single key's (it changed its type meanwhile)."""
    for answer in answers:
        if isinstance(answer, ServerError) and not str(answer).startswith("WRONGTYPE"):
            raise answer


def _number(value: bytes) -> float | None:
    """A value that is a finite number; not `1_000`, which is one to Python alone."""
    if value[:1] not in b"+-.0123456789":  # most values; what is refused by an exception costs more
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if b"_" not in value and abs(number) < float("inf") else None
