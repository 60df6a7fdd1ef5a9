"""Measured against wanted; and what to do, with the evidence from this run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.load.plots import figure
from tests.load.recorder import Outcome
from tests.load.shapes import LoadTest, find

Word = Literal["met", "missed", "generator-limited", "held at a share", "interrupted"]
HITS, ANSWERS = "hit ratio of hot keys", "answers a second"  # figures of which more is better
# From where on something counts as saturated. A process of one loop at 0.82 of a core keeps up, at 0.89 it does not: seen.
BUSY, ONE_CORE, POOL, OTHERS = 90.0, 0.85, 45.0, 0.3


@dataclass(frozen=True)
class Check:
    """One figure: what was found and wanted. `factor` above 1: so many times better than wanted."""

    test: str
    what: str
    unit: str
    found: float
    wanted: float
    factor: float
    word: Word

    @property
    def good(self) -> bool:
        """Whether nothing speaks against it."""
        return self.word in ("met", "held at a share")


def _word(outcome: Outcome, *, kept: bool) -> Word:
    if outcome.interrupted:
        return "interrupted"
    if not kept:
        return "missed"
    if outcome.held_back:
        return "generator-limited"
    return "met" if outcome.share == 1 else "held at a share"


def checks(outcome: Outcome, test: LoadTest) -> list[Check]:
    """Every figure that is wanted of a test."""
    limits, latency = test.limits, outcome.latency

    def worst(value: float) -> float:  # no answer at all is no fast one
        return value if latency.count else float("inf")

    most: list[tuple[str, str, float, float | None]] = [
        ("mean", "ms", worst(latency.mean), limits.mean),
        ("p95", "ms", worst(latency.p95), limits.p95),
    ]
    most.append(("errors", "%", 100 * outcome.error_rate, 100 * limits.errors))
    found = [
        Check(outcome.label, what, unit, value, limit, limit / max(value, limit / 1000), _word(outcome, kept=value <= limit))
        for what, unit, value, limit in most
        if limit is not None
    ]
    if limits.hit_ratio is not None:
        ratio, wanted = 100 * (outcome.hit_ratio or 0.0), 100 * limits.hit_ratio
        found.append(Check(outcome.label, HITS, "%", ratio, wanted, ratio / wanted, _word(outcome, kept=ratio > wanted)))
    if limits.rate is not None:
        rate, wanted = outcome.achieved, limits.rate * outcome.share
        # An open loop sends what is wanted and no more: its answers reach that but for the last ones' time.
        kept = rate >= (0.99 * wanted if outcome.open_loop else wanted)
        found.append(Check(outcome.label, ANSWERS, "", rate, wanted, rate / wanted, _word(outcome, kept=kept)))
    return found


def judged(outcomes: Sequence[Outcome]) -> list[Check]:
    """The figures of all tests."""
    return [check for outcome in outcomes if (test := find(outcome.name)) for check in checks(outcome, test)]


def code(found: Sequence[Check]) -> int:
    """0: all is met; 1: something is missed; 3: the generator was too slow to tell."""
    words = {check.word for check in found}
    return 1 if "missed" in words else 3 if "generator-limited" in words else 0


def saturated(outcome: Outcome) -> list[str]:
    """What was at its limit, each with the evidence."""
    used, found = outcome.resources, []
    if outcome.generator >= ONE_CORE:
        found.append(f"the generator itself: it used {outcome.generator:.2f} cores; run it on a machine of its own")
    for name, cores in used.get("cores", {}).items():
        if cores >= ONE_CORE and name not in ("postgres", "edge"):
            more = ": see `stream.workers`" if name == "stream" else ""
            found.append(f"{name}: one process, {cores:.2f} cores{more}")
    if used.get("busy", 0.0) >= BUSY:
        most = ", ".join(f"{name} {cores:.2f}" for name, cores in list(used.get("cores", {}).items())[:3])
        found.append(f"the processors: {used['busy']:.0f} % busy (cores: generator {outcome.generator:.2f}, {most})")
    if used.get("others", 0.0) >= OTHERS:
        found.append(f"other work on this machine used {used['others']:.2f} cores: these are no figures of a quiet machine")
    for plot in used.get("series", []):
        if plot["title"].startswith("Connections"):
            peak = max((value for line in plot["lines"].values() for _, value in line), default=0)
            if peak >= POOL:
                found.append(f"the database's pools: {peak:.0f} connections in use")
    return found


# What the design recommends where a mean is above its limit.
_ADVICE = {
    "api": "caching and the database", "websocket": "connections and batching", "database": "indexes and queries",
    "ai": "caching and the database", "cache": "layers that fail", "peak": "caching and more workers",
    "crowd": "more workers", "edge": "more edges",
}  # fmt: skip


def recommendations(outcomes: Sequence[Outcome], found: Sequence[Check]) -> list[str]:
    """What follows, from what was measured alone; empty where nothing was missed."""
    told = []
    for outcome in outcomes:
        missed = [check for check in found if check.test == outcome.label and check.word == "missed"]
        if not missed:
            continue
        full = saturated(outcome)
        why = (
            f"saturated: {'; '.join(full)}"
            if full
            else f"nothing was saturated (processors {outcome.resources.get('busy', 0):.0f} % busy)"
        )
        what = ", ".join(f"{check.what} {figure(check.found)} {check.unit}".strip() for check in missed)
        advice = [] if all(check.what == "errors" for check in missed) else [f"look at {_ADVICE[outcome.name]}"]
        if any(check.what == "errors" for check in missed):
            reasons = ", ".join(f"{reason} ({count})" for reason, count in list(outcome.reasons.items())[:3])
            advice.append(f"look at error handling and retries: {reasons or f'{outcome.lost} lost'}")
        told.append(f"{outcome.title}: {what} missed; {why}: {' and '.join(advice)}")
    return told


@dataclass(frozen=True)
class Compared:
    """A figure beside an earlier run's; `ratio` above 1 is worse."""

    test: str
    what: str
    before: float
    now: float
    ratio: float


def compared(outcomes: Sequence[Outcome], baseline: Sequence[dict[str, object]]) -> list[Compared]:
    """Mean, p95 and answers a second beside those of a baseline's tests of the same name, factor and share."""
    earlier = {(one["name"], one["share"], one["factor"]): one for one in baseline}
    found = []
    for outcome in outcomes:
        before = earlier.get((outcome.name, outcome.share, outcome.factor))
        if before is None:
            continue
        latency = before["latency"]
        assert isinstance(latency, dict)
        for what, now, then in (("mean", outcome.latency.mean, latency["mean"]), ("p95", outcome.latency.p95, latency["p95"])):
            if then:
                found.append(Compared(outcome.name, what, then, now, now / then))
        rate = before["achieved"]
        if isinstance(rate, float) and outcome.achieved:
            found.append(Compared(outcome.name, "answers a second", rate, outcome.achieved, rate / outcome.achieved))
    return found
