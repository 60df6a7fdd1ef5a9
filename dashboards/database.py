"""Database Performance: whether the data store answers, fast, with connections to spare, and all that is accepted is written."""

from __future__ import annotations

from dashboards import layout
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics import database as db
from metrics import prometheus
from metrics.model import Histogram, Unit
from metrics.query import Binary, Function, Rate, Selector
from metrics.stack import DASHBOARD_DATABASE, JOB_STORE
from settings import Site

_ORIGINAL_WINDOW = "5m"  # of the rates that the original vocabulary's dashboard shows


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the processes that use the store."""
    panels = Panels(site)
    rows = [_fine(panels), Row("At a glance", [Cell(panel, width=8) for panel in originals(panels)])]
    rows += [
        Row("Writing", [Cell(panel, width=8) for panel in writing(panels)]),
        _queries(panels),
        _pools(panels),
        _server(panels),
        _maintenance(panels),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_DATABASE,
        title="Database Performance",
        description="The data store: queries, connections, and PostgreSQL itself.",
        source=db.QUERIES,
    )


def originals(panels: Panels) -> list[Panel]:
    """The original's three panels, under its names."""
    buckets = Selector(None, "db_query_duration_bucket")
    p95 = Function("histogram_quantile", ("0.95", Rate("rate", buckets, _ORIGINAL_WINDOW).sum(by=("le",))))
    return [
        panels.timeseries(
            "Query Duration",
            "How long 95 % of the operations on the data store took at most, over 5 min. Normal: below 200 ms. Above: Duration "
            "by operation tells which one, then `python -m stream.store optimize` tells why.",
            Query(p95, "p95"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Connection Count",
            "Connections of the workload's pools in use, over all processes. Normal: a few. At the dashed line callers wait; see "
            "Waiting for a connection.",
            Query(db.CONNECTION_COUNT, "in use", scope=("cluster",)),
        ),
        panels.timeseries(
            "Cache Hit Ratio",
            "Blocks of tables that PostgreSQL found in its memory. Normal: above 95 %. A fall: queries read old data, or indexes "
            "are missing; see Index usage.",
            Query(db.CACHE_HIT_RATIO, "hit ratio", scope=("cluster",)), most=100,
        ),
    ]  # fmt: skip


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Maintenance",
            "Whether Prometheus reaches the store's maintenance. Normal: up. DOWN: `make status`, then `make logs s=store`.",
            Query(prometheus.UP.select(job=JOB_STORE).min(), "store"), unit=Unit.BOOL, states=States(),
            none="no maintenance is scraped",
        ),
        panels.stat(
            "Operations failed",
            "Operations on the data store that failed, a second. Normal: 0. The panel Errors by reason tells why.",
            Query(db.ERRORS.rate().sum(), "failed"), unit=Unit.PER_SECOND, worse_above=0.01,
        ),
        panels.stat(
            "Connections in use",
            "Of all pools of the appliance. Normal: a few.",
            Query(db.CONNECTION_COUNT, "in use", scope=("cluster",)), none="no pool is scraped",
        ),
        panels.stat(
            "Callers that wait",
            "Callers that wait for a connection now. Normal: 0. More: the pool is used up. Duration by operation tells who "
            "keeps connections; database.pool of site.yaml makes it larger.",
            Query(db.WAITING.select().sum(), "waiting"), unit=Unit.COUNT, worse_above=5,
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def writing(panels: Panels) -> list[Panel]:
    """How the feed's rows reach the database: Feeds shows the first four too."""
    return [
        panels.timeseries(
            "Rows written",
            "Rows of the feed that reached the database, a second, by table. Normal: steady; after an outage a peak. 0 while "
            "sources send: rows wait in the Spool, and `make logs s=stream` tells why.",
            Query(db.WRITTEN.rate().sum(by=("table",)), "{{table}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Oldest row that waits",
            "How long the oldest row has waited on disk for the database. Normal: below a second. A ramp: the database does not "
            "take rows; `make logs s=stream` tells why.",
            Query(db.SPOOL_WAIT),
        ),
        panels.timeseries(
            "Spool",
            "Bytes of rows that wait on disk, and how many a worker may have there. Normal: near 0. At the limit rows are lost.",
            Query(db.SPOOL_BYTES.select().sum(), "waiting"), Query(db.SPOOL_LIMIT.select().max(), "limit", limit=True),
            unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Rows lost",
            "Rows that will not reach the database, within 5 min: the spool was `full`, the `disk` refused, the row is "
            "`unfit`, the database `refused` it. Normal: 0.",
            Query(db.ROWS_LOST, "{{reason}}"),
        ),
        panels.timeseries(
            "Damaged spool",
            "Bytes of the spool, within an hour, that a broken disk had changed and that were skipped. Normal: 0. More: "
            "`dmesg -T` tells of disk errors; these rows are lost.",
            Query(db.SPOOL_CORRUPT.increase("1h").sum(), "skipped"), unit=Unit.BYTES,
        ),
    ]  # fmt: skip


def _maintenance(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Partitions ahead",
            "For how long from now each table has partitions. Normal: database.partitions_ahead periods. Below the dashed line "
            "an alert fires.",
            Query(db.PARTITIONS_AHEAD, "{{table}}"),
        ),
        panels.timeseries(
            "Days in the default partition",
            "Days of which the default partition holds rows, because no other takes them. Normal: 0. More: a source tells times "
            "that are far from now.",
            Query(db.STRAY_DAYS.select().max(by=("table",)), "{{table}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Partitions past their time",
            "Partitions older than database.retention that stay. Normal: 0, or what you mean to keep. More: "
            "database.drop_expired lets the maintenance drop them.",
            Query(db.EXPIRED.select().max(by=("table",)), "{{table}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Findings",
            "What the last report of `python -m stream.store optimize` found, by kind. Normal: few. Run the command: it "
            "prints each one and what mends it.",
            Query(db.FINDINGS.select().max(by=("kind",)), "{{kind}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Failed runs",
            "Runs of the maintenance that failed within an hour. Normal: 0; now and then a lock that was not had in time. "
            "Again and again: `make logs s=store` has the reason.",
            Query(db.TASK_ERRORS.increase("1h").sum(by=("task",)), "{{task}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Since the last success",
            "How long ago each task last did its work. Normal: a saw below database.maintain and database.optimize. Above: "
            "see Failed runs.",
            Query(Binary("-", Function("time", ()), db.TASK_SUCCESS.select().max(by=("task",))), "{{task}}"),
            unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Maintenance", [Cell(panel, width=8) for panel in found], folded=True)


def _queries(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Operations",
            "Operations on the data store a second, by name, over 5 min. Normal: steady; `ready` is the watch of each "
            "process. A name that stops: Errors by reason tells whether it fails or nobody asks.",
            Query(
                Rate("rate", Selector(None, "db_query_count"), _ORIGINAL_WINDOW).sum(by=("operation",)).topk(MAX_SERIES),
                "{{operation}}",
            ),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Duration by operation, mean",
            "How long operations took, the wait for a connection left out. Normal: below 50 ms; `write` follows its batch. "
            "Longer for all: the server is busy, see Database Tables and Queries. For one: that query.",
            Query(db.DURATION.mean(by=("operation",)).topk(MAX_SERIES), "{{operation}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Duration by operation, p95",
            "The same, 95 % of each. Normal: below 200 ms. Far above the mean for one: it waits now and then, see Waiting for "
            "locks of Database Tables and Queries.",
            Query(_p95(db.DURATION).topk(MAX_SERIES), "{{operation}}"), unit=Unit.SECONDS,
        ),
        panels.heatmap(
            "Spread of durations",
            "How many operations took how long. Normal: most below 10 ms. A second band: a query without its index, or "
            "a lock.",
            db.DURATION,
        ),
        panels.timeseries(
            "Errors by reason",
            "Operations that failed, a second. Normal: 0. `unavailable`: no server; `pool`: no connection became free; "
            "`timeout`: longer than database.statement_timeout; `refused`: a defect, see the log.",
            Query(db.ERRORS.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Rows",
            "Rows read or written a second, by operation. Normal: `write` follows the feed. A read of far more rows than "
            "before: its query lost a limit or an index, see Scans.",
            Query(db.ROWS.rate().sum(by=("operation",)).topk(MAX_SERIES), "{{operation}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Slow operations",
            "Operations that took longer than 1 s, within an hour. Normal: 0. `python -m stream.store optimize` finds causes.",
            Query(db.SLOW.increase("1h").sum(by=("operation",)).topk(MAX_SERIES), "{{operation}}"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Operations", [Cell(panel, width) for panel, width in zip(found, (8, 8, 8, 12, 12, 12, 12), strict=True)])


def _p95(metric: Histogram) -> Function:
    found = metric.quantile(0.95, by=("operation",))
    assert isinstance(found, Function)
    return found


def _pools(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Connections",
            "Connections of the pools, in use and idle, and how many there may be. Normal: far below the limit. At the limit "
            "callers wait: see Callers that wait.",
            Query(db.CONNECTIONS.select(state="used").sum(), "in use"), Query(db.CONNECTIONS.select(state="idle").sum(), "idle"),
            Query(db.LIMIT.select(pool="primary").sum(), "limit", limit=True), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Waiting for a connection",
            "Callers that wait. Normal: 0. More: queries are slow, or somebody holds connections; see Sessions.",
            Query(db.WAITING.select().sum(by=("pool",)), "{{pool}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Wait for a connection, p95",
            "How long callers waited. Normal: below a millisecond. After database.pool.acquire they get an error.",
            Query(db.WAIT.quantile(0.95, by=("pool",)), "{{pool}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Reads by server",
            "Reads a second that went to the primary and to the replica. Normal: all to the replica where there is one. All "
            "to the primary in spite of a replica: it is away or more than database.replica_lag behind.",
            Query(db.READS.rate().sum(by=("pool",)), "{{pool}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Replica lag",
            "How far the read replica is behind. Normal: below a second; above database.replica_lag reads go to the primary. No "
            "line without a replica.",
            Query(db.REPLICA_LAG.select().max(by=("instance",))), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Pools", [Cell(panel, width=8) for panel in found], folded=True)


def _server(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Sessions",
            "Sessions of clients that PostgreSQL has, by state. Normal: mostly `idle`, `active` for moments, `idle in "
            "transaction` 0. `idle in transaction` holds locks: who it is, `select * from pg_stat_activity` tells.",
            Query(db.SESSIONS.select().sum(by=("state",)), "{{state}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Index usage",
            "Scans of tables that used an index. Normal: near 100 %. A fall: a query without an index.",
            Query(db.INDEX_USAGE, "by index", scope=("cluster",)), most=100,
        ),
        panels.timeseries(
            "Scans",
            "Scans of tables a second, by index and of the whole table. Normal: nearly all by index; whole scans of small "
            "tables do no harm. Many whole scans while Rows is high: `python -m stream.store optimize` names tables that lack "
            "an index.",
            Query(db.SCANS.rate().sum(by=("kind",)), "{{kind}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("PostgreSQL", [Cell(panel, width=8) for panel in found], folded=True)
