"""Database Tables and Queries: PostgreSQL from outside: is it there, who uses it, what stands in the way."""

from __future__ import annotations

from dashboards import layout, postgres_detail
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics import stack
from metrics.model import Unit
from metrics.postgres import activity, database, server
from metrics.postgres import signals as ask
from metrics.query import TARGET_LABELS
from settings import Site, look

_DB = "{{instance}} {{datname}}"
_BY = ("instance", "datname")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the servers."""
    panels = Panels(site, scope=(*TARGET_LABELS, "datname"))
    rows = [_fine(panels), _traffic(panels), _connections(panels), _in_the_way(panels), *postgres_detail.rows(panels)]
    return layout.dashboard(
        site,
        rows,
        uid=stack.DASHBOARD_POSTGRES,
        title="Database Tables and Queries",
        description="PostgreSQL servers: connections, waits, tables, indexes, statements, WAL, replication.",
        source=server.UP,
        domain={"datname": database.SIZE},
    )


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "PostgreSQL",
            "Whether the exporter reaches the server and may ask it. Normal: up. DOWN: the panel beside tells why.",
            Query(server.UP.select().min(), "PostgreSQL"), unit=Unit.BOOL, states=States(), none="no server is scraped",
        ),
        panels.statetimeline(
            "Why the server cannot be asked",
            "The cause while the server cannot be asked. Normal: none. `refused`: not running; `timeout`: it hangs; `auth`: "
            "role, password or pg_hba.conf; `limit`: no connection left.",
            Query(stack.TARGET_FAILURE.select(domain="postgres").compare(">", 0).max(by=("instance", "cause")),
            "{{instance}} {{cause}}"),
            states=States("cause", "not so", one_colour=look.WARNING, zero_colour="transparent"), none="it can be asked",
        ),
        panels.stat(
            "Connections used",
            "Share of the connections that anybody but a superuser may have. Normal: below 80 %. The row Connections tells who.",
            Query(ask.CONNECTIONS, "used"),
        ),
        panels.stat(
            "Transaction ids used",
            "Age of any database's oldest transaction id, as a share of 2^31. Normal: below 10 %. Above: what keeps vacuum off?",
            Query(Query(ask.XID).expr.max(), "oldest"), unit=ask.XID.unit, signal=ask.XID,
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=5) for panel in found])


def _traffic(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Transactions",
            "Transactions a second. Normal: follows the day. Many rolled back: errors in an application; see its log.",
            Query(database.COMMITS.rate().sum(by=_BY).topk(MAX_SERIES), f"{_DB} committed"),
            Query(database.ROLLBACKS.rate().sum(by=_BY).topk(MAX_SERIES), f"{_DB} rolled back"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Cache hits",
            "Share of blocks found in the server's own cache. Normal: above the dashed line. Below: memory is short of the "
            "working set, or somebody reads whole tables (panel Sequential reads).",
            Query(ask.CACHE_HIT, _DB),
        ),
        panels.timeseries(
            "Rows",
            "Rows a second, by what was done with them. Normal: fetched close to returned, with the pattern of the load. "
            "Returned far above fetched: scans read much more than is wanted.",
            Query(database.RETURNED.rate().sum(by=("instance",)), "{{instance}} returned"),
            Query(database.FETCHED.rate().sum(by=("instance",)), "{{instance}} fetched"),
            Query((database.INSERTED.rate() + database.UPDATED.rate() + database.DELETED.rate()).sum(by=("instance",)),
            "{{instance}} written"),
            unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Traffic", [Cell(panel, width=8) for panel in found])


def _connections(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Connections by state",
            "Connections, by what they do. Normal: most idle, few active. `idle in transaction` that stays: a commit is missing.",
            Query(activity.COUNT.select().sum(by=("instance", "state")).compare(">", 0), "{{instance}} {{state}}"),
            unit=Unit.COUNT, stacked=True,
        ),
        panels.timeseries(
            "Connections by role and application",
            "Who has them: the largest. Normal: flat, at the sizes of the pools. One that only rises leaks connections.",
            Query(activity.COUNT.select().sum(by=("instance", "usename", "application_name")).compare(">", 0).topk(MAX_SERIES),
            "{{usename}} {{application_name}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "What active connections wait for",
            "Active connections by kind of wait; no kind: they run. Normal: few. Lock: see who waits for whom; IO: disks; "
            "LWLock: contention inside the server.",
            Query(activity.COUNT.select(state="active").sum(by=("instance", "wait_event_type")).compare(">", 0),
            "{{instance}} {{wait_event_type}}"),
            unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Connections", [Cell(panel, width=8) for panel in found])


def _in_the_way(panels: Panels) -> Row:
    waits = ("usename", "application_name", "blocking_usename", "blocking_application_name", "blocking_state")
    found = [
        panels.timeseries(
            "Oldest transaction",
            "Age of the oldest transaction under way. Normal: minutes. While it runs, vacuum removes no row that died since.",
            Query(ask.LONG_TRANSACTION, _DB),
        ),
        panels.timeseries(
            "Idle in transaction",
            "How long the longest idle connection with an open transaction has been idle. Normal: seconds.",
            Query(ask.IDLE_TRANSACTION, _DB),
        ),
        panels.timeseries(
            "Waiting for locks",
            "How long the longest wait for a lock has lasted. Normal: 0.",
            Query(ask.LOCK_WAIT, _DB),
        ),
        panels.timeseries(
            "Deadlocks",
            "Deadlocks of the last hour. Normal: none. The server's log names both statements of each.",
            Query(database.DEADLOCKS.increase("1h").sum(by=_BY), _DB), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Who waits for whom",
            "How long each waiting query has run, and who is in its way. Normal: empty. End whoever stands in everybody's way.",
            Query(activity.BLOCKED.select().max(by=waits).topk(MAX_SERIES),
            "{{usename}} {{application_name}} waits for {{blocking_usename}} {{blocking_application_name}} ({{blocking_state}})"),
            unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Locks waited for",
            "Locks that are waited for. Normal: 0 most of the time. More for minutes: Who waits for whom tells whose "
            "transaction to end.",
            Query(activity.WAITING.select().max(by=_BY), _DB), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Does anything stand in the way?", [Cell(panel, width=8) for panel in found])
