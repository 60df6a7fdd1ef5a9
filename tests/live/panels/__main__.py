"""The command behind `make proof`: every query of every panel on a running stack that lacks nothing.

    python -m tests.live.panels [--out docs/reports/panels.md]

Exit 1 when a query has no data without a reason, stands at 0 without being moved or a reason, or a mutant survives.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from tests.live.panels import movers, proof, report
from tests.live.panels.world import world


def main() -> int:
    """The report, and whether all is as it should be."""
    parser = argparse.ArgumentParser(prog="make proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the file to write; without it, the report is printed")
    parser.add_argument("--fault", action="append", default=[], help="do this fault alone, without mutants; may be repeated")
    options = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {words}", flush=True)

    with world() as running:
        say("everything runs")
        asked = proof.complete(running, say)
        found = proof.findings(running, asked)
        if options.fault:
            proof.move(running, found, say, options.fault)
            return _moved(found, options.fault)
        caught = proof.catch(running, asked)
        say(f"{len(asked)} queries are answered; {sum(one.standing for one in found.values())} stand at 0 or are silent")
        # What a fault brings (a drift's figures) is there for five minutes: its mutants are tried while it is.
        for note in ("", ", at its second try"):
            proof.move(running, found, say, after=lambda: proof.catch_again(running, asked, caught), note=note)
        proof.once_more(running, found)
        proof.catch_again(running, asked, caught)
        page = report.page(found.values(), caught)
        print(page, flush=True)
        if options.out:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(page, encoding="utf-8")
    unproven = [one.place for one in found.values() if not one.proven and not (one.reason and not one.has_data)]
    survived = [word for one in caught.values() for word in one.survived]
    for place in unproven:
        say(f"not proven: {place}")
    return 1 if unproven or survived else 0


def _moved(found: dict[str, proof.Finding], names: list[str]) -> int:
    """Prints what some faults have moved, and what not; 1 where something was not."""
    left = 0
    for one in found.values():
        if one.standing and set(movers.movers(one.expr)) & set(names):
            print(f"{one.place}: {one.moved_by or 'NOT MOVED'}", flush=True)
            left += not one.moved_by
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
