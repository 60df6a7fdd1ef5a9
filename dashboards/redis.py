"""Redis: the servers from outside: are they there, have they room, are they quick, do they keep what they hold."""

from __future__ import annotations

from dataclasses import replace

from dashboards import layout, redis_detail
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics import stack
from metrics.model import Unit
from metrics.redis import commands, keys, memory, server, stats
from metrics.redis import signals as ask
from settings import Site, look


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the servers."""
    panels = Panels(site)
    rows = [_fine(panels), _traffic(panels), _memory(panels), _commands(panels), *redis_detail.rows(panels)]
    return layout.dashboard(
        site,
        rows,
        uid=stack.DASHBOARD_REDIS,
        title="Redis",
        description="Redis and Valkey servers: memory, commands and their latency, keys, persistence, replication.",
        source=server.UP,
    )


def _row(title: str, found: list[Panel], width: int = 8) -> Row:
    return Row(title, [Cell(panel, width=width) for panel in found])


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Redis",
            "Whether the exporter reaches every server and may ask it. Normal: up. DOWN: the panel beside tells which, and "
            "why.",
            Query(server.UP.select().min(), "Redis"), unit=Unit.BOOL, states=States(), none="no server is scraped",
        ),
        panels.statetimeline(
            "Why a server cannot be asked",
            "The cause while a server cannot be asked. Normal: none. `refused`: not running; `timeout`: it hangs, or a script "
            "runs; `auth`: user, password or rights; `starting`: it loads its data; `limit`: no connection left.",
            Query(stack.TARGET_FAILURE.select(domain="redis").compare(">", 0).max(by=("instance", "cause")),
            "{{instance}} {{cause}}"),
            states=States("cause", "not so", one_colour=look.WARNING, zero_colour="transparent"), none="each can be asked",
        ),
        panels.stat(
            "Memory used now",
            "The fullest server's share of maxmemory, or of the machine's memory without one. Normal: below 100 % without "
            "evictions. A cache is meant to be full.",
            Query(ask.MEMORY.expr.max(), "used"), unit=Unit.RATIO,
        ),
        panels.stat(
            "Clients against maxclients",
            "The highest share of the connections that a server allows. Normal: below 80 %.",
            Query(replace(ask.CLIENTS, expr=ask.CLIENTS.expr.max()), "used"),
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=5) for panel in found])


def _traffic(panels: Panels) -> Row:
    return _row("Traffic", [
        panels.timeseries(
            "Commands",
            "Commands a second. Normal: follows the day. A jump without more users: Calls by command tells which.",
            Query(stats.COMMANDS.rate().sum(by=("instance",))), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Found keys",
            "Share of reads that found their key, over 5 min. Normal: flat. A cache: above 90 %. Below: keys end too soon, "
            "or are evicted.",
            Query(ask.HIT_RATIO),
        ),
        panels.timeseries(
            "Network",
            "Bytes a second from and to clients. Normal: in step with Calls by command. Near the network's limit: large "
            "values; see Time by command.",
            Query(stats.NET_IN.rate().sum(by=("instance",)), "{{instance}} in"),
            Query(stats.NET_OUT.rate().sum(by=("instance",)), "{{instance}} out"),
            unit=Unit.BYTES_PER_SECOND,
        ),
        panels.timeseries(
            "Clients",
            "Connections of clients, and those that wait in a blocking command. Normal: flat; the blocked ones are "
            "consumers that wait for work. One that only rises: a leak.",
            Query(server.CLIENTS.select().max(by=("instance",)), "{{instance}} connected"),
            Query(server.BLOCKED_CLIENTS.select().max(by=("instance",)), "{{instance}} blocked"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "New connections",
            "Connections made a second, and refused in 5 min because maxclients was reached. Normal: few, 0. Many: no pool.",
            Query(stats.CONNECTIONS.rate().sum(by=("instance",)), "{{instance}} made"),
            Query(ask.REJECTED.expr, "{{instance}} refused"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Processor time",
            "Share of one core in use; commands run on one. Normal: below 80 %. Near 100 %: see Time by command.",
            Query((server.CPU_SYS.rate() + server.CPU_USER.rate()).sum(by=("instance",))), unit=Unit.RATIO,
        ),
    ])  # fmt: skip


def _memory(panels: Panels) -> Row:
    return _row("Memory and keys", [
        panels.timeseries(
            "Memory",
            "Memory allocated, and the limit maxmemory where there is one. Normal: below its limit, and flat once it is warm. "
            "Near the limit: Keys evicted and expired tells what it costs, Largest keys what takes the room.",
            Query(memory.USED.select().max(by=("instance",)), "{{instance}} used"),
            Query(memory.MAX.select().max(by=("instance",)).compare(">", 0), "{{instance}} limit", limit=True),
            unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Used where nothing is evicted",
            "Share of the limit that servers with maxmemory-policy noeviction use. Normal: below 80 %. At 100 % they refuse "
            "writes.",
            Query(ask.FULL),
        ),
        panels.timeseries(
            "Fragmentation",
            "Memory of the process over memory in use. Normal: 1 to 1.5 on servers that hold more than some MiB. Above for "
            "hours: `MEMORY PURGE`, or `CONFIG SET activedefrag yes`.",
            Query(memory.FRAGMENTATION.select().max(by=("instance",))), unit=Unit.NONE,
        ),
        panels.timeseries(
            "Keys",
            "Keys of each database that has some. Normal: flat, or grows with what is stored. Only rises: keys are written "
            "that never end; give them a time (EXPIRE), or the server a maxmemory.",
            Query(keys.KEYS.select().max(by=("instance", "db")).compare(">", 0).topk(MAX_SERIES), "{{instance}} {{db}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Keys evicted and expired",
            "Keys a second that went to make room, and that ended by their time. Normal: expired only. Evicted: memory is "
            "at its limit.",
            Query(memory.EVICTED.rate().sum(by=("instance",)), "{{instance}} evicted"),
            Query(memory.EXPIRED.rate().sum(by=("instance",)), "{{instance}} expired"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Evicted in 10 min",
            "Keys thrown out within 10 min, as a share of those that are there. Normal: 0, or little in a cache that is "
            "meant to be full. Above the dashed line: the cache is too small.",
            Query(ask.EVICTED),
        ),
    ])  # fmt: skip


def _commands(panels: Panels) -> Row:
    return _row("Commands", [
        panels.timeseries(
            "Time by command",
            "Seconds that commands took, a second: the most. Normal: well below 1 together. Together they cannot be more "
            "than 1: one command runs at a time.",
            Query(commands.SECONDS.rate().sum(by=("instance", "cmd")).topk(MAX_SERIES), "{{instance}} {{cmd}}"), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Calls by command",
            "Calls a second, the most. Normal: in step with the applications' requests. A jump: `CLIENT LIST` names the "
            "clients, each with its last command.",
            Query(commands.CALLS.rate().sum(by=("instance", "cmd")).topk(MAX_SERIES), "{{instance}} {{cmd}}"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Latency by command, p99",
            "Within how long 99 % of calls of the last minutes ended, in the server, without the network: the slowest. Normal: "
            "below 1 ms. KEYS, SORT, large ranges and scripts take longer and hold up everybody.",
            Query((commands.LATENCY.quantile(0.99, by=("instance", "cmd")) / 1e6).topk(MAX_SERIES), "{{instance}} {{cmd}}"),
            unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Refused and failed calls",
            "Calls a second that were refused before they ran (rights, memory), or ended with an error. Normal: 0. More: "
            "Errors by kind tells why.",
            Query(commands.REJECTED.rate().sum(by=("instance",)), "{{instance}} refused"),
            Query(commands.FAILED.rate().sum(by=("instance",)), "{{instance}} failed"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Errors by kind",
            "Errors answered a second, by their first word. Normal: none. WRONGPASS, NOPERM: an intruder or a bad setting; "
            "OOM: it is full.",
            Query(stats.ERRORS.rate().sum(by=("instance", "err")).topk(MAX_SERIES), "{{instance}} {{err}}"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Slow commands",
            "Commands of the last 10 min that took longer than slowlog-log-slower-than. Normal: 0. `SLOWLOG GET` shows "
            "them.",
            Query(ask.SLOW),
        ),
    ])  # fmt: skip
