"""The command behind `make load`: the load tests of the design, on an appliance of their own.

    make load                              all five, a tenth of their time (60 s)
    make load t=websocket d=60s            one test (or some, joined by commas), so long
    make load profile=full                 as the design has them, 10 min each

Tests: api websocket database ai cache, and peak (10,000 requests a second), crowd (the models by users who
never pause) and edge (as many as the edge answers). The page and the JSON file are written below `var/load`.

Exit codes: 0 all that is wanted is met; 1 something is missed; 2 wrong arguments; 3 the generator was too slow to tell;
130 interrupted, after a report of what was measured until then.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from compose.terminal import console
from metrics import durations
from settings.paths import CLONE
from tests.appliance import Appliance
from tests.ending import run as run_to_end
from tests.load import machine, report, run, shapes, verdict
from tests.load.recorder import Recorder

FOLDER = CLONE / "var" / "load"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(prog="make load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("tests", nargs="?", default=",".join(shapes.OF_DESIGN), help="which, joined by commas (default: the five)")
    made.add_argument("--profile", default="short", choices=sorted(shapes.PROFILES))
    made.add_argument("--duration", default="", help="how long each takes, as 60s: instead of the profile's time")
    made.add_argument("--share", type=float, default=0.0, help="0 to 1: of users and rates; instead of the profile's")
    made.add_argument("--baseline", type=Path, help="the JSON file of an earlier run to compare with")
    made.add_argument("--out", type=Path, default=FOLDER, help="the folder for page and JSON file")
    made.add_argument("--workers", type=int, default=1, help="stream workers of the appliance")
    return made


_WORDS = {"tests": "t", "duration": "d", "profile": "profile", "baseline": "baseline"}  # options that the Makefile knows


def command(arguments: Sequence[str]) -> str:
    """These arguments as one gives them to make."""
    usual, given = vars(parser().parse_args([])), vars(parser().parse_args(arguments))
    other = {name: str(value) for name, value in given.items() if value != usual[name]}
    words = [f"{word}={other.pop(name)}" for name, word in _WORDS.items() if name in other]
    rest = " ".join(f"--{name} {value}" for name, value in other.items())
    return shlex.join(["make", "load", *words, *([f"args={rest}"] if rest else [])])


def chosen(names: str) -> list[shapes.LoadTest]:
    """The tests of these names. Raises ValueError for one that is none."""
    known = {test.name: test for test in shapes.TESTS}
    wrong = [name for name in names.split(",") if name not in known]
    if wrong:
        raise ValueError(f"t={wrong[0]}: is no load test: give some of {' '.join(known)}, joined by commas")
    return [known[name] for name in names.split(",")]


def profile_of(options: argparse.Namespace, tests: Sequence[shapes.LoadTest]) -> shapes.Profile:
    """The profile, changed by what was asked. Raises ValueError."""
    found = shapes.PROFILES[options.profile]
    if options.duration:
        found = replace(found, factor=durations.seconds(options.duration) / max(test.seconds for test in tests))
    if options.share:
        if not 0 < options.share <= 1:
            raise ValueError(f"--share {options.share:g}: is no share: give a number above 0, 1 at most")
        found = replace(found, share=options.share)
    return found


class Bars:
    """A bar for each test on a terminal, a line for each elsewhere."""

    def __init__(self) -> None:
        self.console = console()
        self._bars = Progress(
            TextColumn("{task.description:<10}"), BarColumn(30), TextColumn("{task.fields[told]}"), console=self.console,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        self._known: dict[str, TaskID] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While they are to be seen."""
        with self._bars:
            yield

    def __call__(self, name: str, seconds: float, recorder: Recorder) -> None:
        """A test goes on."""
        if name not in self._known:
            self._known[name] = self._bars.add_task(name, total=seconds, told="")
            if not self.console.is_terminal:
                print(f"{name}: {seconds:.0f} s", flush=True)
        answers = sum(one.get_total_count() for one in recorder.kinds.values())
        told = f"{answers:,} answers, {sum(recorder.reasons.values()):,} failures"
        self._bars.update(self._known[name], completed=min(seconds, time.time() - recorder.began), told=told)


def main(arguments: Sequence[str]) -> int:
    """Runs the tests, writes the report; the exit code."""
    options = parser().parse_args(arguments)
    try:
        tests = chosen(options.tests)
        profile = profile_of(options, tests)
        earlier = run.baseline(options.baseline) if options.baseline else []
    except ValueError as error:
        print(f"make load: {error}", file=sys.stderr)
        return 2
    began, bars, environment = time.time(), Bars(), machine.environment()
    settings = run.SETTINGS | ({"stream": {"workers": options.workers}} if options.workers > 1 else {})
    with Appliance(factor=0.2, settings=settings) as appliance:
        print("waiting until the models have learned enough to answer", flush=True)
        run.ready(appliance)
        with bars.shown():
            outcomes = run.all_of_them(appliance, tests, profile, bars)
        marks = machine.alerts(appliance, began, time.time())
    compared = verdict.compared(outcomes, earlier)
    if options.baseline and not compared:
        print(f"{options.baseline}: has no test of this time and share: nothing is compared", file=sys.stderr)
    told = report.Report("Load tests", command(arguments), began, outcomes, environment, compared, marks=marks)
    tell(told, options.out, bars)
    return 130 if outcomes and outcomes[-1].interrupted else verdict.code(told.checks)


def tell(told: report.Report, folder: Path, bars: Bars) -> None:
    """Prints the verdict and writes the files."""
    for one in told.outcomes:
        print(f"{one.name}: {report.rates(one)}; generator {one.generator:.2f} cores; {report.scale(one)}")
    bars.console.print(report.table(told.checks))
    for advice in verdict.recommendations(told.outcomes, told.checks):
        print(f"- {advice}")
    for other in told.compared:
        told_of = f"{other.before:.4g} before, {other.now:.4g} now, ratio {other.ratio:.2f}"
        print(f"{other.test}: {other.what}: {told_of} (above 1: worse)")
    for name in report.write(told, folder):
        print(f"written: {name}")
    print(report.overall(told))
    print(report.sentence(told))


if __name__ == "__main__":
    run_to_end(main, "the appliance of the load tests")
