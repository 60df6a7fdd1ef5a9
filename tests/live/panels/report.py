"""docs/reports/panels.md: what the long form found, by dashboard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from compose import postgres
from metrics.process import version
from tests.live.panels.proof import Finding, Mutants

_HEAD = """\
# Queries of panels on a running stack

Written by `make proof` on {date}: {versions}.

Every query of every panel was asked of Prometheus as Grafana asks it, all variables at All, over the last five minutes, while
clients, programs and people used the appliance, with a standby of the data store, a second PostgreSQL, four more Redis, and a
TLS end beside it (`tests/live/panels`). NaN counts as no data.

**With data: {data} of {all} queries ({share:.1f} %). At 0 in that run: {standing}; moved by a real fault: {moved}, not to be
moved here: {unmoved}. Mutants caught: {caught} of {made} ({score:.1f} %).**

A mutant is a query with one word changed: a metric or a label renamed, or a matcher's value changed; one for each such word. The
contract catches what no declaration has, before anything runs; the running stack catches values that select nothing, or that
exclude nothing.

| dashboard | queries | with data | at 0 | moved | mutants | caught by the contract | by the stack | survived |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""
_MOVED = "\n## At 0, and what moved them\n\n| query | moved by |\n|---|---|\n"
_UNMOVED = "\n## At 0, and not moved\n\n| query | why |\n|---|---|\n"
_NONE = "\n## Without data\n\n| query | why |\n|---|---|\n"


def page(found: Iterable[Finding], caught: Mapping[str, Mutants]) -> str:
    """The report, in Markdown."""
    everything = list(found)
    boards = sorted({one.board for one in everything})
    rows = "".join(_row(board, [one for one in everything if one.board == board], caught[board]) for board in boards)
    parts = [_head(everything, caught), rows]
    for head, lines in (
        (_MOVED, [(one.place, one.moved_by) for one in everything if one.moved_by]),
        (_UNMOVED, [(one.place, one.reason) for one in everything if one.has_data and one.standing and not one.moved_by]),
        (_NONE, [(one.place, one.reason) for one in everything if not one.has_data]),
    ):
        if lines:
            parts.append(head + "".join(f"| {place} | {words or '**no reason**'} |\n" for place, words in sorted(lines)))
    survived = sorted(word for one in caught.values() for word in one.survived)
    if survived:
        parts.append("\n## Mutants that survived\n\n" + "".join(f"- `{word}`\n" for word in survived))
    return "".join(parts)


def _head(found: list[Finding], caught: Mapping[str, Mutants]) -> str:
    made = sum(sum(one.made.values()) for one in caught.values())
    survived = sum(len(one.survived) for one in caught.values())
    data = sum(one.has_data for one in found)
    standing = [one for one in found if one.standing and one.has_data]
    moved = sum(bool(one.moved_by) for one in standing)
    return _HEAD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}", versions=", ".join(_versions()), data=data, all=len(found),
        share=100 * data / len(found), standing=len(standing), moved=moved, unmoved=len(standing) - moved,
        caught=made - survived, made=made, score=100 * (made - survived) / made,
    )  # fmt: skip


def _row(board: str, found: list[Finding], caught: Mutants) -> str:
    standing = [one for one in found if one.standing and one.has_data]
    cells = (
        len(found), sum(one.has_data for one in found), len(standing), sum(bool(one.moved_by) for one in standing),
        sum(caught.made.values()), sum(caught.by_contract.values()), sum(caught.by_stack.values()), len(caught.survived),
    )  # fmt: skip
    return f"| {board} | " + " | ".join(map(str, cells)) + " |\n"


def _versions() -> Iterator[str]:
    yield f"watchfloor {version()}"
    yield f"Python {sys.version.split()[0]}"
    for program in ("prometheus", "redis-server"):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        yield " ".join((said.stdout or said.stderr).split()[:3]).removesuffix(",").replace("version ", "")
    yield f"PostgreSQL {max(postgres.installed())}"
