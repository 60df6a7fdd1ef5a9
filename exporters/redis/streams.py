"""Streams by name or pattern, their consumer groups, and the groups' consumers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.resp import Answer
from exporters.redis.scan import Pass, Pattern, in_database, looked_through
from exporters.redis.session import Asking, Server, Session
from exporters.redis.wire import Command
from metrics.model import Metric, Sample
from metrics.redis import keys as m

Row: TypeAlias = "Mapping[bytes, Answer]"
_COUNTS: tuple[tuple[bytes, Metric], ...] = (
    (b"length", m.LENGTH),
    (b"radix-tree-keys", m.RADIX_KEYS),
    (b"radix-tree-nodes", m.RADIX_NODES),
    (b"groups", m.GROUPS),
    (b"entries-added", m.ADDED),
)
_IDS: tuple[tuple[bytes, Metric], ...] = (
    (b"last-generated-id", m.LAST_ID),
    (b"max-deleted-entry-id", m.DELETED_ID),
    (b"first-entry", m.FIRST_ENTRY),
    (b"last-entry", m.LAST_ENTRY),
)
_OF_GROUP: tuple[tuple[bytes, Metric], ...] = (
    (b"consumers", m.CONSUMERS),
    (b"pending", m.PENDING),
    (b"entries-read", m.READ),
    (b"lag", m.LAG),
)


class Streams:
    """Streams and who reads them."""

    name = "streams"
    help = "Length, ids, consumer groups and consumers of the streams that site.yaml names, by name or by pattern."
    emits = (
        *(metric for _, metric in _COUNTS), *(metric for _, metric in _IDS), *(metric for _, metric in _OF_GROUP), m.DELIVERED_ID,
        m.CONSUMER_PENDING, m.CONSUMER_IDLE,
    )  # fmt: skip

    def __init__(self, session: Session, patterns: Sequence[Pattern]) -> None:
        self._session = session
        self._singles = [pattern for pattern in patterns if pattern.single]
        self._passes = [Pass(pattern, kind="stream") for pattern in patterns if not pattern.single]
        self._samples: list[Sample] = []

    def ask(self, server: Server) -> Asking:
        """Looks for streams, asks about each and its groups, then about the groups' consumers."""
        self._samples = []
        if server.sentinel or not (self._singles or self._passes):
            return
        yield from looked_through(self._passes, self._session.budget)
        names = [(pattern.db, pattern.glob.encode()) for pattern in self._singles]
        names = sorted({*names, *((one.pattern.db, name) for one in self._passes for name in one.known)})
        asked: list[Command] = []
        for db, name in names:
            asked += in_database(db, [("XINFO", "STREAM", name), ("XINFO", "GROUPS", name)])
        answers = (yield asked) if asked else []
        groups: list[tuple[int, bytes, bytes]] = []
        for (db, name), stream, found in zip(names, answers[1::3], answers[2::3], strict=True):
            rows = [_row(group) for group in _checked(found)]
            self._samples += _of_stream(db, name, stream, rows)
            groups += [(db, name, row[b"name"]) for row in rows]
        asked = [command for db, *group in groups for command in in_database(db, [("XINFO", "CONSUMERS", *group)])]
        answers = (yield asked) if asked else []
        for (db, name, group), found in zip(groups, answers[1::2], strict=True):
            labels = (f"db{db}", info.name_of(name), info.name_of(group))
            for row in map(_row, _checked(found)):
                consumer = info.name_of(row[b"name"])
                self._samples.append(m.CONSUMER_PENDING.sample(row[b"pending"], *labels, consumer))
                self._samples.append(m.CONSUMER_IDLE.sample(row[b"idle"] / 1000, *labels, consumer))

    def collect(self) -> Iterator[Sample]:
        """What was answered, also when more was refused."""
        if not self._session.failure:
            yield from self._samples
        self._session.check(self.name)


def _of_stream(db: int, raw: bytes, answer: Answer, groups: Sequence[Row]) -> Iterator[Sample]:
    labels = (f"db{db}", info.name_of(raw))
    if isinstance(answer, list):
        row = _row(answer)
        for field, metric in _COUNTS:
            if field in row:
                yield metric, labels, row[field]
        for field, metric in _IDS:
            if (value := _id(row.get(field))) is not None:
                yield metric, labels, value
    for group in groups:
        of_group = (*labels, info.name_of(group[b"name"]))
        for field, metric in _OF_GROUP:
            if group.get(field) is not None:  # the server does not know the lag when entries in between were deleted
                yield metric, of_group, group[field]
        if (value := _id(group.get(b"last-delivered-id"))) is not None:
            yield m.DELIVERED_ID, of_group, value


def _checked(answer: Answer) -> list[Answer]:
    """The rows; none of a stream that has gone, or is none. Raises any other refusal."""
    if isinstance(answer, ServerError):
        if not str(answer).startswith(("ERR no such key", "WRONGTYPE", "NOGROUP")):
            raise answer
        return []
    assert isinstance(answer, list)
    return answer


def _row(answer: list[Answer]) -> Row:
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _id(value: Answer) -> int | None:
    """The first part of an entry's id; of an entry, of its id."""
    if isinstance(value, list):
        value = value[0]
    first = value.partition(b"-")[0] if isinstance(value, bytes) else b""
    return int(first) if first.isdigit() else None
