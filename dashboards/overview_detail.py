"""The folded rows of the Overview: the way of an alert, the cost of watching, collectors, the preview."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query
from metrics import process, prometheus, stack, stack_signals
from metrics.model import Counter, Unit
from metrics.query import Expr

_CUT = ("instance", "domain", "metric")
_TARGET = "{{job}} on {{instance}}"


def rows(panels: Panels, targets: Panels) -> list[Row]:
    """Every folded row; `targets` are panels that the variable `job` narrows too."""
    return [_delivery(panels), _cost(targets), _collectors(panels), _preview(panels), _versions(panels)]


def _delivery(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Notifications that fail",
            "Share of notifications that Alertmanager could not deliver, per kind of receiver. Normal: 0. `make logs "
            "s=alertmanager` names the receiver.",
            Query(stack_signals.NOTIFICATION_FAILURES, "{{integration}}"), most=1,
        ),
        panels.timeseries(
            "Notifications dropped by Prometheus",
            "Alerts that no Alertmanager took. Normal: 0. Is Alertmanager up?",
            Query(stack_signals.NOTIFICATIONS_DROPPED),
        ),
        panels.timeseries(
            "Rules that fail",
            "Rule evaluations that failed in the last 5 min. Normal: 0. Prometheus's page /rules shows the error.",
            Query(stack_signals.RULE_FAILURES, "{{rule_group}}"),
        ),
        panels.timeseries(
            "Prometheus configuration in force",
            "1 while the last reload succeeded. 0: Prometheus runs with an old configuration; `make logs s=prometheus` says why.",
            Query(stack_signals.CONFIG_RELOAD), most=1,
        ),
        panels.timeseries(
            "Deliveries refused",
            "Deliveries that the inbox refused, by reason, and those that it already had. Normal: 0. `unauthorized`: the token "
            "in Alertmanager's configuration is not the inbox's.",
            Query(stack.INBOX_REJECTED.rate().sum(by=("reason",)), "{{reason}}"),
            Query(stack.INBOX_DUPLICATES.rate().sum(), "already there"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("The way of an alert", [Cell(panel, width=8) for panel in found], folded=True)


def _cost(panels: Panels) -> Row:
    files = 100 * process.OPEN_FDS.select() / process.MAX_FDS.select().compare(">", 0)
    found = [
        panels.timeseries(
            "CPU of the services",
            "Processors that each service takes. Normal: below 0.05 together at a 10 s scrape. A jump: too many series, or a "
            "loop.",
            Query(stack_signals.CPU_COST, _TARGET),
        ),
        panels.timeseries(
            "Memory of the services",
            "Resident memory of each service. Normal: below 450 MB together. A line that only rises is a leak.",
            Query(stack_signals.MEMORY_COST, _TARGET),
        ),
        panels.timeseries(
            "Scrape duration",
            "How long targets take to answer. Normal: below 0.1 s. Near the scrape timeout (5 s) samples get lost.",
            Query(stack_signals.SCRAPE_DURATION.expr.topk(MAX_SERIES), _TARGET), unit=Unit.SECONDS,
            signal=stack_signals.SCRAPE_DURATION,
        ),
        panels.timeseries(
            "Samples stored",
            "Samples that Prometheus stores a second. Normal: samples of all targets divided by the scrape interval.",
            Query(prometheus.SAMPLES_APPENDED.rate().sum(by=("instance",))), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Series in memory",
            "Series that Prometheus keeps in memory. Normal: flat. Growth without end: a label with ever new values.",
            Query(prometheus.HEAD_SERIES.select()), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Open files of the services",
            "File descriptors that each service uses, as a share of its limit. Normal: below 20 %. Rising: connections leak.",
            Query(files, _TARGET), unit=Unit.PERCENT, most=100,
        ),
    ]  # fmt: skip
    return Row("Cost of watching", [Cell(panel, width=8) for panel in found], folded=True)


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
            "Runs that ended with an error or were given up, the worst collectors. Normal: 0.",
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
            "Series that exporters left out of the last hour's scrapes, because their metric had too many. Normal: none.",
            _CUT,
            Column(stack.EXPORTER_SERIES_CUT.increase("1h").sum(by=_CUT).topk(MAX_SERIES), "Series", Unit.COUNT),
            none="none",
        ),
    ]  # fmt: skip
    return Row("Collectors", [Cell(panel, width=6) for panel in found], folded=True)


def _hourly(trouble: Counter) -> Expr:
    """How often each of the worst collectors had that trouble within an hour."""
    return trouble.increase("1h").sum(by=("instance", "domain", "collector")).apply("round").topk(MAX_SERIES // 2)


def _preview(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Preview requests",
            "Requests that the dashboards' preview answered, by class of status. 5xx should be 0.",
            Query(stack.PREVIEW_REQUESTS.rate().sum(by=("code",)), "{{code}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Time of panel queries, p95",
            "How long Prometheus takes to answer a panel. Normal: below 0.1 s; no line while nobody looks. Above 1 s: choose a "
            "shorter range.",
            Query(stack.PREVIEW_QUERY_DURATION.quantile(0.95, by=("instance",))), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Panel queries without an answer",
            "Queries that failed, by reason. Normal: 0. `unreachable`: Prometheus is down; `rejected`: a variable's value is "
            "odd.",
            Query(stack.PREVIEW_QUERY_ERRORS.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Dashboards' preview", [Cell(panel, width=8) for panel in found], folded=True)


def _versions(panels: Panels) -> Row:
    by = ("instance", "service", "version", "python")
    table = panels.table(
        "Versions",
        "Which version of each service runs on which Python. Normal: one version everywhere; after an update `make up` "
        "restarts all.",
        by,
        Column(stack.BUILD_INFO.select().count(by=by), "Processes", Unit.COUNT),
    )
    started = panels.timeseries(
        "Age of the services' processes",
        "How long each of our processes runs. A line that falls to 0 is a restart.",
        Query(stack_signals.PROCESS_AGE, _TARGET),
    )
    return Row("Versions and restarts", [Cell(table), Cell(started)], folded=True)
