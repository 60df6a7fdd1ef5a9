"""Why a panel has no data: what its query reads, when that was last seen, and what its scrape says.

`metric_names` and `explain` are pure; `why` asks Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from dashboards.preview.prometheus import Prometheus, QueryError
from metrics import catalog

_LOOK_BACK = "1d"
_MOST_METRICS = 3
_NOISE = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*')
_BRACES = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")
_WORDS = frozenset({
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan",
    "start", "end",
    "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "stddev", "stdvar", "group", "count_values",
})  # fmt: skip
_IN_BRACES = re.compile(r'__name__\s*=\s*"([^"]+)"')


class Seen(Struct, frozen=True):
    """When a metric's series of one target were last seen, in seconds."""

    job: str
    instance: str
    last: float


class ScrapeTarget(Struct, frozen=True, rename="camel"):
    """A target as Prometheus's targets API tells it."""

    labels: dict[str, str]
    health: str
    last_error: str = ""


class _Targets(Struct, frozen=True, rename="camel"):
    active_targets: list[ScrapeTarget]


def metric_names(expr: str) -> list[str]:
    """The metrics that a PromQL expression reads, in order of appearance."""
    names = _IN_BRACES.findall(expr)
    bare = _CLAUSE.sub(" ", _BRACES.sub(" ", _BRACES.sub(" ", _NOISE.sub('""', expr))))
    found = [name for name in _NAME.findall(bare) if name.lower() not in _WORDS and not re.fullmatch(r"\d.*|[eE]\d*", name)]
    return list(dict.fromkeys([*found, *names]))


async def why(prometheus: Prometheus, exprs: Sequence[str], at: float, offset_minutes: int = 0) -> str:
    """One sentence: why these queries found nothing in the range that ends at `at`. Never raises QueryError."""
    try:
        names = list(dict.fromkeys(name for expr in exprs for name in metric_names(expr)))[:_MOST_METRICS]
        silent = [name for name in names if not await prometheus.instant(f"count({name})", at)]
        if not silent:
            return _filtered(names)
        targets = (await prometheus.get("targets", _Targets, state="active")).active_targets
        return explain(silent[0], await _last_seen(prometheus, silent[0], at), targets, at, offset_minutes)
    except QueryError as error:
        return f"no data; why is not known, because {error}"


async def _last_seen(prometheus: Prometheus, name: str, at: float) -> list[Seen]:
    expr = f"max by (job, instance) (max_over_time(timestamp({name})[{_LOOK_BACK}:1m]))"
    found = await prometheus.instant(expr, at)
    return [
        Seen(series.metric.get("job", ""), series.metric.get("instance", ""), float(series.value[1]))
        for series in found
        if series.value
    ]


def explain(name: str, seen: Sequence[Seen], targets: Sequence[ScrapeTarget], at: float, offset_minutes: int = 0) -> str:
    """Why a metric has no series now: where and when it was last seen, and what the scrape of that target says."""
    declared = catalog.find(name)
    if declared and declared.absent:
        return f"{name} has no series: {declared.absent}"
    if not seen:
        failing = [target for target in targets if target.health == "down"]
        return f"metric {name} has no series in the day before this range's end" + _failing(failing)
    newest = max(seen, key=lambda one: one.last)
    since = clock(newest.last, at, offset_minutes)
    where = f"job {newest.job}, instance {newest.instance}"
    wanted = (newest.job, newest.instance)
    own = next((one for one in targets if (one.labels.get("job"), one.labels.get("instance")) == wanted), None)
    if own is None:
        return f"no data since {since}: Prometheus no longer scrapes {where}"
    if own.health == "down":
        return f"no data since {since}, scrape of {where} fails: {scrape_error(own.last_error)}"
    return f"no data since {since}: {where} answers, but no longer with {name}"


def _failing(failing: Sequence[ScrapeTarget]) -> str:
    if not failing:
        return ""
    first = failing[0]
    more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
    return f"; a target that may expose it is down: job {first.labels.get('job')}, {scrape_error(first.last_error)}{more}"


def _filtered(names: Sequence[str]) -> str:
    if not names:
        return "the query has no result in this range"
    has = "has series" if len(names) == 1 else "have series"
    why_none = "its matchers, variables or comparison leave nothing, or a rate still waits for its second sample"
    return f"{', '.join(names)} {has}, but this query keeps none of them: {why_none}"


def scrape_error(words: str) -> str:
    """Prometheus's words for a failed scrape without the address, which is told already."""
    return re.sub(r'^(?:Get "[^"]*": )?(?:dial tcp [^ ]+: )?(?:connect: )?', "", words) or "no reason given"


def clock(moment: float, now: float, offset_minutes: int) -> str:
    """A time on the observer's clock; with its date when it is not of today."""
    zone = timezone(timedelta(minutes=offset_minutes))
    then, today = datetime.fromtimestamp(moment, zone), datetime.fromtimestamp(now, zone)
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"
