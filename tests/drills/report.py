"""docs/drills.md: what each drill found when it was last run, and which alerts have none, with the reason."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from settings.paths import CLONE
from tests.drills.catalogue import DRILLS, NOT_DRILLED
from tests.drills.run import Result

FILE = CLONE / "docs" / "drills.md"
_COLUMNS = (
    "alert", "fault", "fault → first bad, s", "detection, s", "to inbox, s", "at most, s", "resolved, s", "beside it", "date",
)  # fmt: skip
_ROW = re.compile(r"^\| (?P<alert>[A-Za-z0-9]+) \| .* \|$", re.MULTILINE)
_HEAD = """# Alerts that real faults have provoked

Generated: `make drill` runs all of them, one after another on one appliance, and writes this page; `make drill a=NAME` runs one;
`python -m tests.drills NAME --record` also writes its row. A fault touches processes, files, connections or load, never rules or
exported values. Each alert is seen pending, firing, in the inbox, and resolved after the fault is taken back; a drill fails that
brings along a page which it does not declare. Every `for`, window, wait and interval is a tenth of what it is; thresholds are the
real ones but where `tests/drills/catalogue.py` says why not.

`detection` is from the first bad sample to firing, `to inbox` to the notification, which may take `for` + evaluation interval +
`group_wait` (all scaled) + 5 s. `resolved` counts from the moment when the fault was taken back. `beside it` are the declared
alerts that came along. Rows with several figures, or with empty cells, are of earlier runs. Of runs
beside other work, what that brought along (CPU alerts, ProbeCanaryLate) is left out.
"""
_REST = """
## Without a drill

| alert | why |
|---|---|
"""


def row(result: Result) -> str:
    """A result's line."""
    times = result.times
    seconds = (
        times.first_bad - times.fault, times.firing - times.first_bad, result.delivery, result.budget,
        times.resolved - times.cleared,
    )  # fmt: skip
    cells = (
        result.alert, result.what, *(f"{max(0.0, value):.1f}" for value in seconds), ", ".join(result.beside),
        dt.datetime.fromtimestamp(times.fault, dt.UTC).date().isoformat(),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def recorded(text: str) -> dict[str, str]:
    """The lines of a page by alert, those of alerts with a drill."""
    known = {drill.alert for drill in DRILLS}
    table = text.partition(_REST)[0]
    return {found["alert"]: found[0] for found in _ROW.finditer(table) if found["alert"] in known}


def page(rows: Mapping[str, str]) -> str:
    """The page of these lines, in the order of the drills."""
    ruler = "|".join(["---", "---", *["---:"] * 5, "---", "---"])
    lines = [rows[drill.alert] for drill in DRILLS if drill.alert in rows]
    waiting = [drill.alert for drill in DRILLS if drill.alert not in rows]
    table = "\n".join([f"| {' | '.join(_COLUMNS)} |", f"|{ruler}|", *lines])
    missing = f"\nDeclared, and not recorded yet: {', '.join(waiting)}.\n" if waiting else ""
    reasons = "\n".join(f"| {name} | {why} |" for name, why in NOT_DRILLED.items())
    return f"{_HEAD}\n{table}\n{missing}{_REST}{reasons}\n"


def record(results: Iterable[Result], file: Path = FILE) -> None:
    """Puts what passed into the page."""
    rows = recorded(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(page(rows | {result.alert: row(result) for result in results if result.passed}), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Writes the page again from its own lines: `--out FILE`."""
    _, out = arguments
    Path(out).write_text(page(recorded(FILE.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
