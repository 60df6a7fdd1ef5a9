"""What a person reads in the terminal: one aligned table, state by mark and word, colours where it is a terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from settings import look

MARKS = {
    "ok": ("●", look.OK),
    "starting": ("◌", look.INFO),
    "down": ("■", look.CRITICAL),
    "hung": ("▲", look.CRITICAL),
    "stopped": ("○", look.UNKNOWN),
}


@dataclass(frozen=True)
class Row:
    """One service in the table; `why` says what is wrong when it is not ok."""

    name: str
    state: str
    since: float
    restarts: int | None
    url: str
    summary: str
    why: str = ""


def console() -> Console:
    """The console of rich; plain text where standard output is no terminal, and where NO_COLOR is set."""
    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=True, width=None if terminal else 160, no_color=None if terminal else True)


def table(rows: list[Row]) -> Table:
    """The table of services."""
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("SERVICE", "STATE", "SINCE", "RESTARTS", "ADDRESS", ""):
        shown.add_column(heading, no_wrap=True, justify="right" if heading == "RESTARTS" else "left")
    for row in rows:
        mark, colour = MARKS[row.state]
        state = Text.assemble((mark, colour), " ", row.state)
        restarts = "-" if row.restarts is None else str(row.restarts)
        shown.add_row(row.name, state, age(row.since), restarts, row.url, Text(row.why or row.summary, "" if row.why else "dim"))
    return shown


def age(since: float) -> str:
    """`4 min`, from a unix time to now; a dash for 0."""
    if not since:
        return "-"
    left = max(0.0, time.time() - since)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if left >= size:
            return f"{left / size:.0f} {unit}"
    return f"{left:.0f} s"
