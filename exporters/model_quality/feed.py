"""Scored predictions as they come, each row once: new ones at each scrape, older ones piece by piece, the newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from exporters.model_quality.reading import Reader
from exporters.target import TargetError

DAY = 24  # windows that the long look back holds
Row: TypeAlias = Mapping[str, Any]
Sink: TypeAlias = Callable[[Row], None]

# What was stored in a transaction that was open at the last scrape bears a time before it.
_OVERLAP = timedelta(seconds=5)
_PIECE = 500  # rows of one answer: more of them at once would stay the process's memory
_MOST = 100  # pieces of new rows that one scrape reads, and one of older ones; the next one goes on
_COLUMNS = """
SELECT id::text AS id, model, version, fallback, symbol, horizon, scored_at, stored_at, outcome, point, lower, upper, probability,
  happened, breached, features, baseline_lower, baseline_upper, baseline_probability, baseline_happened
FROM ai_predictions
WHERE outcome IS NOT NULL AND origin = 'scheduled' AND """
_NEW = f"{_COLUMNS} (stored_at, id) > (%(after)s, %(key)s::uuid) AND scored_at >= %(begin)s ORDER BY stored_at, id LIMIT %(most)s"
_OLD = (
    f"{_COLUMNS} (stored_at, id) < (%(before)s, %(key)s::uuid) AND stored_at >= %(begin)s "
    "ORDER BY stored_at DESC, id DESC LIMIT %(most)s"
)
_LEAST_ID = "00000000-0000-0000-0000-000000000000"


class Feed:
    """Reads for several collectors, of the last `window` seconds and then of the `DAY` windows before now.

    `new` are told of rows of the window in the order in which they were stored, `every` of all rows in any order; then each of
    `forget` drops what has become too old at that time (unix s): also of collectors that nobody asks.
    """

    def __init__(self, reader: Reader, window: float) -> None:
        self.window = window
        self.new: list[Sink] = []
        self.every: list[Sink] = []
        self.forget: list[Callable[[float], None]] = []
        self.rows = {"new": 0, "history": 0}
        self._reader = reader
        self._seen: dict[str, datetime] = {}
        self._after: datetime | None = None
        self._before: tuple[datetime, str] | None = None
        self._complete = False
        self._prepared = False
        self._failure: TargetError | None = None

    @property
    def reach(self) -> float:
        """Seconds that the rows which were read reach back from now, at most; 0 before the first."""
        if self._complete:
            return self.window * DAY
        return time.time() - self._before[0].timestamp() if self._before else 0.0

    def prepare(self, _names: frozenset[str], _deadline: float) -> None:
        """Reads once for all collectors of a scrape. Raises nothing: they raise what went wrong."""
        self._prepared, self._failure = True, None
        self._reader.begin()
        try:
            self._read()
        except TargetError as error:
            self._failure = error

    def fresh(self) -> None:
        """Makes sure that what is new has been read. Raises TargetError."""
        if not self._prepared:
            self._read()
        elif self._failure:
            raise self._failure

    def _read(self) -> None:
        now = time.time()
        more = self._read_new(datetime.fromtimestamp(now - self.window, UTC))
        if not more and not self._complete:
            self._read_old(datetime.fromtimestamp(now - self.window * DAY, UTC))
        for forget in self.forget:
            forget(now)

    def _read_new(self, begin: datetime) -> bool:
        """Whether more waits."""
        after, key = (begin if self._after is None else self._after - _OVERLAP), _LEAST_ID
        self._before = self._before or (begin, _LEAST_ID)
        for _ in range(_MOST):
            rows = self._reader.rows(_NEW, {"after": after, "key": key, "begin": begin, "most": _PIECE})
            self.rows["new"] += len(rows)
            self._take(rows)
            if len(rows) < _PIECE:
                self._forget()
                return False
            after, key = rows[-1]["stored_at"], rows[-1]["id"]
        return True

    def _take(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._after = row["stored_at"]
            if row["id"] not in self._seen:
                self._seen[row["id"]] = row["stored_at"]
                for sink in (*self.new, *self.every):
                    sink(row)

    def _forget(self) -> None:
        """Keeps what the next scrape may read again."""
        if self._after:
            old = self._after - _OVERLAP
            self._seen = {key: stored for key, stored in self._seen.items() if stored >= old}

    def _read_old(self, begin: datetime) -> None:
        assert self._before
        asked = {"before": self._before[0], "key": self._before[1], "begin": begin, "most": _PIECE}
        rows = self._reader.rows(_OLD, asked)
        self.rows["history"] += len(rows)
        for row in rows:
            for sink in self.every:
                sink(row)
        self._complete = len(rows) < _PIECE
        if rows:
            self._before = (rows[-1]["stored_at"], rows[-1]["id"])
