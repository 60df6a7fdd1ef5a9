"""From a server's rows to samples: a column for each metric, whose keys stay the same object while the rows' labels do. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any
from weakref import WeakSet

from metrics.model import Column, Keys, Metric, Packed, Sample

Row = tuple[bytes | float | None, ...]
_INTEGERS = frozenset((20, 21, 23, 26))  # int8, int2, int4, oid: their text is a sample's value as it is
_FLOATS = frozenset((700, 701, 1700))  # float4, float8, numeric
_BOOL = 16
_ESCAPED = re.compile(r"\\(.)")


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


class Shape:
    """Turns the answers to one statement into columns; keeps the last answer's labels. Text is decoded by `encoding`."""

    def __init__(self, metrics: Sequence[Metric], labels: int, encoding: str = "utf-8") -> None:
        self._metrics = tuple(metrics)
        self._labels = labels
        self._encoding = encoding
        self._last: Sequence[Any] = ()
        self._keys = Keys(())

    def samples(self, rows: Sequence[Row], types: Sequence[int]) -> Iterator[Sample]:
        """A column for each metric, in order. `types` are the OIDs of the columns' types, labels included.

        Raises ValueError for rows that share their labels, and for a value that is no number.
        """
        if not rows:
            return
        columns = list(zip(*rows, strict=True))
        keys = self._keys_of(list(zip(*columns[: self._labels], strict=True)) if self._labels else [()] * len(rows))
        for metric, values, kind in zip(self._metrics, columns[self._labels :], types[self._labels :], strict=True):
            if kind == _BOOL:
                values = tuple(None if value is None else int(value == b"t") for value in values)  # noqa: PLW2901  # as numbers
            elif kind not in _INTEGERS and kind not in _FLOATS:
                raise ValueError(f"{metric.name}: its column is no number (type OID {kind})")
            yield metric, (), Column(keys, values)

    def _keys_of(self, labels: list[Any]) -> Keys:
        if labels != self._last:
            decoded = [tuple(map(self._text, row)) for row in labels]
            if len(set(decoded)) < len(decoded):
                twice = next(row for row in decoded if decoded.count(row) > 1)
                raise ValueError(f"two rows have the same labels: {twice}")
            self._last, self._keys = labels, Keys(decoded)
        return self._keys

    def _text(self, value: bytes | None) -> str:
        """Bytes that are no text in the server's encoding become surrogates, which the renderer replaces."""
        return "" if value is None else value.decode(self._encoding, "surrogateescape")


class PackedKeys(Keys):
    """Keys as the server packed them: a text for each label, a line a row. Rows are made when somebody asks."""

    __slots__ = ("_count", "_encoding", "texts")

    def __init__(self, texts: Sequence[bytes], count: int, encoding: str) -> None:
        self.texts = texts
        self._count = count
        self._encoding = encoding

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Sequence[tuple[str, ...]]:
        """Label values in declared order, row by row."""
        return list(self)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return zip(*map(self._lines, self.texts), strict=True)

    def _lines(self, text: bytes) -> Iterator[str]:
        """A label's values; a text of one line is for all rows. Raises ValueError for any other number."""
        lines = text.count(b"\n") + 1
        if lines == 1:
            return repeat(self._line(text), self._count)
        if lines != self._count:
            raise ValueError(f"{lines} labels, not {self._count}")
        return map(self._line, _split(text))

    def _line(self, line: bytes) -> str:
        text = line.decode(self._encoding, "surrogateescape")
        return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _split(text: bytes) -> Iterator[bytes]:
    """The lines of a text, one in the memory at a time. A server's encodings have no line's end within a character."""
    start = 0
    while (end := text.find(b"\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


class PackedShape:
    """As Shape, of a wide table's one row. `known` are the keys of all wide tables of a connection: equal ones are shared."""

    def __init__(self, metrics: Sequence[Metric], labels: int, encoding: str, known: WeakSet[PackedKeys]) -> None:
        self._metrics = tuple(metrics)
        self._labels = labels
        self._encoding = encoding
        self._known = known
        self._keys = PackedKeys((), 0, encoding)

    def samples(self, rows: Sequence[Row], _types: Sequence[int]) -> Iterator[Sample]:
        """A column for each metric, in order. Raises ValueError for a count that does not fit."""
        ((rows_told, *texts),) = rows
        count = int(rows_told or 0)
        if not count:
            return
        labels, values = tuple(texts[: self._labels]), texts[self._labels :]
        if labels != self._keys.texts:
            self._keys = self._keys_of(labels, count)
        for metric, text in zip(self._metrics, values, strict=True):
            assert isinstance(text, bytes)
            yield metric, (), Column(self._keys, Packed(text, count))

    def _keys_of(self, labels: tuple[Any, ...], count: int) -> PackedKeys:
        keys = next((keys for keys in self._known if keys.texts == labels), None) or PackedKeys(labels, count, self._encoding)
        self._known.add(keys)
        return keys


# PostgreSQL's names of encodings that Python calls otherwise. SQL_ASCII holds whatever was put in, mostly UTF-8.
_ENCODINGS = {"SQL_ASCII": "utf-8", "UTF8": "utf-8", "EUC_JIS_2004": "euc_jis_2004", "MULE_INTERNAL": "utf-8", "WIN866": "cp866"}


def python_encoding(name: str) -> str:
    """Python's codec for a PostgreSQL encoding; UTF-8 for one that it has none of."""
    wanted = _ENCODINGS.get(name) or name.lower().replace("win", "cp").replace("_", "")
    try:
        return codecs.lookup(wanted).name
    except LookupError:
        return "utf-8"
