"""The command behind `make soak`: a healthy appliance under a normal load sends nothing but the Watchdog, and does not grow.

The load is stated, not derived: clients that listen in every room, and questions to the API. What was seen is written to
docs/reports/soak.md when the soak took at least an hour, or where `--report` says.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

from metrics import durations
from metrics.process import version
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.ending import run as run_to_end
from tests.soak.run import Outcome, soak
from tests.soak.slopes import FILES, MEMORY, QUANTITIES, Slope

REPORT = CLONE / "docs" / "reports" / "soak.md"
MOST = 65.0  # percent of the machine: above it the load is no normal one
# What keeps a bounded past keeps a short one here, so that it is full before the first quarter is over: what fills for hours, as
# it may, would look like a leak, and hide one.
SETTINGS = {
    "stream": {"history": {"bytes": "256KB"}},  # of each room; the quietest one's 10,000 messages take three hours
    # Models learn four times a horizon, and remember 2,000 errors: with this one a quarter of an hour long, with minutes hours.
    "analysis": {"horizons": ["10s"], "every": "5s", "publish": "10m"},
    "exporters": {"model_quality": {"window": "1m", "outcomes": 40}},  # it looks back over 24 of them
}
_HOUR = 3600
_MOST_FAILED = 0.01  # of the questions
_NOTHING = "- | - | not told"


def main(arguments: list[str]) -> int:
    """Runs the soak and tells what came.

    Exit 1 when an alert was sent, a process grew or was restarted, or more than one in a hundred questions failed; 2 for a wrong
    time; 3 when the machine was too busy, or the soak too short, to tell.
    """
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("duration", nargs="?", default="90m", help="how long, as 90m (default) or 2h")
    parser.add_argument("--clients", type=int, default=200, help="clients that listen in every room (default 200)")
    parser.add_argument("--rate", type=float, default=50, help="questions to the API a second (default 50)")
    parser.add_argument("--factor", type=float, default=1, help="multiplies for, windows, waits and intervals (default 1)")
    parser.add_argument("--report", type=Path, help="write the outcome here")
    options = parser.parse_args(arguments)
    try:
        seconds = durations.seconds(options.duration)
    except ValueError as error:
        print(f"make soak: {error}: give a time as d=90m", file=sys.stderr)
        return 2
    print(f"{options.clients} clients, {options.rate:g} questions a second, for {options.duration}", flush=True)
    with Appliance(factor=options.factor, settings=SETTINGS) as appliance:
        outcome = soak(appliance, seconds, options.clients, options.rate, _tell)
    text = report(outcome, options.clients, options.rate, options.factor)
    print(text)
    where = options.report or (REPORT if seconds >= _HOUR else None)
    if where:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, encoding="utf-8")
    if outcome.mean_cpu > MOST:
        print(f"the machine was {outcome.mean_cpu:.0f} % busy, above {MOST:g} %: no normal load; ask for less", file=sys.stderr)
        return 3
    if outcome.untold and seconds >= _HOUR:
        print(f"of {len(outcome.untold)} slopes it is not told whether they are flat: soak longer", file=sys.stderr)
    unanswered = outcome.failed > _MOST_FAILED * (outcome.answers + outcome.failed)
    if outcome.sent or outcome.growing or outcome.restarted or unanswered:
        return 1
    return 3 if outcome.untold and seconds >= _HOUR else 0


def _tell(outcome: Outcome) -> None:
    sent = ", ".join(outcome.sent) or "nothing"
    print(f"{outcome.seconds / 60:5.0f} min: machine {outcome.cpu[-1]:.0f} % busy, sent beside the Watchdog: {sent}", flush=True)


def report(outcome: Outcome, clients: int, rate: float, factor: float) -> str:
    """The outcome as a page."""
    sent = "\n".join(f"- {name}: {count}" for name, count in sorted(outcome.sent.items())) or "Nothing."
    pending = ", ".join(f"{name} ({count} s)" for name, count in sorted(outcome.pending.items())) or "none"
    memory = psutil.virtual_memory().total / 2**30
    return f"""# A healthy appliance under a normal load

`make soak` of {datetime.now(UTC):%Y-%m-%d}: {outcome.seconds / 60:.0f} min at factor {factor:g}, Watchfloor {version()}, Python
{platform.python_version()}, {os.cpu_count()} processors, {memory:.0f} GiB.

| | |
|---|---|
| load | {clients} clients in every room, {rate:g} questions a second to the API |
| machine busy, mean | {outcome.mean_cpu:.0f} % (at most {MOST:g}) |
| messages received, answers, failures | {outcome.messages:,}, {outcome.answers:,}, {outcome.failed:,} |
| alerts that were pending and went away | {pending} |

Sent beside the Watchdog (asked: nothing):

{sent}

## Memory and files of our own processes

{_judged(outcome)}

Growth an hour over the last three quarters of the time, by least squares, with an interval of 95 % (`tests/soak/slopes.py`
says how); flat: the whole interval is below {MEMORY.limit:g} MB, or {FILES.limit:g} files, an hour. What keeps a
bounded past is given a short one, so that it is full when the measuring begins: 256 KB a room, forecasts of 10 s, outcomes of
a minute.

| service | memory, MB | grows, MB an hour | | open files | grows, files an hour | |
|---|---|---|---|---|---|---|
{_rows(outcome.slopes)}

## What falls short

{_short(outcome)}

The short pasts make this no default appliance: what fills for hours, as it may, is not seen to fill. A soak of hours is no month.
"""


def _short(outcome: Outcome) -> str:
    """What was wanted and not found."""
    found = [f"`{name}` was sent." for name in outcome.sent]
    found += [f"{one.service}: {one.quantity.name} grow." for one in outcome.growing]
    found += [f"{one.service}: of {one.quantity.name} it is not told whether they are flat." for one in outcome.untold]
    return " ".join([*found, *(f"{name} was restarted." for name in outcome.restarted)]) or "Nothing of what was measured."


def _judged(outcome: Outcome) -> str:
    """The verdict on all of them in a sentence each."""
    said = [
        f"{slope.service} grows: {slope.quantity.name} by {slope.per_hour:.2f} {slope.quantity.unit} an hour."
        for slope in outcome.growing
    ]
    said += [f"{name} was restarted meanwhile." for name in outcome.restarted]
    if outcome.untold:
        said.append(f"For {len(outcome.untold)} of {len(outcome.slopes)} the soak was too short to tell.")
    return " ".join(said) or f"All {len(outcome.slopes)} are flat."


def _rows(found: list[Slope]) -> str:
    services = {slope.service: {one.quantity: one for one in found if one.service == slope.service} for slope in found}
    return "\n".join(
        f"| {service} | {' | '.join(_cells(of[quantity]) if quantity in of else _NOTHING for quantity in QUANTITIES)} |"
        for service, of in services.items()
    )


def _cells(slope: Slope) -> str:
    digits = 1 if slope.quantity is MEMORY else 0
    grown = "-" if math.isnan(slope.per_hour) else f"{slope.per_hour:.2f} [{slope.low:.2f}, {slope.high:.2f}]"
    return f"{slope.last:.{digits}f} | {grown} | {slope.verdict}"


if __name__ == "__main__":
    run_to_end(main, "the soak's appliance")
