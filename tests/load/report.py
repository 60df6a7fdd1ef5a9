"""What is told of a run: lines for people, a JSON file, and one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from rich.table import Table

from settings import look
from tests.load import plots
from tests.load.plots import figure
from tests.load.recorder import Outcome
from tests.load.shapes import Limits, find
from tests.load.verdict import ANSWERS, HITS, Check, Compared, judged, recommendations, saturated

_CSS = Path(__file__).with_name("page.css")
_MARKS = {"met": ("●", look.OK), "held at a share": ("●", look.OK), "missed": ("■", look.CRITICAL)}
_SHAPES = {
    "met": '<circle class="met" cx="5" cy="5" r="5"/>', "held at a share": '<circle class="met" cx="5" cy="5" r="5"/>',
    "missed": '<rect class="missed" width="10" height="10"/>',
}  # fmt: skip
TIMES = " ×"  # noqa: RUF001  # the sign of multiplication, as people write it
_UNSURE = '<path class="unsure" d="M5,0L10,10L0,10Z"/>'


_ASKED = ("api", "websocket")  # whose requests and messages the design counts


@dataclass
class Report:
    """A run: `marks` are Unix times with words; `title` what it was."""

    title: str
    command: str
    began: float
    outcomes: list[Outcome]
    environment: dict[str, Any]
    compared: list[Compared] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def checks(self) -> list[Check]:
        """Every figure that is wanted."""
        return judged(self.outcomes)

    @property
    def overall(self) -> dict[str, Any]:
        """All tests as one, as the design counts them.

        Requests are those of the API and messages of the WebSocket; the mean is of the means of API, WebSocket and database; the
        error rate is the worst, the throughput the least. None of what was not run.
        """
        asked = [one.latency.count for one in self.outcomes if one.name in _ASKED]
        means = [one.latency.mean for one in self.outcomes if one.name in (*_ASKED, "database")]
        return {
            "seconds": sum(one.seconds for one in self.outcomes),
            "requests": sum(asked) if asked else None,
            "mean_ms": sum(means) / len(means) if means else None,
            "error_rate": max((one.error_rate for one in self.outcomes), default=None),
            "throughput": min((one.achieved for one in self.outcomes), default=None),
            "success": bool(self.checks) and all(check.good for check in self.checks),
        }

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "title": self.title, "command": self.command, "date": datetime.fromtimestamp(self.began, UTC).isoformat(),
            "environment": self.environment,
            "overall": self.overall,
            "checks": [asdict(check) | {"good": check.good} for check in self.checks],
            "recommendations": recommendations(self.outcomes, self.checks),
            "compared": [asdict(one) for one in self.compared],
            "marks": self.marks, "tests": [one.as_dict() for one in self.outcomes],
        } | self.extra  # fmt: skip


def overall(report: Report) -> str:
    """All tests as one, in a line."""
    told = report.overall
    words = [f"{told['seconds']:.0f} s"]
    if told["requests"] is not None:
        words.append(f"{told['requests']:,} requests and messages")
    if told["mean_ms"] is not None:
        words.append(f"mean {figure(told['mean_ms'])} ms")
    if told["error_rate"] is not None:
        words.append(f"errors {figure(100 * told['error_rate'])} % at worst, {figure(told['throughput'])}/s at least")
    return f"Overall: {', '.join(words)}: {'success' if told['success'] else 'no success'}"


def scale(outcome: Outcome) -> str:
    """At which part of the design a test ran."""
    share = "" if outcome.share == 1 else f", {100 * outcome.share:g} % of its users and rates"
    return f"{100 * outcome.factor:.3g} % of the design's time{share}"


def table(found: Sequence[Check]) -> Table:
    """The verdict for a terminal."""
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("TEST", "WHAT", "FOUND", "WANTED", "FACTOR", ""):
        shown.add_column(heading, no_wrap=True, justify="left" if heading in ("TEST", "WHAT", "") else "right")
    for check in found:
        mark, colour = _MARKS.get(check.word, ("▲", look.UNKNOWN))
        wanted = f"{'≥' if _least(check) else '≤'} {figure(check.wanted)} {check.unit}"
        shown.add_row(
            check.test,
            check.what,
            f"{figure(check.found)} {check.unit}",
            wanted,
            f"{figure(check.factor)}{TIMES}",
            f"[{colour}]{mark}[/] {check.word}",
        )
    return shown


def _least(check: Check) -> bool:
    return check.what in (HITS, ANSWERS)


def sentence(report: Report) -> str:
    """One line for people."""
    words = [check.word for check in report.checks]
    bad = [f"{check.test} {check.what}" for check in report.checks if not check.good]
    told = "all is met" if words and not bad else f"not met: {', '.join(bad)}" if bad else "nothing was judged"
    return f"{report.title}: {len(words) - len(bad)} of {len(words)} figures good; {told}"


def rates(outcome: Outcome) -> str:
    """Offered, sent and achieved, in words."""
    if outcome.open_loop:
        return f"offered {figure(outcome.offered)}/s, sent {figure(outcome.sent)}/s, achieved {figure(outcome.achieved)}/s"
    return f"offered {figure(outcome.offered)} clients, came {figure(outcome.sent)}, achieved {figure(outcome.achieved)}/s"


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Writes both files; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.fromtimestamp(report.began, UTC):%Y-%m-%d-%H%M%S}"
    told, shown = folder / f"{stem}.json", folder / f"{stem}.html"
    told.write_text(json.dumps(report.as_dict(), indent=1), encoding="utf-8")
    shown.write_text(page(report), encoding="utf-8")
    return told, shown


def page(report: Report) -> str:
    """The page."""
    when = datetime.fromtimestamp(report.began, UTC)
    head = (
        f"<h1>{escape(report.title)}</h1><p>{escape(sentence(report))}</p><p>{escape(overall(report))}</p>"
        f'<p class="dim"><time datetime="{when.isoformat()}">{when:%Y-%m-%d %H:%M} UTC</time>'
        f" · <code>{escape(report.command)}</code></p>"
    )
    tests = "".join(_test(report, one) for one in report.outcomes)
    body = head + _verdict(report) + _recommended(report) + _compared(report) + tests + _environment(report.environment)
    return document(report.title, body)


def document(title: str, body: str) -> str:
    """A page of its own, with the styles of all of them and nothing from elsewhere; `body` is HTML already."""
    css = _CSS.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><link rel="icon" href="data:,">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{css}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def rows(headings: Sequence[str], found: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table; cells are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in found)
    return f'<div class="scroll"><table class="{kind}"><tr>{head}</tr>{body}</table></div>'


def _verdict(report: Report) -> str:
    found = [
        (
            escape(check.test), escape(check.what), f"{figure(check.found)} {check.unit}",
            f"{'≥' if _least(check) else '≤'} {figure(check.wanted)} {check.unit}", f"{figure(check.factor)}{TIMES}",
            f'<svg class="mark-icon" viewBox="0 0 10 10">{_SHAPES.get(check.word, _UNSURE)}</svg>{escape(check.word)}',
        )
        for check in report.checks
    ]  # fmt: skip
    return "<h2>Verdict</h2>" + rows(("test", "what", "found", "wanted", "factor", ""), found, "wide named")


def _recommended(report: Report) -> str:
    told = recommendations(report.outcomes, report.checks)
    full = [f"{one.title}: {what}" for one in report.outcomes for what in saturated(one)]
    shown = "<h2>What follows</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in told) + "</ul>" if told else ""
    return shown + (
        "<h2>What was saturated</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in full) + "</ul>" if full else ""
    )


def _compared(report: Report) -> str:
    if not report.compared:
        return ""
    found = [
        (escape(one.test), escape(one.what), figure(one.before), figure(one.now), f"{one.ratio:.2f}{TIMES}")
        for one in report.compared
    ]
    return "<h2>Beside the baseline</h2>" + rows(("test", "what", "before", "now", "worse by"), found)


def _test(report: Report, one: Outcome) -> str:
    test = find(one.name)
    marks = [(at - one.began, words) for at, words in report.marks if 0 < at - one.began < one.seconds]
    limits = test.limits if test else Limits()
    drawn = [
        plots.distribution(one.curve, limits.p95),
        plots.lines("Requests" if one.open_loop else "Answers", "a second", _whole(one, "sent", "answered"), marks=marks),
        plots.lines("Mean latency", "ms", _whole(one, "mean"), limit=limits.mean, marks=marks),
        plots.lines("Failures", "a second", _whole(one, "failed"), marks=marks),
        *(plots.lines(plot["title"], plot["unit"], plot["lines"], marks=marks) for plot in one.resources.get("series", [])),
    ]
    kinds = [
        (escape(kind), *_cells(told)) for kind, told in (one.kinds | {f"{k} (beside)": v for k, v in one.beside.items()}).items()
    ]
    bad = ", ".join(f"{escape(reason)}: {count:,}" for reason, count in one.reasons.items()) or "none"
    lost = f"; messages lost {one.lost:,}, doubled {one.doubled:,}" if one.unit == "messages" else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in one.notes)
    return (
        f"<h2>{escape(one.title)}</h2><p>{figure(one.users)} users, {one.seconds:.0f} s, {scale(one)}: {escape(rates(one))}. "
        f"Generator: {one.generator:.2f} cores, latest start {figure(one.late)} ms late.</p><p>Failures: {bad}{lost}</p>{notes}"
        + rows((one.unit, "count", "mean, ms", "p50", "p95", "p99", "p99.9", "longest"), kinds)
        + f'<div class="plots">{"".join(drawn)}</div>'
    )


def _cells(told: Any) -> list[str]:
    return [f"{told.count:,}", *(figure(value) for value in (told.mean, told.p50, told.p95, told.p99, told.p999, told.longest))]


def _whole(one: Outcome, *names: str) -> dict[str, Any]:
    """Lines without their last second, which is no whole one."""
    last = max(1, int(one.seconds))
    found = {name: [point for point in one.seen[name] if point[0] < last] for name in names if one.seen[name]}
    return {name if len(found) > 1 else "": points for name, points in found.items()}


def _environment(told: dict[str, Any]) -> str:
    return "<h2>Where</h2>" + rows(("", ""), [(escape(name), escape(str(value))) for name, value in told.items()], "wide")
