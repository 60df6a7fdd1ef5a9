"""Names, labels and values of our system exporter against Debian's node_exporter.

    python -m tests.live.compat.compare [--out docs/compat.md]

Node_exporter is read before and after ours: a counter of ours lies between its two readings; a gauge within a tenth of
them, in one of some rounds (gauges move meanwhile).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from metrics import system
from metrics.model import Counter
from tests.exporters.servers import Series, Server, ours, series, their_version, theirs
from tests.live.compat.missing import COLLECTORS, NAMES, NEWER_LABELS, OTHER_DEVICES

ROUNDS = 6
COUNTERS = {metric.name for metric in system.METRICS if isinstance(metric, Counter)}
# Gauges that change between any two readings, and by more than a tenth.
RESTLESS = {
    "node_disk_io_now": "requests in progress",
    "node_procs_blocked": "tasks waiting at that moment",
    "node_procs_running": "tasks running at that moment",
    "node_scrape_collector_duration_seconds": "each one's own",
    "node_scrape_collector_success": "each one's own",
    "node_sockstat_TCP_mem": "buffers at that moment",
    "node_sockstat_TCP_mem_bytes": "buffers at that moment",
    "node_sockstat_UDP_mem": "buffers at that moment",
    "node_sockstat_UDP_mem_bytes": "buffers at that moment",
    "node_timex_offset_seconds": "steered continuously",
    "node_udp_queues": "datagrams waiting at that moment",
}
_FALLS_BACK = 0.05  # seconds: idle and iowait fall back a little, and each side keeps the highest that it saw


@dataclass
class Row:
    """One of their names: whether ours has it, with which labels, and what is wrong with the values."""

    name: str
    present: bool = False
    labels_equal: bool = False
    compared: int = 0
    wrong: dict[tuple[tuple[str, str], ...], str] = field(default_factory=dict)
    lacking: list[tuple[tuple[str, str], ...]] = field(default_factory=list)

    @property
    def matches(self) -> bool:
        """Name and labels are ours too."""
        return self.present and self.labels_equal


def compare(left: Server, right: Server) -> list[Row]:
    """All of their node_ names; `left` is ours."""
    rows: dict[str, Row] = {}
    for _ in range(ROUNDS):
        before, mine, after = (series(server.text()) for server in (right, left, right))
        for name in sorted(set(before) & set(after)):
            if name.startswith("node_"):
                _row(rows.setdefault(name, Row(name)), before, mine, after)
    return list(rows.values())


def _row(row: Row, before: Series, mine: Series, after: Series) -> None:
    own = mine.get(row.name, {})
    row.present = bool(own)
    row.labels_equal = _label_names(own) - NEWER_LABELS == _label_names(before[row.name]) - NEWER_LABELS
    stripped = {_comparable(labels): value for labels, value in own.items()}
    first = not row.compared
    for labels in before[row.name].keys() & after[row.name].keys():
        key = _comparable(labels)
        if key not in stripped:
            if first and not any(value.startswith(tuple(OTHER_DEVICES)) for _, value in labels):
                row.lacking.append(labels)
            continue
        row.compared += first
        low, high = sorted((before[row.name][labels], after[row.name][labels]))
        said = _verdict(row.name, low, stripped[key], high)
        if row.name in COUNTERS:
            if said:  # a counter that is wrong once is wrong
                row.wrong[labels] = said
        elif not said:
            row.wrong[labels] = ""  # right once
        elif row.wrong.get(labels) != "":
            row.wrong[labels] = said


def _verdict(name: str, low: float, value: float, high: float) -> str:
    """Empty when the value fits between or near the two; what is wrong otherwise."""
    if name in RESTLESS:
        return ""
    if name in COUNTERS:
        slack = _FALLS_BACK if name == "node_cpu_seconds_total" else 1e-6 * abs(high)
    else:
        slack = 0.1 * max(abs(low), abs(high), 10 if float(high).is_integer() and abs(high) < 100 else 0)
    return "" if low - slack <= value <= high + slack else f"{value} is not between {low} and {high}"


def _label_names(values: dict[tuple[tuple[str, str], ...], float]) -> set[str]:
    return {name for labels in values for name, _ in labels}


def _comparable(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in labels if pair[0] not in NEWER_LABELS)


def share(rows: list[Row]) -> float:
    """Of their names, the part that is ours with equal label names (0 to 1)."""
    return sum(row.matches for row in rows) / len(rows)


def wrong(rows: list[Row]) -> Iterator[str]:
    """Every value that does not fit, in words."""
    for row in rows:
        for labels, said in row.wrong.items():
            if said:
                yield f"{row.name}{dict(labels)}: {said}"


def table(rows: list[Row]) -> str:
    """The comparison as a page of documentation."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        found = re.match(r"node_[a-z0-9]+", row.name)
        groups.setdefault(found[0] if found else row.name, []).append(row)
    lines = [
        "# Beside node_exporter",
        "",
        "Generated: `python -m tests.live.compat.compare --out docs/compat.md`, on a virtual machine with Debian's",
        f"node_exporter {their_version()} and its default collectors. `tests/live/compat` proves the same anew at each run.",
        "",
        f"**{sum(row.matches for row in rows)} of its {len(rows)} names ({share(rows):.1%}) are ours, with the same labels.**",
        f"{sum(row.compared for row in rows)} series were compared by value.",
        "",
        "| names | ours | of | series compared |",
        "|---|---:|---:|---:|",
    ]
    for group, members in sorted(groups.items()):
        counts = (sum(row.matches for row in members), len(members), sum(row.compared for row in members))
        lines.append(f"| `{group}…` | {counts[0]} | {counts[1]} | {counts[2]} |")
    lines += ["", "## What is missing, and why", "", "| name | reason |", "|---|---|"]
    lines += [f"| `{row.name}` | {NAMES.get(row.name, 'no reason given')} |" for row in rows if not row.matches]
    lines += ["", "Collectors of node_exporter that ours has none of:", "", "| collector | reason |", "|---|---|"]
    lines += [f"| `{name}` | {reason} |" for name, reason in COLLECTORS.items()]
    lines += ["", "Differences by default:", ""]
    lines += [f"- `{name}`: {reason}." for name, reason in OTHER_DEVICES.items()]
    lines += [
        "- Our collectors `processes` and `swap` are on; upstream's are off.",
        "- A collector without data (no such hardware) has succeeded here; upstream says that it has not.",
        "- Labels `device_error`, `rotational`, `adminstate` are those of newer releases than the one compared.",
        "",
        "Gauges that were not compared by value, because they change between any two readings:",
        "",
        *(f"- `{name}`: {reason}." for name, reason in RESTLESS.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Prints the table, or writes it to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with ours() as left, theirs() as right:
        rows = compare(left, right)
    text = table(rows)
    if options.out:
        options.out.write_text(text)
    else:
        print(text)
    for line in wrong(rows):
        print(line)
    return int(share(rows) < 0.9)


if __name__ == "__main__":
    raise SystemExit(main())
