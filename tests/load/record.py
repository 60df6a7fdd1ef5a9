"""Reports of record: pages of docs/reports made from the JSON files of runs, so that no figure is typed by hand.

    python -m tests.load.record load|stress|scale FILE [FILE …]

The page that a load run wrote is put beside its report. More files are the same load tests again: what they found stands beside
the first one's, for what one run meets another may miss.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from settings.paths import CLONE
from tests.load.plots import figure, lines
from tests.load.report import document
from tests.load.shapes import find
from tests.load.stress import QUEUES, SHEDS

FOLDER = CLONE / "docs" / "reports"
DOUBT = 0.1  # a residual above it says that the machine was measured as well
_ABOVE = 1.05  # times what so many instances can do: more of it is no noise
Told = Mapping[str, Any]
_RATES = ("test", "offered", "sent", "achieved", "mean", "p50", "p95", "p99", "longest", "bad", "generator", "others")


def machine(told: Told) -> str:
    """Where it was measured, in a sentence."""
    return (
        f"{told['processors']} processors ({told['processor']}), {told['memory_gib']:g} GiB, {told['system']}, Linux "
        f"{told['kernel']}, Python {told['python']}, Watchfloor {told['watchfloor']} at {told['commit']}; its load "
        f"before: {told['load_before']:.1f}. Generator and servers share these processors."
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; all but the first column to the right."""
    head = f"| {' | '.join(headings)} |\n|---|{'---:|' * (len(headings) - 1)}\n"
    return head + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _limit(check: Told) -> str:
    sign = "≥" if check["what"].startswith(("hit", "answers")) else "≤"
    return f"{sign} {figure(check['wanted'])} {check['unit']}".strip()


def _found(check: Told) -> str:
    words = f"{figure(check['found'])} {check['unit']}".strip()
    return words if check["good"] else f"{words}: **{check['word']}**"


def _again(runs: Sequence[Told]) -> str:
    """What other runs found, of how busy a machine: the same load costs more of one that is slower at that time."""
    if len(runs) < 2:
        return ""
    found = [{_name(check): _found(check) for check in run["checks"]} for run in runs]
    busy = [{one["name"]: f"{one['resources']['busy']:.0f} %" for one in run["tests"]} for run in runs]
    rows = [(": ".join(name), *(one.get(name, "") for one in found)) for name in dict.fromkeys(chain(*found))]
    rows += [(f"{name}: processors busy", *(one.get(name, "") for one in busy)) for name in dict.fromkeys(chain(*busy))]
    parts = [f"{100 * one['tests'][0]['factor']:.3g} % of the time" for one in runs]
    return f"""
## The same again

The same load keeps processors busier where they are slower at that time, as shared ones are.

{table(("figure", *(f"{run['date'][11:16]}, {part}" for run, part in zip(runs, parts, strict=True))), rows)}"""


def _shown(source: Path, name: str) -> None:
    """Puts the page that the run wrote beside its report, where there is one."""
    page = source.with_suffix(".html")
    if page.exists():
        shutil.copyfile(page, FOLDER / name)


def _name(check: Told) -> tuple[str, str]:
    return check["test"], check["what"]


def _overall(told: Told) -> str:
    """All tests as one; of a run whose file does not tell it, nothing."""
    found = told["overall"]
    if not found.get("requests") or found.get("mean_ms") is None:
        return ""
    requests, mean, worst = f"{found['requests']:,}", figure(found["mean_ms"]), figure(100 * found["error_rate"])
    return (
        f"All of it took {found['seconds']:.0f} s: {requests} requests of the API and messages of the WebSocket, a mean of"
        f" {mean} ms over API, WebSocket and database, errors {worst} % at worst.\n"
    )


def load(told: Told, source: Path, more: Sequence[Told] = ()) -> str:
    """The load tests: verdict with factors, rates, what was saturated, what other runs found."""
    verdict = [
        (
            f"{check['test']}: {check['what']}", f"{figure(check['found'])} {check['unit']}".strip(), _limit(check),
            f"{figure(check['factor'])}", check["word"] if check["good"] else f"**{check['word']}**",
        )
        for check in told["checks"]
    ]  # fmt: skip
    rates = [
        (
            one["name"], *(figure(one[name]) for name in ("offered", "sent", "achieved")),
            *(figure(one["latency"][name]) for name in ("mean", "p50", "p95", "p99", "longest")),
            f"{one['failed'] + one['lost']:,}",
            f"{one['generator']:.2f}", f"{one['resources']['others']:.2f}",
        )
        for one in told["tests"]
    ]  # fmt: skip
    advice = "\n".join(f"- {one}" for one in told["recommendations"]) or "Nothing was missed."
    _shown(source, "load.html")
    first = told["tests"][0]
    part = f"{100 * first['factor']:.3g} % of the design's time, {100 * first['share']:g} % of its users and rates"
    return f"""# Load tests

`{told["command"]}` of {told["date"][:10]}: {part}.
{machine(told["environment"])}

Method: [load testing](../guides/load-testing.md). Distributions, rates and resources over time: [the run's page](load.html).

## Verdict

{_overall(told)}A factor above 1 is so many times better than wanted.

{table(("figure", "found", "wanted", "factor", ""), verdict)}
## Rates and latencies

Offered, sent and achieved are a second (of `crowd`, `database`, `edge` and `websocket`: clients, who came, and answers a
second); ms; cores of the generator, and of work on this machine that was not this run's.

{table(_RATES, rates)}
## What falls short

{advice}
{_again([told, *more])}"""


def stress(told: Told, source: Path, _: Sequence[Told] = ()) -> str:
    """The stress test: each step, the knee, what comes beyond it."""
    _shown(source, "stress.html")
    found = told["stress"]
    steps = [*found["steps"], *([found["beyond"]] if found["beyond"] else [])]
    rows = [
        (
            figure(one["rate"]), figure(one["sent"]), figure(one["achieved"]), figure(one["latency"]["mean"]),
            figure(one["latency"]["p95"]), f"{100 * one['errors']:.2f}", one["word"], "; ".join(one["saturated"]) or "nothing",
        )
        for one in steps
    ]  # fmt: skip
    knee = found["knee"]
    words = f"**Knee: {figure(knee['rate'])} requests a second.**" if knee else "**No rate held.**"
    if found["steps"] and found["steps"][-1]["word"] == "generator-limited":
        words += " Beyond it the generator gave in first, so that the server's own knee may be higher."
    if found["beyond"] and knee:
        share = found["beyond"]["achieved"] / knee["achieved"]
        words += f" At twice that, {share:.2f} of the knee's answers: {found['manner']}."
    wanted = find("api").limits  # type: ignore[union-attr]  # it is one of the design's
    limits = f"mean {wanted.mean:g} ms, p95 {wanted.p95:g} ms, failures {100 * wanted.errors:g} %"
    asked = f"The API's mix of the design from {told['tests'][0]['users']:,} users"
    back = "not within the time given" if found["recovery"] is None else f"after {found['recovery']:.1f} s"
    return f"""# Stress test

`{told["command"]}` of {told["date"][:10]}. {machine(told["environment"])}

{asked}, at rates that grow until an objective breaks ({limits})
twice in a row; then at twice the highest rate that held (the last row). Then once more at twice that rate, and in the same
breath at half of it, until the first of three seconds in a row of which 99 % of the requests were answered within 500 ms.

A user has one connection, and asks when it is time without waiting for the answer before. Some thirty of its requests are
read ahead, and refused where they have waited too long ([why](../topics/api.md)); the rest waits where the server cannot see it.

{words} Well again at half of it: {back if knee else "not tried"}.

{table(("offered/s", "sent/s", "answered/s", "mean, ms", "p95, ms", "failures, %", "", "saturated"), rows)}
Each step's latencies, rates and resources over time: [the run's page](stress.html).

## What falls short

{_beyond(found)}
"""


def _beyond(found: Told) -> str:
    """What is wanted beyond the knee is that it sheds load, and recovers."""
    if found["manner"] == SHEDS and found["recovery"] is not None:
        return "Nothing: beyond the knee it sheds what is too much, and is well again afterwards."
    words = f"Beyond the knee {found['manner'] or 'nothing was tried'}."
    if found["manner"] == QUEUES:
        words += " Shedding was wanted."
    return words


def scale(told: Told, _: Path, __: Sequence[Told] = ()) -> str:
    """The scalability: throughput by instances, the law, its residuals, its limit."""
    law = told["law"]
    (FOLDER / "scalability.html").write_text(_curve(told), encoding="utf-8")
    rows = [
        (str(count), figure(rate), f"{rate / told['found'][0][1]:.2f}", f"{100 * residual:+.1f}")
        for (count, rate), residual in zip(told["found"], law["residuals"], strict=True)
    ]
    coherence, contention = law["coherence"], law["contention"]
    if coherence > 0:
        most = math.sqrt(max(0.0, 1 - contention) / coherence)
        end = f"most would be done by {most:.0f} instances"
    elif contention > 0:
        end = f"what waits for one another would end it at {figure(1 / contention)} times one"
    else:
        end = "no end is in sight"
    worst = max(map(abs, law["residuals"]))
    doubt = f"The largest residual is {100 * worst:.0f} %" + (
        ": noise of this machine, on which others run; take the limit for a guess." if worst > DOUBT else "."
    )
    if any(rate > _ABOVE * count * told["found"][0][1] for count, rate in told["found"]):
        doubt += "\nSome did more than so many times one, for which the law has no word: it takes them for noise, and its"
        doubt += " limit is a guess."
    return f"""# Scalability

`make scale` of {told["date"]}. {machine(told["environment"])}

Stream servers on one port, joined by a bus, each held to a fifth of a core by a control group; wrk in a closed loop, sixteen
connections an instance, for `/api/dashboard` by the long way (with an origin); the median of rounds. One more server, which
nobody asks and nothing holds, runs the sources. On each processor something of the lowest class spins, so that none sleeps:
whoever wakes a sleeping virtual processor pays for it, a single server on an idle machine most.

{table(("instances", "answers/s", "÷ one", "residual, %"), rows)}
Universal Scalability Law: one does {figure(law["one"])}/s, contention {contention:.4f}, coherence {coherence:.5f}: {end}.
{doubt}
Measured and by the law: [the plot](scalability.html).

## What falls short

One machine of two cores: eight servers of a fifth of a core each use 1.6 of them, wrk the rest. What is beyond eight is the law's
word, not a measurement; a hundred instances were not run.
"""


def _curve(told: Told) -> str:
    """A page of one plot: answers a second by instances, as measured and by the law."""
    law, most = told["law"], told["found"][-1][0]
    by_law = [
        (n, law["one"] * n / (1 + law["contention"] * (n - 1) + law["coherence"] * n * (n - 1))) for n in range(1, most + 1)
    ]
    drawn = {"measured": [(count, rate) for count, rate in told["found"]], "Universal Scalability Law": by_law}
    named = [(float(count), str(count)) for count, _ in told["found"]]
    return document("Scalability", "<h1>Scalability</h1>" + lines("Answers by instances", "a second", drawn, labels=named))


PAGES: Mapping[str, tuple[str, Callable[[Told, Path, Sequence[Told]], str]]] = {
    "load": ("load.md", load), "stress": ("stress.md", stress), "scale": ("scalability.md", scale),
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Writes one page."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.record", description=__doc__)
    parser.add_argument("what", choices=sorted(PAGES))
    parser.add_argument("file", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    name, make = PAGES[options.what]
    FOLDER.mkdir(parents=True, exist_ok=True)
    if len(options.file) > 1 and options.what != "load":
        parser.error(f"{options.what}: give one file; load tests alone are told side by side")
    first, *more = (json.loads(file.read_text(encoding="utf-8")) for file in options.file)
    (FOLDER / name).write_text(make(first, options.file[0], more), encoding="utf-8")
    print(f"written: {FOLDER / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
