"""What a run tells: a line a case, and the page of record."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from metrics.process import version
from tests.chaos.cases import DUE
from tests.chaos.faults import DELAY
from tests.chaos.run import Result, Run


def line(result: Result) -> str:
    """A case in words."""
    alert = f"{result.alert} after {result.alerted:.1f} s" if result.alerted is not None else "no alert"
    back = f"back after {result.back:.1f} s" if result.back is not None else "not back"
    back += f" (at most {result.within:.0f} are allowed)"
    back += f", clients heard again after {result.served:.1f} s" if result.served is not None else ", clients never heard again"
    word = "passed" if result.passed else "FAILED"
    name = f"{result.component}:{result.kind}"
    what = "".join(f"; {count} {words}" for words, count in result.counted.items())
    return f"{name:<24} {word}: {alert}, {back}, lost {result.lost}, doubled {result.doubled}{what}"


def _row(one: Result) -> str:
    alert = one.alert or ("**none**" if one.wanted else "none is due")
    words = [
        one.component, one.kind, alert, "–" if one.alerted is None else f"{one.alerted:.1f}",  # noqa: RUF001  # nothing
        "**never**" if one.back is None else f"{one.back:.1f}", f"{one.within:.0f}",
        "**never**" if one.served is None else f"{one.served:.1f}", str(one.lost), str(one.doubled),
        "passed" if one.passed else "**failed**",
    ]  # fmt: skip
    return f"| {' | '.join(words)} |"


def _missed(results: Sequence[Result]) -> str:
    bad = [one for one in results if not one.passed]
    return "\n".join(f"- `{line(one)}`" for one in bad) or "Nothing."


def page(run: Run, seed: int, load: Sequence[float]) -> str:
    """The page; `load`: the machine's before and after."""
    results = sorted(run.results, key=lambda one: (one.component, one.kind))
    passed = sum(one.passed for one in results)
    when = f"`make chaos args='--seed {seed}'` of {datetime.now(UTC):%Y-%m-%d}, Watchfloor {version()}"
    where = f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load[0]:.1f} before and {load[1]:.1f} after"
    return f"""# Faults under load

{when}, {where}: **{passed} of {len(results)} passed**.{f" It ended early: {run.broken}." if run.broken else ""}

Method: [load testing](../guides/load-testing.md#what-it-loses). Twenty clients of the market by the product's own client, which
resumes by itself ({run.messages:,} messages, {run.resumed} connections lost and made again), and a ledger of twenty rows a second
({run.rows:,} acknowledged). Rules and scrapes take a tenth of their time, watchers and clients all of theirs.

Seconds until it is *back* (every service is well) count from the beginning of what heals by itself (killed, stopped), else from
the fault's end; *clients*: until each has heard something since, and a row was written. A client waits twice as long after each
attempt that failed, half a minute at most. An alert is due for what is down for longer than {DUE:.0f} s.

| component | fault | alert | after, s | back, s | at most, s | clients, s | lost | doubled | |
|---|---|---|---:|---:|---:|---:|---:|---:|---|
{chr(10).join(_row(one) for one in results)}

## What falls short

{_missed(results)}

The links are TCP proxies: *cut* resets connections; who swallows them in silence is *stop*; *slow* holds each piece of each
direction back for {DELAY} s, longer than a scrape waits. Both last until the alert tells. *Back* means there, too, that
something comes through the link again.
Twenty clients do not load a machine. The machine itself was not switched off.
"""
