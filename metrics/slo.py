"""Service level objectives: what share of events has to be good for users, and how good and bad are counted.

Each is declared once, here; settings, rules, panels and pages read it. An objective is a percentage of good events over 30 days.
`bad` and `total` are events a second over 5 min, per cluster: from them every window's ratio is made (`metrics/slo_signals.py`).
The limits are those of the targets in `docs/guides/load-testing.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrics import analysis, app, cache, database, feed, probe, websocket
from metrics.model import Histogram
from metrics.query import Expr, Rate, Selector

CLUSTER = ("cluster",)
LEAST = 94.0  # below it a burn rate of 14.4, that of the fastest alert, could not be reached: 14.4 x 7 % is above 100 %
MOST = 99.999  # 26 seconds in 30 days
_ROUTES = "=~/api/.+"
# Tries of the probe that no server has counted, because it had no answer for them.
_UNANSWERED = "=~certificate|dns|expired|lost|refused|timeout|tls|unreachable"
_UPKEEP = "!~figures|maintain|optimize"  # may take as long as it does
_UNDELIVERED = "=~timeout|unusable|failed"  # to a client that has left nothing is lost
_HOLES = "=~history|epoch|dropped"  # not "conflated": the newest value came


@dataclass(frozen=True, eq=False)
class Slo:
    """One objective.

    `name` is the value of the label `slo` and the key in site.yaml. `objective` is in percent. `means` says what users get when
    it is kept, `misses` what it cannot see. One that `pages` is felt by users; the others are causes, and wait for the day.
    """

    name: str
    title: str
    objective: float
    bad: Expr
    total: Expr
    means: str
    misses: str
    pages: bool = True


def _slower(histogram: Histogram, limit: str, **matchers: str) -> tuple[Expr, Expr]:
    """Observations a second above `limit`, one of the histogram's bounds as its label `le` writes it; and all of them."""
    if float(limit) not in histogram.buckets:
        raise ValueError(f"{histogram.name} has no bucket {limit}: take one of {histogram.buckets}")
    total = histogram.rate("5m", **matchers).sum(by=CLUSTER)
    bucket = Selector(histogram, f"{histogram.name}_bucket", (*matchers.items(), ("le", limit)))
    return (total - Rate("rate", bucket, "5m").sum(by=CLUSTER)).apply("clamp_min", "0"), total


_NOT_ANSWERED = probe.FAILURES.rate("5m", endpoint="=~" + "|".join(probe.API), cause=_UNANSWERED)
_SLOW_ANSWERS, _ANSWERS = _slower(app.DURATION, "0.5", route=_ROUTES)
_SLOW_DELIVERIES, _DELIVERIES = _slower(websocket.PUBLISH_TO_SOCKET, "0.05")
_SLOW_QUERIES, _QUERIES = _slower(database.DURATION, "0.2", operation=_UPKEEP)
_SLOW_PREDICTIONS, _PREDICTIONS = _slower(analysis.DURATION, "0.05")
_LOST = (
    websocket.DROPPED.rate("5m", reason=_UNDELIVERED)
    .binary("or", websocket.QUEUED.rate("5m", result="full"), "")
    .binary("or", websocket.GAPS.rate("5m", reason=_HOLES), "")
)
_STALENESS = feed.STALE.select().over("avg_over_time", "5m").max(by=("cluster", "source"))

SLOS = (
    Slo(
        "api_availability",
        "API availability",
        99.95,
        app.REQUESTS.rate("5m", route=_ROUTES, code="5xx").binary("or", _NOT_ANSWERED, "").sum(by=CLUSTER),
        app.REQUESTS.rate("5m", route=_ROUTES, code="!=1xx").binary("or", _NOT_ANSWERED, "").sum(by=CLUSTER),
        "Requests to the API are answered, and not with 5xx.",
        "Answers that are wrong but 200. While no server answers, the probe's tries are all that counts.",
    ),
    Slo(
        "api_latency",
        "API latency",
        95.0,
        _SLOW_ANSWERS,
        _ANSWERS,
        "Requests to the API are answered within 500 ms.",
        "The network between client and server; requests that wait for a free socket.",
    ),
    Slo(
        "delivery_latency",
        "Delivery latency",
        95.0,
        _SLOW_DELIVERIES,
        _DELIVERIES,
        "Messages reach the sockets of the stream's clients within 50 ms after they were published.",
        "The network to the client; what a slow client reads late.",
    ),
    Slo(
        "delivery_loss",
        "Delivery without loss",
        99.9,
        _LOST.sum(by=CLUSTER),
        websocket.DELIVERIES.rate("5m").binary("or", _LOST, "").sum(by=CLUSTER),
        "Messages that are published reach their clients.",
        "Values that a slow client gets conflated, as the protocol says; losses behind the server; the length of a gap.",
    ),
    Slo(
        "database_latency",
        "Database latency",
        95.0,
        _SLOW_QUERIES,
        _QUERIES,
        "Queries of the workload take at most 200 ms.",
        "The wait for a connection of the pool; queries that failed at once; maintenance.",
        pages=False,
    ),
    Slo(
        "cache_hits",
        "Cache hits",
        95.0,
        cache.REQUESTS.rate("5m", source="=~none|error").sum(by=CLUSTER),
        cache.REQUESTS.rate("5m").sum(by=CLUSTER),
        "Questions to the cache are answered by one of its layers.",
        "Whether the value was still true; which keys were asked for.",
        pages=False,
    ),
    Slo(
        "feed_freshness",
        "Feed freshness",
        99.5,
        _STALENESS.sum(by=CLUSTER),
        _STALENESS.count(by=CLUSTER),
        "Each source of the feed has sent a good message within its stale_after (events are seconds of sources).",
        "A source that goes on sending, but old or wrong figures; the time in which no stream server runs.",
    ),
    Slo(
        "answer_time",
        "Model answer time",
        95.0,
        _SLOW_PREDICTIONS,
        _PREDICTIONS,
        "The models answer within 50 ms.",
        "Questions without an answer (API availability counts them); how good an answer is.",
    ),
)
PAGING = tuple(slo.name for slo in SLOS if slo.pages)
