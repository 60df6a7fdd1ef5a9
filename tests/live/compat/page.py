"""The comparison as a part of a page of documentation."""

from __future__ import annotations

import re

from tests.exporters.servers import version_of
from tests.live.compat.asked import exceptions
from tests.live.compat.compare import Row, reason, share
from tests.live.compat.peer import Peer

HEAD = """# Beside the standard exporters

Generated: `python -m tests.live.compat --out docs/compat.md`. `tests/live/compat` proves the same anew at each run, beside
the exporters that the machine's Debian has.
"""


def part(peer: Peer, rows: list[Row]) -> str:
    """What was found beside one of them."""
    compared = [row.compared for row in rows if not reason(peer.uncompared, row.name)]
    lines = [
        f"## {peer.name} {version_of(peer.program)}",
        "",
        f"**{sum(row.matches for row in rows)} of its {len(rows)} names ({share(rows):.1%}) are ours, with the same labels.**",
        f"{sum(compared)} series were compared by value.",
        "",
        "| names | ours | of | series on both |",
        "|---|---:|---:|---:|",
        *_groups(peer, rows),
        *_table("What is missing, or has other labels, and why", "name", _missing(peer, rows)),
        *_exceptions(peer),
        *_table("Collectors of theirs that ours has none of", "collector", list(peer.collectors.items())),
        *_table("Names of today's releases, under which the older ones are compared", "name", list(peer.renamed.items())),
    ]
    notes = [*(f"`{name}`: {text}." for name, text in peer.elsewhere.items()), *peer.notes]
    lines += ["", "Differences by default:", "", *(f"- {note}" for note in notes)] if notes else []
    lines += ["", "Not compared by value, because any two readings differ:", ""]
    lines += [f"- `{name}`: {text}." for name, text in peer.uncompared.items()]
    return "\n".join(lines) + "\n"


def _groups(peer: Peer, rows: list[Row]) -> list[str]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        found = re.match(rf"{peer.prefix}[a-z0-9]+", row.name)
        groups.setdefault(found[0] if found else row.name, []).append(row)
    return [
        f"| `{group}…` | {sum(row.matches for row in members)} | {len(members)} | {sum(row.compared for row in members)} |"
        for group, members in sorted(groups.items())
    ]


def _missing(peer: Peer, rows: list[Row]) -> list[tuple[str, str]]:
    return [(row.name, reason(peer.missing, row.name) or "no reason given") for row in rows if not row.matches]


def _exceptions(peer: Peer) -> list[str]:
    """What of our panels and alerts goes without data where theirs stands in for ours."""
    title = "### Panels and alerts that it does not feed, and why"
    found = exceptions(peer)
    if not found:
        return ["", title, "", "None: `tests/live/compat/test_queries.py` asks the questions of all."]
    lines = ["", title, "", "`tests/live/compat/test_queries.py` asks the questions of all others.", ""]
    lines += ["| why | metrics | panels | alerts |", "|---|---|---|---|"]
    for why, (names, panels, alerts) in found.items():
        titles = [place.partition(": ")[2] for place in panels]
        lines.append(f"| {why} | {_listed(names, '`')} | {_listed(titles)} | {_listed(alerts) or 'none'} |")
    return lines


def _listed(words: list[str], quote: str = "") -> str:
    return ", ".join(f"{quote}{word}{quote}" for word in words)


def _table(title: str, what: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    return ["", f"### {title}", "", f"| {what} | |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in rows)]
