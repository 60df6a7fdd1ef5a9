"""The command behind `make drill`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from compose.terminal import console
from metrics import stack
from metrics.process import version
from settings import Site
from tests.appliance import Appliance
from tests.drills.catalogue import DRILLS, OF_LOAD, find, settings
from tests.drills.drill import Drill
from tests.drills.fleet import fleet
from tests.drills.report import record, summary
from tests.drills.run import Result, run
from tests.leftovers import take_back
from tests.waiting import until


def main(arguments: list[str]) -> int:
    """Runs the named drills, or all, and prints their times; exit 1 when one of them failed, 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="make drill", description="Provokes alerts by real faults and times them.")
    parser.add_argument(
        "alerts", nargs="*", metavar="ALERT", help=f"one of {', '.join(drill.alert for drill in DRILLS)}; none: all"
    )
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--factor", type=float, default=0.1, help="multiplies for, windows, waits and intervals (default 0.1)")
    parser.add_argument("--repeat", type=int, default=1, help="how often each is run")
    parser.add_argument("--json", type=Path, help="write the results here, too")
    parser.add_argument("--busy", action="store_true", help="others use this machine: nothing is told of its load")
    parser.add_argument("--record", action="store_true", help="write docs/drills.md; without a name that is done anyway")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.alerts if find(name) is None]
    if unknown:
        print(f"{unknown[0]}: has no drill: known are {', '.join(drill.alert for drill in DRILLS)}", file=sys.stderr)
        return 2
    chosen = [drill for drill in DRILLS if drill.alert in options.alerts or not options.alerts]
    listed = subprocess.check_output([sys.executable, "-m", "alerts", "list", "--json"], text=True)
    declared: dict[str, dict[str, Any]] = {alert["name"]: alert for alert in json.loads(listed)}
    results: list[Result] = []
    failures: list[str] = []
    try:
        _run_all(groups(chosen) * options.repeat, declared, options, results, failures)
    except KeyboardInterrupt:
        failures.append(f"interrupted: the drill's appliance is stopped and removed, and {len(results)} results are kept")
    console().print(table(results))
    for failure in failures:
        print(failure, file=sys.stderr)
    dead = {drill.alert for drill in chosen} - {result.alert for result in results}
    print(f"{summary(results)}; never seen: {', '.join(sorted(dead)) or 'none'}")
    interrupted = any(failure.startswith("interrupted") for failure in failures)
    return 130 if interrupted else 0 if not failures and all(result.passed for result in results) else 1


def groups(chosen: Sequence[Drill]) -> list[list[Drill]]:
    """Drills of one fault together, and those whose faults lie still, at the place of the first."""
    found: dict[str, list[Drill]] = {}
    for drill in chosen:
        found.setdefault("" if drill.still else drill.what, []).append(drill)
    return list(found.values())


def _run_all(
    todo: Sequence[list[Drill]], declared: Mapping[str, Mapping[str, Any]], options: argparse.Namespace,
    results: list[Result], failures: list[str],
) -> None:  # fmt: skip
    """One after another, on one appliance; `results` and `failures` fill as they come."""
    for what in take_back() if os.geteuid() == 0 else ():
        print(f"taken back, of a run that was killed: {what}", flush=True)
    names = {drill.alert for drills in todo for drill in drills}
    wanted, began = settings(), time.monotonic()
    if options.busy:
        wanted["alerts"] |= {name: {"enabled": False} for name in OF_LOAD - names}
        wanted["prometheus"] = {"scrape_timeout": Site().prometheus.scrape_interval}  # the longest that there is
    with Appliance(factor=options.factor, settings=wanted) as appliance, contextlib.ExitStack() as held:
        if any(drill.fleet for drills in todo for drill in drills):
            held.enter_context(fleet(appliance, wanted["exporters"]))
        until("the Watchdog has arrived in the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 60)
        for number, drills in enumerate(todo, 1):
            named = ", ".join(drill.alert for drill in drills)
            whats = "; ".join(dict.fromkeys(drill.what for drill in drills))
            passed = (time.monotonic() - began) / 60
            print(f"[{number}/{len(todo)}, {passed:.0f} min] {named}: {whats} …", flush=True)
            try:
                found = run(appliance, drills, declared)
            except Exception as error:  # noqa: BLE001  # whatever one drill meets, the others are run
                failures.append(f"{named}: {error}")
                print(f"  failed: {error}", flush=True)
            else:
                results += [result for result in found if not result.failure]
                failures += [f"{result.alert}: {result.failure}" for result in found if result.failure]
                print("".join(f"  {result.alert}: {_verdict(result)}\n" for result in found), end="", flush=True)
            _keep(results, options)


def _keep(results: list[Result], options: argparse.Namespace) -> None:
    """Writes what there is so far, so that an interrupted run was not for nothing."""
    if options.record or not options.alerts:
        record(results)
    if options.json:
        options.json.write_text(json.dumps([result.as_dict() for result in results], indent=2) + "\n", encoding="utf-8")


def _verdict(result: Result) -> str:
    if result.failure:
        return f"failed: {result.failure}"
    if result.delivery > result.budget:
        return f"too late: {result.delivery:.1f} s, at most {result.budget:.1f} s"
    return "beside it: " + ", ".join(result.collateral) if result.collateral else "ok"


def table(results: list[Result]) -> Table:
    """Seconds from step to step, and the verdict."""
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    headings = ("ALERT", "FAULT TO FIRST BAD", "TO PENDING", "TO FIRING", "TO INBOX", "AT MOST", "CLEARED TO RESOLVED", "")
    for heading in headings:
        shown.add_column(heading, justify="left" if heading in ("ALERT", "") else "right", no_wrap=True)
    for result in results:
        times = result.times
        pending = f"{times.pending - times.first_bad:.1f} s" if times.pending else "-"
        shown.add_row(
            result.alert,
            f"{times.first_bad - times.fault:.1f} s",
            pending,
            f"{times.firing - times.first_bad:.1f} s",
            f"{result.delivery:.1f} s",
            f"{result.budget:.1f} s",
            f"{times.resolved - times.cleared:.1f} s",
            _verdict(result),
        )
    return shown


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM):  # either takes the fault back and keeps what there is, also in the background
        signal.signal(ending, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
