"""docs/drills.md: what each drill found when it was last run, and which alerts have none, with the reason."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from settings.paths import CLONE
from tests.drills.catalogue import DRILLS, NOT_DRILLED
from tests.drills.run import Result

FILE = CLONE / "docs" / "drills.md"
_EXPECTED = CLONE / "alerts" / "expected.yaml"
_ALWAYS = "Watchdog"
_WINDOWS = ("SLOBurnRate6h", "SLOBurnRate1d", "SLOBurnRate3d")  # longer than an hour
_COLUMNS = (
    "alert", "fault", "fault → first bad, s", "detection, s", "to inbox, s", "at most, s", "resolved, s", "beside it", "date",
)  # fmt: skip
_ROW = re.compile(r"^\| (?P<alert>[A-Za-z0-9]+) \| .* \|$", re.MULTILINE)
_HEAD = """# Alerts that real faults have provoked

Generated: `make drill` runs all of them on one appliance, one fault after another, and writes this page; `make drill a=NAME`
runs one; `python -m tests.drills NAME --record` also writes its row, with `--factor 1` that of the second table. A fault
touches processes, files, connections or load, never rules or exported values. Each alert is seen pending, firing, in the inbox,
and resolved after the fault is taken back; what is `info` is sent to nobody, and seen in Prometheus alone (`to inbox` then ends
with firing). A drill fails that brings along a page which it does not declare; burn rates of objectives and
AIModelAccuracyDrop, whose windows are a tenth, too, are declared beside every one. Alerts of one fault are drilled by one, and
faults that lie still, and disturb nobody, at one time: what these bring along of one another is not told apart. Every `for`,
window, wait and interval is a tenth of what it is; thresholds are the real ones but where the drill's declaration
(`tests/drills/*_drills.py`, `catalogue.py`) says why not.

`detection` is from the first bad sample to firing, `to inbox` to the notification, which may take `for` + evaluation interval (a
minute for rules that read a day) + `group_wait` (all scaled) + 5 s; of AlertsDropped it counts from Alertmanager's return.
`resolved` counts from the moment when the fault was taken back. `beside it` are the declared alerts that came along. Rows with
several figures, or with empty cells, are of earlier runs. In runs with `--busy`, beside other work, alerts on load are switched
off, and a scrape may take its whole interval.
"""
_REST = """
## Without a drill

| alert | why |
|---|---|
"""


_REAL = """
## In real time

At factor 1: every `for`, window, wait and interval as it is without a profile.

"""
_SECTION = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True)
class Rows:
    """The page's lines by alert: at the drills' factor, and in real time."""

    scaled: dict[str, str]
    real: dict[str, str]


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


def recorded(text: str) -> Rows:
    """The lines of a page, those of alerts with a drill."""
    known = {drill.alert for drill in DRILLS}
    scaled, _, rest = text.partition(_REAL)
    real = _SECTION.split(rest)[0]
    return Rows(*(
        {found["alert"]: found[0] for found in _ROW.finditer(_SECTION.split(part)[0]) if found["alert"] in known}
        for part in (scaled, real)
    ))  # fmt: skip


def page(rows: Rows) -> str:
    """The page of these lines, in the order of the drills."""
    waiting = [drill.alert for drill in DRILLS if drill.alert not in rows.scaled]
    missing = f"\nDeclared, and not recorded yet: {', '.join(waiting)}.\n" if waiting else ""
    reasons = "\n".join(f"| {name} | {why} |" for name, why in NOT_DRILLED.items())
    real = f"{_REAL}{_table(rows.real)}\n" if rows.real else ""
    counts = f"{counted(set(rows.scaled))}\n\n{arrived(rows.scaled)}"
    return f"{_HEAD}\n{counts}\n\n{_table(rows.scaled)}\n{missing}{real}{_REST}{reasons}\n"


def arrived(rows: Mapping[str, str]) -> str:
    """One sentence: how much of the time that they may take notifications took, over all rows that tell both."""
    shares = []
    for line in rows.values():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        try:
            shares.append(float(cells[_COLUMNS.index("to inbox, s")]) / float(cells[_COLUMNS.index("at most, s")]))
        except ValueError:  # several figures, of an earlier run
            continue
    if not shares:
        return "No row tells yet how long a notification took."
    shares.sort()
    median, p95 = shares[len(shares) // 2], shares[min(len(shares) - 1, round(0.95 * len(shares)))]
    return (
        f"From the first bad sample to the inbox {len(shares)} of them took, of the time that they may take: median"
        f" {100 * median:.0f} %, p95 {100 * p95:.0f} %,\nat most {100 * shares[-1]:.0f} %."
    )


def _table(rows: Mapping[str, str]) -> str:
    ruler = "|".join(["---", "---", *["---:"] * 5, "---", "---"])
    lines = [rows[drill.alert] for drill in DRILLS if drill.alert in rows]
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", f"|{ruler}|", *lines])


def demanded() -> set[str]:
    """The alerts that a best-in-class set asks for (docs/alerts.md), but those on windows of hours and days."""
    listed = yaml.safe_load(_EXPECTED.read_text(encoding="utf-8"))
    names = {name for area in listed for item in area["items"].values() for name in item.get("alerts", ())}
    return names - set(_WINDOWS)


def counted(provoked: set[str]) -> str:
    """One sentence: how many of the alerts that are asked for these are."""
    wanted, known = demanded(), provoked | {_ALWAYS}
    share = 100 * len(wanted & known) / len(wanted)
    return (
        f"Seen to fire: {len(known)} alerts, {len(wanted & known)} of the {len(wanted)} that a best-in-class set asks for"
        f" ({share:.0f} %); the {_ALWAYS}, which fires always, is among them:\nits arrival is looked for before the first drill."
        f" Not counted are {', '.join(_WINDOWS)},\nproven on backfilled blocks in a real Prometheus."
    )


def summary(results: Iterable[Result]) -> str:
    """The run's last line."""
    by_alert = {result.alert: result.passed for result in results}
    passed = {name for name, well in by_alert.items() if well}
    wanted = demanded()
    return (
        f"drilled: {len(passed & wanted)} of the {len(wanted)} alerts that a best-in-class set asks for, {len(passed)} in all;"
        f" late or not alone: {len(by_alert) - len(passed)}"
    )


def record(results: Iterable[Result], file: Path = FILE) -> None:
    """Puts what passed into the page."""
    rows = recorded(file.read_text(encoding="utf-8")) if file.exists() else Rows({}, {})
    for result in results:
        if result.passed:
            (rows.real if result.factor == 1 else rows.scaled)[result.alert] = row(result)
    file.write_text(page(rows), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Writes the page again from its own lines: `--out FILE`."""
    _, out = arguments
    Path(out).write_text(page(recorded(FILE.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
