"""What stands on the bus, and what an entry means for who reads it. Pure.

A room is one Redis stream. An entry's id is `GENERATION-NUMBER`: the generation is the Unix time in ms at which a numbering
began, the number is the room's. Number 0 of each generation is a mark that tells why the one before could not go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import msgspec

from stream.history import Entry
from stream.messages import Update

FIELD, MARK = b"e", b"mark"  # the field of an entry, and that of a mark

_ENCODER = msgspec.msgpack.Encoder()


class Position(NamedTuple):
    """A place in a room's stream: what was read last."""

    generation: int
    seq: int

    def __str__(self) -> str:
        return f"{self.generation}-{self.seq}"


NOWHERE = Position(0, 0)


def position(written: bytes) -> Position:
    """The place that an entry's id tells. Raises ValueError for what is none."""
    generation, _, seq = written.partition(b"-")
    return Position(int(generation), int(seq))


def epoch(dataset: str, generation: int) -> str:
    """How clients know a numbering: no other one of any Redis has that name."""
    return f"{dataset}{generation:x}"


class Meaning(Enum):
    """What the next entry means at a position."""

    NEXT = "next"  # the one that was due
    SKIP = "skip"  # numbers between are gone
    BEGIN = "begin"  # another numbering has begun
    OLD = "old"  # it was read before


def judge(here: Position, entry: Position) -> Meaning:
    """What an entry means for who has read up to `here`."""
    if entry.generation > here.generation:
        return Meaning.BEGIN
    if entry <= here:
        return Meaning.OLD
    return Meaning.NEXT if entry.seq == here.seq + 1 else Meaning.SKIP


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    """An entry's value; times in ms UTC, `data` is JSON."""

    symbol: str
    source_time: int
    timestamp: int
    figure: float | None
    data: bytes


_DECODER = msgspec.msgpack.Decoder(_Packed)
_JSON = msgspec.json.Encoder()


def pack(update: Update, now: int) -> bytes:
    """An update as an entry's value, stamped with `now` (ms UTC). Raises TypeError for data that JSON does not know."""
    return _ENCODER.encode(_Packed(update.symbol, update.source_time, now, update.figure, _JSON.encode(update.data)))


@dataclass(frozen=True, slots=True)
class Read:
    """An entry as it was read: the update, and what history keeps of it."""

    update: Update
    entry: Entry


def unpack(room: str, seq: int, value: bytes) -> Read:
    """What `pack` made. Raises msgspec.MsgspecError for anything else."""
    found = _DECODER.decode(value)
    data = msgspec.json.decode(found.data, type=dict)
    update = Update(room, found.symbol, data, found.source_time, found.figure)
    return Read(update, Entry(seq, found.symbol, found.data, found.timestamp, found.source_time))
