"""The command behind `make stress`: more and more requests until an objective breaks; then twice as many; then half as many.

    make stress [args='--seconds 10 --start 1000 --step 1.5']

Told are the knee (the highest rate at which every objective of the API still held), what was saturated there, whether the server
sheds load beyond it, queues it or collapses, and how long it takes until it is well again. Exit codes: 0 it goes on answering as
much, 1 it collapses or no rate held, 2 wrong arguments, 3 the generator was too slow to tell, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.ending import run as run_to_end
from tests.load import machine, report, run, shapes, verdict
from tests.load.recorder import Figures, Outcome
from tests.load.recovery import recovery

MOST = 60_000  # requests a second: no machine that this is made for answers more
BEYOND, BACK = 2.0, 0.5  # of the knee's rate: what is asked beyond it, and afterwards
COLLAPSES = "it collapses: not half of the answers are left"
SHEDS = "it sheds load: what is too much is refused"
QUEUES = "it queues: nothing is refused, all is answered late, the later the longer it lasts"
FOLDER = CLONE / "var" / "load"


@dataclass
class Step:
    """One rate, for a few seconds; the word is "held", "broken", "generator-limited" or "interrupted"."""

    rate: float
    sent: float
    achieved: float
    errors: float
    latency: Figures
    reasons: dict[str, int]
    word: str
    saturated: list[str] = field(default_factory=list)


@dataclass
class Stress:
    """What was found; rates a second, `recovery` in seconds (None: not within the time given)."""

    steps: list[Step]
    beyond: Step | None = None
    recovery: float | None = None

    @property
    def knee(self) -> Step | None:
        """The highest rate that held."""
        return next((step for step in reversed(self.steps) if step.word == "held"), None)

    @property
    def manner(self) -> str:
        """What twice the knee's rate makes of it; empty where that was not tried."""
        if not self.knee or not self.beyond:
            return ""
        if self.beyond.achieved < 0.5 * self.knee.achieved:
            return COLLAPSES
        return SHEDS if self.beyond.errors > shapes.API_LIMITS.errors else QUEUES

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"stress": asdict(self) | {"knee": self.knee and asdict(self.knee), "manner": self.manner}}


def word(outcome: Outcome) -> str:
    """Whether a rate held. Fewer requests than were to be sent tell nothing of the server."""
    latency, limits = outcome.latency, shapes.API_LIMITS
    assert limits.mean
    assert limits.p95
    broken = latency.mean > limits.mean or latency.p95 > limits.p95 or outcome.error_rate > limits.errors
    if outcome.interrupted:
        return "interrupted"
    return "generator-limited" if outcome.held_back else "broken" if broken or not latency.count else "held"


def step(appliance: Appliance, rate: float, seconds: float, users: int, more: str = "") -> tuple[Step, Outcome]:
    """One rate; what more there is to say of it is told beside it."""
    test = replace(shapes.TESTS[0], rate=rate, users=users, hold=seconds)
    outcome = run.conduct(appliance, test, shapes.Profile("stress", seconds / 600), lambda *_: None)
    outcome.step = f"at {rate:,.0f}/s{more}"
    outcome.title = f"{outcome.title} {outcome.step}"
    found = Step(
        rate, outcome.sent, outcome.achieved, outcome.error_rate, outcome.latency, outcome.reasons, word(outcome),
        verdict.saturated(outcome),
    )  # fmt: skip
    told = f"{rate:8,.0f}/s: sent {found.sent:,.0f}, answered {found.achieved:,.0f}, mean {found.latency.mean:.1f} ms"
    print(f"{told}, p95 {found.latency.p95:.1f} ms, errors {100 * found.errors:.2f} %: {found.word}", flush=True)
    return found, outcome


def stress(appliance: Appliance, *, start: float, factor: float, seconds: float, users: int) -> tuple[Stress, list[Outcome]]:
    """The whole of it."""
    found, outcomes, rate = Stress([]), [], start
    while rate <= MOST:
        again = bool(found.steps) and found.steps[-1].rate == rate
        one, outcome = step(appliance, rate, seconds, users, ", once more" if again else "")
        found.steps.append(one)
        outcomes.append(outcome)
        if outcome.interrupted or (one.word != "held" and again):
            break
        if one.word == "held":  # else once more: another program's moment is no limit
            rate *= factor
    if found.knee and not outcomes[-1].interrupted:
        found.beyond, outcome = step(appliance, BEYOND * found.knee.rate, seconds, users)
        outcomes.append(outcome)
    if found.knee and found.beyond and not outcomes[-1].interrupted:
        found.recovery = recovery(
            appliance, over=BEYOND * found.knee.rate, back=BACK * found.knee.rate, users=users, seconds=seconds,
            patience=max(30.0, 3 * seconds),
        )  # fmt: skip
    return found, outcomes


def main(arguments: Sequence[str]) -> int:
    """Runs it, writes page and JSON file; the exit code."""
    parser = argparse.ArgumentParser(
        prog="make stress", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each step (default 10)")
    parser.add_argument("--start", type=float, default=1000, help="requests a second at first (default 1000)")
    parser.add_argument("--step", type=float, default=1.5, help="by which the rate grows (default 1.5)")
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    if options.step <= 1 or options.start <= 0 or options.seconds <= 0:
        print("make stress: --step must be above 1, --start and --seconds above 0", file=sys.stderr)
        return 2
    began, environment = time.time(), machine.environment()
    with Appliance(factor=0.2, settings=run.SETTINGS) as appliance:
        run.ready(appliance)
        found, outcomes = stress(
            appliance, start=options.start, factor=options.step, seconds=options.seconds, users=options.users
        )  # fmt: skip
    words = f" args='{' '.join(arguments)}'" if arguments else ""
    told = report.Report("Stress test", f"make stress{words}", began, outcomes, environment, extra=found.as_dict())
    for name in report.write(told, options.out):
        print(f"written: {name}")
    print(sentence(found))
    if outcomes[-1].interrupted:
        return 130
    return 3 if found.knee is None and found.steps[-1].word == "generator-limited" else int(found.manner in ("", COLLAPSES))


def sentence(found: Stress) -> str:
    """In words."""
    if found.knee is None:
        return f"no rate held: at {found.steps[0].rate:,.0f}/s it was {found.steps[0].word}"
    last = found.steps[-1]
    full = "; ".join(last.saturated) or "nothing"
    told = f"knee {found.knee.rate:,.0f}/s; {last.word} at {last.rate:,.0f}/s, saturated: {full}"
    if found.beyond:
        share = found.beyond.achieved / found.knee.achieved
        why = json.dumps(found.beyond.reasons) if found.beyond.reasons else ""
        told += f"; at twice the knee {share:.2f} of its answers, errors {100 * found.beyond.errors:.1f} % {why}".rstrip()
        told += f": {found.manner}"
    return told + f"; well again after {'more than the time given' if found.recovery is None else f'{found.recovery:.0f} s'}"


if __name__ == "__main__":
    run_to_end(main, "the appliance of the stress test")
