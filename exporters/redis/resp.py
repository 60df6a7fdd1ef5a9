"""Answers as they come: RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/), piece by piece. Pure.

Nothing is believed: a length costs memory only when as many bytes have come. (hiredis's reader makes room for an array as soon as
its length is told: 8 GB for one that claims a thousand million elements.)
"""

from __future__ import annotations

from typing import Any, TypeAlias

from exporters.redis.causes import ServerError

# A bulk string is bytes, a simple one text; integers, lists of answers, None (nil), or the server's refusal.
Answer: TypeAlias = Any
NOTHING = object()
_DEEPEST = 8
_LONGEST = 100_000  # elements of an array
_LARGEST = 64 << 20  # bytes of a string
_LINE = 64 << 10  # bytes of a line
_STRING, _INTEGER, _STATUS, _ERROR, _ARRAY = b"$:+-*"


class ProtocolError(Exception):
    """What came is no answer of a server."""


class _IncompleteError(Exception):
    """More must come."""


class Reader:
    """Takes pieces and gives answers."""

    def __init__(self) -> None:
        self._data = b""
        self._place = 0

    def feed(self, data: bytes) -> None:
        """A piece that came."""
        self._data = self._data[self._place :] + data
        self._place = 0

    def gets(self) -> Answer:
        """The next answer; NOTHING while it has not come as a whole. Raises ProtocolError."""
        found: list[Answer] = []
        self.take(found, 1)
        return found[0] if found else NOTHING

    def take(self, answers: list[Answer], count: int) -> None:
        """Adds answers that have come, until there are `count`. Raises ProtocolError."""
        data, place = self._data, self._place
        find = data.find
        try:
            while len(answers) < count:
                end = find(b"\r\n", place)
                kind = data[place] if end >= 0 else 0
                # What comes by the ten thousand is not worth a call each.
                if kind == _INTEGER:
                    answers.append(int(data[place + 1 : end]))
                    place = end + 2
                elif kind == _STATUS:
                    answers.append(data[place + 1 : end].decode("utf-8", "backslashreplace"))
                    place = end + 2
                else:
                    answer, place = _value(data, place, 0)
                    answers.append(answer)
        except _IncompleteError:
            pass
        except ValueError as error:
            raise ProtocolError(f"a length or a number that is none: {error}") from error
        finally:
            self._place = place


def _value(data: bytes, place: int, depth: int) -> tuple[Answer, int]:
    end = data.find(b"\r\n", place)
    if end < 0:
        if len(data) - place > _LINE:
            raise ProtocolError("a line has no end")
        if data[place : place + 1] not in b"$:+-*":
            raise ProtocolError(f"it said {data[place : place + 20]!r}")
        raise _IncompleteError
    kind = data[place]
    if kind == _STRING:
        return _string(data, int(data[place + 1 : end]), end + 2)
    if kind == _INTEGER:
        return int(data[place + 1 : end]), end + 2
    if kind == _STATUS:
        return data[place + 1 : end].decode("utf-8", "backslashreplace"), end + 2
    if kind == _ERROR:
        return ServerError(data[place + 1 : end]), end + 2
    if kind == _ARRAY:
        return _array(data, int(data[place + 1 : end]), end + 2, depth)
    raise ProtocolError(f"it said {data[place : place + 20]!r}")


def _string(data: bytes, length: int, place: int) -> tuple[Answer, int]:
    if length < 0:
        return None, place
    if length > _LARGEST:
        raise ProtocolError(f"a string of {length} bytes")
    end = place + length
    if len(data) < end + 2:
        raise _IncompleteError
    return data[place:end], end + 2


def _array(data: bytes, length: int, place: int, depth: int) -> tuple[Answer, int]:
    if length < 0:
        return None, place
    if length > _LONGEST or depth >= _DEEPEST:
        raise ProtocolError(f"an array of {length} elements, {depth} deep")
    found = []
    for _ in range(length):
        value, place = _value(data, place, depth + 1)
        found.append(value)
    return found, place
