"""The lower rows of The Appliance Itself: what watching costs, rules and data, collectors, the preview, restarts."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query, States
from metrics import process, prometheus, stack, stack_signals
from metrics.model import Counter, Unit
from metrics.query import Binary, Expr, Function
from settings import look

_CUT = ("instance", "domain", "metric")
_TARGET = "{{job}} on {{instance}}"


def rows(panels: Panels, targets: Panels) -> list[Row]:
    """Those rows; `targets` are panels that the variable `job` narrows too."""
    return [_cost(targets), _prometheus(panels), _collectors(panels), _preview(panels), _backups(panels), _restarts(panels)]


def _cost(panels: Panels) -> Row:
    files = 100 * process.OPEN_FDS.select() / process.MAX_FDS.select().compare(">", 0)
    found = [
        panels.timeseries(
            "CPU of the services",
            "Processors that the busiest services take. Normal: below 0.05 together at a 10 s scrape. A jump: many series, or a "
            "loop.",
            Query(stack_signals.CPU_COST.expr.topk(MAX_SERIES), _TARGET), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Memory of the services",
            "Resident memory of the largest services. Normal: below 450 MB together. A line that only rises is a leak.",
            Query(stack_signals.MEMORY_COST.expr.topk(MAX_SERIES), _TARGET), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Scrape duration",
            "How long targets take to answer. Normal: below 0.1 s. Near the scrape timeout (5 s) samples get lost.",
            Query(stack_signals.SCRAPE_DURATION.expr.topk(MAX_SERIES), _TARGET), unit=Unit.SECONDS,
            signal=stack_signals.SCRAPE_DURATION,
        ),
        panels.timeseries(
            "Samples stored",
            "Samples that Prometheus stores a second. Normal: samples of all targets divided by the scrape interval. A fall: "
            "a target is down. A rise: the column Samples of the table Targets tells whose.",
            Query(prometheus.SAMPLES_APPENDED.rate().sum(by=("instance",))), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Series in memory",
            "Series that Prometheus keeps in memory. Normal: flat. Growth without end: a label with ever new values.",
            Query(prometheus.HEAD_SERIES.select()), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Disk of the data",
            "Bytes of Prometheus's finished blocks (the first comes after 3 h), and how many there may be. Normal: rises to "
            "the limit, then flat. At the limit the oldest blocks go before their time: raise prometheus.retention_size if "
            "you need them.",
            Query(prometheus.BLOCKS_BYTES.select().sum(), "blocks"),
            Query(prometheus.RETENTION_BYTES.select().sum(), "limit", limit=True), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Rule evaluation time",
            "How long the slowest groups of rules take. Normal: below 0.1 s. Near the evaluation interval alerts come late.",
            Query(_group(prometheus.RULE_GROUP_DURATION.select()).topk(MAX_SERIES), "{{group}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Open files of the services",
            "File descriptors that services use, as a share of its limit. Normal: below 20 %. Rising: connections leak.",
            Query(files.topk(MAX_SERIES), _TARGET), unit=Unit.PERCENT, most=100,
        ),
    ]  # fmt: skip
    return Row("Cost of watching", [Cell(panel, width=8) for panel in found])


def _group(groups: Expr) -> Expr:
    """By the group's name alone: Prometheus puts the path of the rules' file before it."""
    named = groups.apply("label_replace", '"group"', '"$1"', '"rule_group"', '".*;(.*)"')
    return named.max(by=("instance", "group"))


def _prometheus(panels: Panels) -> Row:
    failing = prometheus.RULE_FAILURES.increase("5m")
    found = [
        panels.timeseries(
            "Rules that fail",
            "Rule evaluations that failed in the last 5 min, by group. Normal: 0. Prometheus's page /rules shows the error.",
            Query(_group(failing).topk(MAX_SERIES), "{{group}}"), unit=Unit.COUNT, signal=stack_signals.RULE_FAILURES,
        ),
        panels.timeseries(
            "Evaluations missed",
            "Evaluations left out within an hour, because the one before took too long. Normal: 0. Rule evaluation time "
            "tells which group is slow.",
            Query(_group(prometheus.RULE_GROUP_MISSED.increase("1h").apply("round")).topk(MAX_SERIES), "{{group}}"),
            unit=Unit.COUNT,
        ),
        panels.statetimeline(
            "Prometheus configuration in force",
            "Whether the last reload succeeded. Normal: in force. OLD: Prometheus runs with an old one; `make logs "
            "s=prometheus` says why.",
            Query(stack_signals.CONFIG_RELOAD),
            states=States("in force", "OLD", zero_colour=look.WARNING),
        ),
        panels.timeseries(
            "Age of the oldest data",
            "How far back data goes. Normal: rises to the retention (35 d), then a saw. A fall: data was deleted.",
            Query(Binary("-", Function("time", ()), prometheus.OLDEST_SAMPLE.select().min(by=("instance",)))), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Rules and data", [Cell(panel, width=12, height=7) for panel in found], folded=True)


def _collectors(panels: Panels) -> Row:
    name = "{{instance}} {{domain}}/{{collector}}"
    found = [
        panels.timeseries(
            "Collectors that fail",
            "Collectors whose last run failed or took too long, by machine. Normal: 0. `make logs s=exporter-system` names the "
            "error.",
            Query(stack.COLLECTOR_SUCCESS.select().compare("== bool", 0).sum(by=("instance", "domain")),
            "{{instance}} {{domain}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Slowest collectors",
            "How long the slowest collectors take. Normal: below 10 ms. A slow one reads from something that hangs.",
            Query(stack.COLLECTOR_DURATION.select().topk(MAX_SERIES), name), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Collector errors and timeouts",
            "Runs that ended with an error or were given up, the worst collectors. Normal: 0. More: `make logs "
            "s=exporter-system` (or the exporter of that domain) has each error.",
            Query(_hourly(stack.COLLECTOR_ERRORS), f"{name} errors"),
            Query(_hourly(stack.COLLECTOR_TIMEOUTS), f"{name} timeouts"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Scrapes answered",
            "Scrapes that exporters answered. Normal: one per scrape interval and reader: 0.1 at 10 s. More: who else reads?",
            Query(stack.EXPORTER_SCRAPES.rate().sum(by=("instance", "domain")), "{{instance}} {{domain}}"), unit=Unit.PER_SECOND,
        ),
        panels.table(
            "Series left out",
            "Series that exporters left out of the last hour's scrapes, because site.yaml allows no more. Normal: none. "
            "Some: a label takes ever new values; find it, or raise the setting that the exporter's log names.",
            _CUT,
            Column(stack.EXPORTER_SERIES_CUT.increase("1h").sum(by=_CUT).topk(MAX_SERIES), "Series", Unit.COUNT),
            none="none",
        ),
    ]  # fmt: skip
    return Row("Collectors", [Cell(panel, width=8) for panel in found], folded=True)


def _hourly(trouble: Counter) -> Expr:
    """How often each of the worst collectors had that trouble within an hour."""
    return trouble.increase("1h").sum(by=("instance", "domain", "collector")).apply("round").topk(MAX_SERIES // 2)


def _preview(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Preview requests",
            "Requests that the dashboards' preview answered, by class of status. Normal: 2xx and 3xx only. 5xx should be 0.",
            Query(stack.PREVIEW_REQUESTS.rate().sum(by=("code",)), "{{code}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Time of panel queries, p95",
            "How long Prometheus takes to answer a panel. Normal: below 0.1 s; no line while nobody looks. Above 1 s: choose a "
            "shorter range.",
            Query(stack.PREVIEW_QUERY_DURATION.quantile(0.95, by=("instance",))), unit=Unit.SECONDS,
        ),
        panels.heatmap(
            "Spread of panel queries",
            "How many queries took how long. Normal: most below 0.1 s. A second band: panels that read many series.",
            stack.PREVIEW_QUERY_DURATION, none="nobody looks",
        ),
        panels.timeseries(
            "Panel queries without an answer",
            "Queries that failed, by reason. Normal: 0. `unreachable`: Prometheus is down; `rejected`: a variable's value is "
            "odd.",
            Query(stack.PREVIEW_QUERY_ERRORS.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Dashboards' preview", [Cell(panel, width=12, height=7) for panel in found], folded=True)


def _backups(panels: Panels) -> Row:
    failed = stack.BACKUP_FAILURES.increase("30d").sum() / stack.BACKUP_ATTEMPTS.increase("30d").sum().compare(">", 0)
    age, size = stack.BACKUP_AGE.select().max(by=("instance",)), stack.BACKUP_BYTES.select().max(by=("instance",))
    found = [
        panels.timeseries(
            "Age of the newest backup",
            "Age of the newest good backup, in intervals of backup.every. Normal: a saw from 0 to 1. Above 2: `make logs "
            "s=backup` says why none succeeds.",
            Query(stack_signals.BACKUP_AGE.expr, "{{instance}}"), unit=Unit.NONE, signal=stack_signals.BACKUP_AGE,
        ),
        panels.stat(
            "Backup's age", "Since the newest good backup began. Normal: below backup.every. None: `make backup`.",
            Query(age, "age"), unit=Unit.SECONDS, none="no backup yet",
        ),
        panels.statetimeline(
            "Last backup", "Whether the last backup succeeded. Normal: yes. No: `make logs s=backup` has its last words.",
            Query(stack_signals.BACKUP_SUCCESS.expr, "{{instance}}"),
        ),
        panels.stat(
            "Backups that failed, 30 d",
            "Share of the backups of 30 days that failed or were cut off. Normal: below 1 %, which is the objective. "
            "More: `make logs s=backup` tells why.",
            Query(failed, "failed"), unit=Unit.RATIO, none="no backup within 30 days",
        ),
        panels.timeseries(
            "Time of a backup", "How long the newest backup took. Normal: minutes; grows with the data. Hours: put "
            "backup.to on a faster disk.",
            Query(stack.BACKUP_DURATION.select().max(by=("instance",)), "{{instance}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Size of a backup", "Bytes of the newest good backup. Normal: grows slowly. A fall: something is left out.",
            Query(size, "{{instance}}"), unit=Unit.BYTES,
        ),
    ]  # fmt: skip
    return Row("Backups", [Cell(panel, width=8, height=7) for panel in found], folded=True)


def _restarts(panels: Panels) -> Row:
    by = ("instance", "service", "version", "python")
    restarts = stack.SERVICE_RESTARTS.increase("1h").sum(by=("service", "reason")).apply("round")
    table = panels.table(
        "Versions",
        "Which version of each service runs on which Python. Normal: one version everywhere. Two after an update: `make up` "
        "restarts what is old.",
        by,
        Column(stack.BUILD_INFO.select().count(by=by), "Processes", Unit.COUNT),
    )
    started = panels.timeseries(
        "Age of the services' processes",
        "How long each of our processes runs. Normal: lines that only rise. A line that falls to 0 is a restart.",
        Query(stack_signals.PROCESS_AGE.expr.topk(MAX_SERIES), _TARGET),
        unit=Unit.SECONDS,
    )
    restarted = panels.timeseries(
        "Restarts by reason",
        "Restarts within an hour, by service and reason: its process had ended, or it hung and was killed. Normal: 0. "
        "`make logs s=NAME` has its last words.",
        Query(restarts.topk(MAX_SERIES), "{{service}} {{reason}}"),
        unit=Unit.COUNT,
    )
    cells = [Cell(panel, width=8) for panel in (table, started, restarted)]
    return Row("Versions and restarts", cells, folded=True)
