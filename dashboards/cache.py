"""Cache Performance: who answers, what is held and thrown out, what loading costs, and whether all layers work."""

from __future__ import annotations

from dashboards import layout
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import Panels, Query, States
from metrics import cache, stream_signals
from metrics.model import Unit
from metrics.query import Rate, Selector
from metrics.stack import DASHBOARD_CACHE
from settings import Site

_ORIGINAL_WINDOW = "5m"  # of the rates of the original vocabulary


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the processes that have a cache."""
    panels = Panels(site)
    return layout.dashboard(
        site,
        [_fine(panels), _answers(panels), _held(panels), _loading(panels), _layers(panels), _warming(panels)],
        uid=DASHBOARD_CACHE,
        title="Cache Performance",
        description="The cache of three layers: memory, Redis, edge.",
        source=cache.ENTRIES,
    )


def _original(name: str) -> Rate:
    return Rate("rate", Selector(None, name), _ORIGINAL_WINDOW)


def _row(title: str, panels: list[Panel], width: int = 8, *, folded: bool = False) -> Row:
    return Row(title, [Cell(panel, width=width) for panel in panels], folded=folded)


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Hit ratio now",
            "The share of questions that a layer answered. Normal: above 95 % for hot data. See Who answers.",
            Query(stream_signals.HIT_RATIO, "hit ratio"), none="nobody asks",
        ),
        panels.stat(
            "Layers left alone",
            "Layers that do not answer and are not asked until they do. Normal: 0. See Left alone.",
            Query(cache.BREAKER_OPEN.select().sum(), "layers"), unit=Unit.COUNT, worse_above=1,
        ),
        panels.stat(
            "Processes in step",
            "Whether every process hears of the others' writes. Normal: yes. NO: its memory may hold values up to "
            "cache.memory.ttl old.",
            Query(cache.COHERENT.select().min(), "in step"), unit=Unit.BOOL, states=States("yes", "NO"),
        ),
        panels.stat(
            "Loads now, p95",
            "How long loaders take for 95 % of what is missing. Normal: a query's time, below 200 ms. Longer: Duration by "
            "operation of Database Performance names the query.",
            Query(cache.LOAD_DURATION.quantile(0.95), "p95"), unit=Unit.SECONDS, none="nothing is loaded",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _answers(panels: Panels) -> Row:
    hits, misses = cache.HITS.rate().sum(by=("layer",)), cache.MISSES.rate().sum(by=("layer",))
    return _row("Who answers", [
        panels.timeseries(
            "Hit Ratio",
            "The share of questions that a layer answered. Normal: above 95 % for hot data. A fall: a layer is away, values end "
            "too soon, or keys that nobody had before are asked for.",
            Query(stream_signals.HIT_RATIO),
        ),
        panels.timeseries(
            "Hits",
            "Questions answered a second by layer, over 5 min. Normal: memory far above Redis, the edge near 0. Redis near "
            "memory: values leave memory too early, see Evictions.",
            Query(_original("cache_hit_count").sum(by=("layer",)), "{{layer}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Misses",
            "Questions a second that a layer passed on, over 5 min; those of the last layer are loaded. Normal: few beside "
            "the questions that were answered. A rise in all layers: values end too early, or what does not exist is asked "
            "for (`absent` of Loads).",
            Query(_original("cache_miss_count").sum(by=("layer",)), "{{layer}}"), unit=Unit.PER_SECOND,
        ),
        panels.bargauge(
            "Hit ratio by layer",
            "The share of what a layer was asked that it answered itself. Normal: memory most; Redis less, for it is asked what "
            "memory had not; the edge least. An empty bar: the layer is away or was emptied.",
            Query(hits / (hits + misses).compare(">", 0), "{{layer}}"), unit=Unit.RATIO, most=1, none="nobody asks",
        ),
        panels.timeseries(
            "Answers by source",
            "Questions a second by who answered. Normal: nearly all from memory or Redis, `error` 0. `none` is loaded or "
            "goes without; `error`: nothing found, a layer failed.",
            Query(cache.REQUESTS.rate().sum(by=("source",)), "{{source}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Time of a question, p99",
            "How long one layer took for 99 % of its questions. Normal: memory microseconds, Redis below 1 ms, the edge a "
            "few. Redis longer: Latency by command of the dashboard Redis. The edge: `make logs s=edge`.",
            Query(cache.LATENCY.quantile(0.99, by=("layer",), operation="get"), "{{layer}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Time of writes and removals, p99",
            "The same of `set` and `invalidate`. Normal: Redis below 2 ms; the edge fetches each new value. Redis longer: see "
            "Slow commands of the dashboard Redis.",
            Query(
                cache.LATENCY.quantile(0.99, by=("layer", "operation"), operation="=~set|invalidate"), "{{layer}} {{operation}}"
            ), unit=Unit.SECONDS,
        ),
    ])  # fmt: skip


def _held(panels: Panels) -> Row:
    return _row("What is held", [
        panels.timeseries(
            "Values",
            "Values in the memory of all processes. Normal: at the limit (cache.memory.items a process) when busy. Far below "
            "while busy: Evictions and Invalidations tell why values go.",
            Query(cache.SIZE, scope=("cluster",)),
        ),
        panels.timeseries(
            "Size",
            "Their encoded size; as objects they take several times as much. Normal: flat once it is warm. Below "
            "cache.memory.bytes a process.",
            Query(cache.BYTES.select().sum(by=("instance",))), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Evictions",
            "Values that left memory a second, over 5 min. Normal: `expired` only. `items`, `bytes`: the limit is reached; "
            "raise it if Redis answers much. `expired`: past their time.",
            Query(_original("cache_eviction_count").sum(by=("cause",)), "{{cause}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Invalidations",
            "Values removed a second because they were no longer true, by layer. Normal: in step with what is written. More "
            "than is written (Rows written of Database Performance): a program removes in a loop.",
            Query(cache.INVALIDATIONS.rate().sum(by=("layer",)), "{{layer}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Stale answers",
            "Answers a second past their time, while the value was loaded anew. Normal: few. Many: loaders are slower than "
            "values live.",
            Query(cache.STALE.rate().sum(), "stale"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "The feed's values",
            "Values that wait to be written, and those that never were (a second). Normal: as many as symbols; 0. Dropped, or "
            "waiting that only rises: Redis does not take them; see Errors.",
            Query(cache.SINK_WAITING.select().sum(), "waiting"),
            Query(cache.SINK_DROPPED.rate().sum(), "dropped"), unit=Unit.COUNT,
        ),
    ])  # fmt: skip


def _loading(panels: Panels) -> Row:
    return _row("Loading", [
        panels.timeseries(
            "Loads",
            "Loaders that ran, a second. Normal: few, nearly all of them loaded; `failed` 0. `failed`: the database or a "
            "model refused; `absent`: asked for what there is not.",
            Query(cache.LOADED.rate().sum(by=("result",)), "{{result}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Loads spared",
            "Loads a second that did not run because the same value was being loaded, here or by another process. Normal: "
            "near 0; a spike when a hot value ends. Many all the time: loaders are slow, see Time of a load.",
            Query(cache.COALESCED.rate().sum(by=("scope",)), "{{scope}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Time of a load",
            "How long loaders took: mean, and 95 % of them. Normal: a query's time. Longer: Database Performance tells "
            "whether the data store is slow or waits.",
            Query(cache.LOAD_DURATION.mean(), "mean"), Query(cache.LOAD_DURATION.quantile(0.95), "p95"), unit=Unit.SECONDS,
        ),
        panels.heatmap(
            "Spread of loads",
            "How many loads took how long. Normal: one band, a query's time. A second band: the database waits for something.",
            cache.LOAD_DURATION, none="nothing was loaded",
        ),
    ], width=12)  # fmt: skip


def _layers(panels: Panels) -> Row:
    return _row("Layers", [
        panels.timeseries(
            "Errors",
            "Operations a second that a layer failed. Normal: 0. `timeout`: longer than its limit in site.yaml; `poisoned`: "
            "what it held was damaged and was deleted: somebody else writes there.",
            Query(cache.ERRORS.rate().sum(by=("layer", "kind")).topk(8), "{{layer}} {{kind}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Left alone",
            "Processes that do not ask a layer now. Normal: 0. More: `make logs s=cache-redis` for redis, `make logs s=edge` "
            "for cdn.",
            Query(cache.BREAKER_OPEN.select().sum(by=("layer",)), "{{layer}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Times left alone",
            "How often a layer's failure made a process leave it alone, within an hour. Normal: 0. A few with nothing else: "
            "the machine is busier than the limit allows (cache.redis.timeout).",
            Query(cache.BREAKER_OPENED.increase("1h").sum(by=("layer",)), "{{layer}}"), unit=Unit.COUNT,
        ),
    ], folded=True)  # fmt: skip


def _warming(panels: Panels) -> Row:
    return _row("Warming", [
        panels.timeseries(
            "Keys warmed",
            "Keys that warming looked at within an hour, by result. Normal: mostly `fresh`, `failed` 0. `fresh`: the feed "
            "had written them; `failed`: the database was away.",
            Query(cache.WARMED.increase("1h").sum(by=("result",)), "{{result}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Keys that wait",
            "Keys that wait to be warmed, by kind. Normal: 0 but for moments. A line that stays: loaders hang.",
            Query(cache.WARM_WAITING.select().sum(by=("kind",)), "{{kind}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Time of a round, mean",
            "How long a scheduled round took by kind. Normal: well below a second, and flat. Longer: what it loads is slow, "
            "see Time of a load.",
            Query(cache.WARM_DURATION.mean(by=("kind",)), "{{kind}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Time since the last good round",
            "How long ago a round of each kind last ended without a failed key. Normal: a saw below 5, 10, 15 or 30 min. A ramp: "
            "the database or Redis is away.",
            Query(stream_signals.SINCE_WARMED, "{{kind}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Processes that warm",
            "How many processes warm on schedule. Normal: 1. 0: Redis is away, or warming is off in site.yaml.",
            Query(cache.WARM_LEADER.select().sum(), "processes"), unit=Unit.COUNT,
        ),
    ], folded=True)  # fmt: skip
