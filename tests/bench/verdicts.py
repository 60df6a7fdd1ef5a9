"""What a measurement found: rows with limits, printed as a table, and kept so that slices of one measurement make one table."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

_WORDS = {None: "-", True: "yes", False: "NO"}


@dataclass(frozen=True)
class Row:
    """One figure; `kept` None: there is no limit."""

    what: str
    ours: str
    theirs: str
    figure: str
    limit: str
    kept: bool | None
    how: str  # pairs, loop
    at: str  # when, UTC


class Verdicts:
    """Rows of a report. `file` keeps them, a JSON line each; a later row replaces an earlier one of the same name."""

    def __init__(self, file: Path, how: str) -> None:
        self._file, self._how = file, how
        self.missed = 0

    def add(self, what: str, figure: str, limit: str, *, kept: bool | None, ours: str = "", theirs: str = "") -> None:
        """One row more."""
        self.missed += kept is False
        row = Row(what, ours, theirs, figure, limit, kept, self._how, datetime.now(UTC).isoformat(timespec="minutes"))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as kept_rows:
            kept_rows.write(json.dumps(asdict(row)) + "\n")
        print(f"{what}: {ours} {theirs}: {figure} (limit {limit}): {_WORDS[kept]}", file=sys.stderr, flush=True)

    def table(self) -> Table:
        """Everything that was kept, also by earlier runs."""
        rows: dict[str, Row] = {}
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                row = Row(**json.loads(line))
                rows[row.what] = row
        table = Table("what", "ours", "theirs", "ratio or figure", "limit", "kept", "how", "when")
        for row in rows.values():
            table.add_row(row.what, row.ours, row.theirs, row.figure, row.limit, _WORDS[row.kept], row.how, row.at)
        return table
