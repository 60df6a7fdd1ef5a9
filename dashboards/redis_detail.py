"""The lower rows of Redis: persistence, keys and streams by pattern, replication, cluster, Sentinel."""

from __future__ import annotations

from dashboards.layout import Cell, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics.model import Unit
from metrics.redis import commands, keys, persistence, replication
from metrics.redis import signals as ask

_INSTANCE = ("instance",)


def rows(panels: Panels) -> list[Row]:
    """The rows, folded."""
    return [_persistence(panels), _patterns(panels), _replication(panels)]


def _row(title: str, found: list[Panel]) -> Row:
    return Row(title, [Cell(panel, width=8) for panel in found], folded=True)


def _persistence(panels: Panels) -> Row:
    found = [
        panels.statetimeline(
            "Last snapshots succeeded",
            "1 while the last snapshot (RDB) succeeded. Normal: 1. 0: the server's log says why; by default it refuses "
            "writes.",
            Query(ask.SAVE),
            states=States("succeeded", "FAILED"),
        ),
        panels.timeseries(
            "Changes since the last snapshot",
            "Changes that no snapshot holds. Normal: falls back at each snapshot. On a server without snapshots it only "
            "grows.",
            Query(persistence.CHANGES.select().max(by=_INSTANCE)), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Snapshots' age",
            "Age of the last snapshot, of servers that save by themselves and have changed since. Normal: below the longest "
            "interval of `save`.",
            Query(ask.SAVE_AGE),
        ),
        panels.statetimeline(
            "Append-only files written",
            "1 while the last write and the last rewrite of the append-only file succeeded. Normal: 1; empty without such a "
            "file.",
            Query(ask.AOF),
            states=States("written", "FAILS"),
        ),
        panels.timeseries(
            "Append-only files' size",
            "Size of the append-only file, and after its last rewrite. Normal: grows, and falls at each rewrite. Only grows: "
            "its rewrites fail, see Append-only files written.",
            Query(persistence.AOF_SIZE.select().max(by=_INSTANCE), "{{instance}} now"),
            Query(persistence.AOF_BASE.select().max(by=_INSTANCE), "{{instance}} rewritten"),
            unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Stops by forks",
            "How long the last fork, for a snapshot or a rewrite, stopped the server. Normal: milliseconds a GB. Longer: "
            "switch transparent huge pages off on that machine, or let a replica take the snapshots.",
            Query(persistence.FORK_SECONDS.select().max(by=_INSTANCE)), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Latency spikes",
            "The last spike of each kind of event. Normal: empty. Empty unless latency-monitor-threshold is set. `fork`, "
            "`aof-…`: the disk.",
            Query(commands.SPIKE.select().max(by=("instance", "event_name")).topk(MAX_SERIES), "{{instance}} {{event_name}}"),
            unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return _row("Persistence", found)


def _patterns(panels: Panels) -> Row:
    stream, group = ("instance", "db", "stream"), ("instance", "stream", "group")
    found = [
        panels.timeseries(
            "Keys by pattern",
            "Keys that match the patterns of site.yaml (exporters.redis.targets[].counts). Normal: flat, or in step with what "
            "is stored. Only rises: whoever writes them gives them no end.",
            Query(keys.COUNT.select().max(by=("instance", "db", "key")).topk(MAX_SERIES), "{{instance}} {{db}} {{key}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Age of these counts",
            "How long ago all keys had been looked at. Normal: below a few scrapes. Grows with the number of keys: "
            "exporters.redis.scan_keys a scrape.",
            Query(keys.AGE.select().max(by=("instance", "db", "key")).topk(MAX_SERIES), "{{instance}} {{db}} {{key}}"),
            unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Largest keys",
            "Memory of the keys that site.yaml names (exporters.redis.targets[].keys), the largest. Normal: flat. Grows: a "
            "list, set or stream that nobody trims (LTRIM, EXPIRE, XTRIM).",
            Query(keys.MEMORY.select().max(by=("instance", "db", "key")).topk(MAX_SERIES), "{{instance}} {{db}} {{key}}"),
            unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Stream lengths",
            "Entries of the streams that site.yaml names (exporters.redis.targets[].streams), the longest. Normal: flat. Only "
            "rises: give XADD a MAXLEN, or trim by XTRIM.",
            Query(keys.LENGTH.select().max(by=stream).topk(MAX_SERIES), "{{instance}} {{db}} {{stream}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Stream entries added",
            "Entries added a second, the most. Normal: as its writers send. 0: its writers are away. A jump: one writes in a "
            "loop.",
            Query(keys.ADDED.rate().sum(by=stream).topk(MAX_SERIES), "{{instance}} {{db}} {{stream}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Consumer groups behind",
            "Entries that wait to be delivered to a group, and that its consumers have not confirmed. Normal: near 0. Waiting "
            "grows: add consumers. Unconfirmed grows: a consumer died with entries; XAUTOCLAIM gives them to another.",
            Query(keys.LAG.select().max(by=group).topk(MAX_SERIES), "{{instance}} {{stream}} {{group}} waiting"),
            Query(keys.PENDING.select().max(by=group).topk(MAX_SERIES), "{{instance}} {{stream}} {{group}} unconfirmed"),
            unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return _row("Keys and streams by pattern", found)


def _replication(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Replicas",
            "Replicas that are connected to each primary. Normal: as many as there should be. Fewer: the log of the missing "
            "one tells why; Links to primaries tells since when.",
            Query(replication.REPLICAS.select().max(by=_INSTANCE)), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Lag of replicas",
            "How long ago each replica last confirmed what it has. Normal: 0 to 1 s.",
            Query(ask.LAG, "{{instance}} {{slave_ip}}:{{slave_port}}"),
        ),
        panels.statetimeline(
            "Links to primaries",
            "1 while a replica is connected to its primary. Normal: 1; empty without a replica. 0: it serves the past.",
            Query(ask.LINK, "{{instance}} {{master_host}}:{{master_port}}"),
            states=States("up", "LOST"),
        ),
        panels.timeseries(
            "Full copies sent",
            "Replicas that were sent everything, and that could go on, within an hour. Normal: 0; one when a replica is "
            "new. Many full ones: the backlog is small.",
            Query(replication.FULL_SYNCS.select().over("delta", "1h").max(by=_INSTANCE), "{{instance}} full"),
            Query(replication.PARTIAL_SYNCS.select().over("delta", "1h").max(by=_INSTANCE), "{{instance}} partial"),
            unit=Unit.COUNT,
        ),
        panels.statetimeline(
            "Clusters",
            "1 while the cluster answers, as each node sees it. Normal: 1; empty without a cluster.",
            Query(ask.CLUSTER),
            states=States("ok", "FAILS"),
        ),
        panels.statetimeline(
            "Failovers possible",
            "1 while enough Sentinels are there for a failover of the primary. Normal: 1; empty without a Sentinel.",
            Query(ask.QUORUM, "{{instance}} {{master_name}}"),
            states=States("possible", "NO"),
        ),
    ]  # fmt: skip
    return _row("Replication, cluster, Sentinel", found)
