"""The command behind `make chaos`: faults under load, each component in turn, in an order that a seed decides.

    make chaos                                  all of them, on an appliance of their own
    make chaos args='--only stream:kill'        one, or some, joined by commas
    make chaos args='--seed 7'                  the order of an earlier run

Twenty clients follow the market by the product's own client, a ledger writes twenty rows a second. Of each fault it is told
whether anything accepted was lost or doubled, which alert fired after how long, and when all was well again. As root a disk is
filled too, and the services' own connections are slowed and cut (by iptables) until an alert fires.

Exit codes: 0 all passed; 1 one did not: the command that does it again is printed; 2 wrong arguments; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.chaos.cases import FACTOR, FILL, LINKED, Case, cases
from tests.chaos.faults import linked, small_disk
from tests.chaos.report import line, page
from tests.chaos.run import Run, chaos
from tests.ending import run as run_to_end
from tests.leftovers import take_back

REPORT = CLONE / "docs" / "reports" / "reliability.md"


def picked(only: str, seed: int, *, root: bool) -> list[Case]:
    """The cases of these names, in the seed's order. Raises ValueError for one that is none, or that needs root."""
    known = {case.name: case for case in cases(root=root)}
    wrong = [name for name in only.split(",") if only and name not in known]
    if wrong:
        why = "needs root" if wrong[0] in {case.name for case in cases()} else "is no case"
        raise ValueError(f"--only {wrong[0]}: {why}: give some of {' '.join(known)}, joined by commas")
    found = [known[name] for name in only.split(",")] if only else list(known.values())
    random.Random(seed).shuffle(found)  # noqa: S311  # an order, no secret
    return found


def main(arguments: Sequence[str]) -> int:
    """Runs the cases; the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases, joined by commas, as stream:kill")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="decides the order")
    parser.add_argument("--report", type=Path, help="write the table here (default with all cases: docs/reports/reliability.md)")
    options = parser.parse_args(arguments)
    root = os.geteuid() == 0
    try:
        chosen = picked(options.only, options.seed, root=root)
    except ValueError as error:
        print(f"make chaos: {error}", file=sys.stderr)
        return 2
    if root and any(case.kind in LINKED for case in chosen) and not shutil.which("iptables"):
        print("make chaos: iptables is not installed: `apt-get install iptables`, or run this without root", file=sys.stderr)
        return 2
    for what in take_back() if root else ():
        print(f"taken back, of a run that was killed: {what}", flush=True)
    if not root:
        print("without root no disk is filled, and of links those of our own clients alone are slowed and cut", flush=True)
    print(f"seed {options.seed}: {len(chosen)} cases", flush=True)
    before = os.getloadavg()[0]
    run = conducted(chosen)
    print(f"{run.messages:,} messages, {run.resumed} connections made again, {run.rows:,} rows acknowledged")
    where = options.report or (None if options.only or not root else REPORT)
    if where:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(page(run, options.seed, (before, os.getloadavg()[0])), encoding="utf-8")
    told(run, options.seed, options.only)
    return int(not run.passed)


def conducted(chosen: Sequence[Case]) -> Run:
    """These cases on an appliance that is made for them."""
    appliance = Appliance(factor=FACTOR)
    with ExitStack() as stack:
        if any(case.component == FILL for case in chosen):
            stack.enter_context(small_disk(appliance.paths.data))
        led = {case.component for case in chosen if case.kind in LINKED} if os.geteuid() == 0 else set()
        links = stack.enter_context(linked(appliance, led))
        stack.enter_context(appliance)
        return chaos(appliance, links, chosen, lambda result: print(line(result), flush=True))


def told(run: Run, seed: int, only: str) -> None:
    """How to see again what failed."""
    if run.broken:
        print(f"ended early: {run.broken}", file=sys.stderr)
    bad = [f"{result.component}:{result.kind}" for result in run.results if not result.passed]
    for name in bad:
        print(f"again: make chaos args='--only {name}'", file=sys.stderr)
    if not run.passed:
        whole = f" --only {only}" if only else ""
        print(f"in the same order, should that pass: make chaos args='--seed {seed}{whole}'", file=sys.stderr)


if __name__ == "__main__":
    run_to_end(main, "the appliance of the chaos run")
