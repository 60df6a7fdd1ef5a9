"""From catalogue, declarations and site to rules files and Alertmanager's configuration, as text; and these onto disk.

`render(site)` is pure: it returns every file's text by its path below the output folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from alerts import overrides, routes, slos
from alerts.fill import page, text
from alerts.model import Alert, number, site_alerts, words
from alerts.notes import facts
from alerts.versions import OLDEST, Version
from metrics import catalog, durations
from metrics.model import Histogram, Recording
from metrics.query import TARGET_LABELS, Expr, Rate, Selector
from settings import Site
from settings.files import replace_file

_SAID = ("summary", "description", "impact")


def notes(alert: Alert, site: Site) -> dict[str, str]:
    """What a notification says; the links are added here, once for all alerts."""
    entry = alert.entry
    values = {"threshold": "" if alert.threshold is None else number(alert.threshold), "for": words(alert.for_)}
    said = {name: text(f"{alert.domain}.yaml: {alert.name}.{name}", getattr(entry, name), values) for name in _SAID}
    query = "" if "instance" not in _kept(alert) else "var-instance={{ urlquery $labels.instance }}&"
    dashboards = site.endpoints.grafana.rstrip("/") or site.public(site.ports.grafana)
    return {
        "title": entry.title,
        **said,
        **facts(alert),
        "runbook_url": f"{site.public(site.ports.inbox)}/runbooks/{alert.name}",
        "dashboard_url": f"{dashboards}/d/{entry.dashboard}?{query}from=now-1h&to=now",
    }


def labels(alert: Alert, site: Site) -> dict[str, str]:
    """Labels that every alert gets, the same way; one whose expression has no cluster belongs to the site's."""
    own = {"severity": alert.severity, "signal": alert.entry.signal}
    return own if "cluster" in _kept(alert) else own | {"cluster": site.cluster}


def _kept(alert: Alert) -> tuple[str, ...]:
    """Labels that an alert surely has; an expression whose labels cannot be told (`raw`) has none for sure."""
    if alert.threshold is None:
        return ()
    try:
        kept = alert.signal.expr.labels
    except ValueError:
        return ()
    by_target = isinstance(alert.signal.expr, Selector | Rate)
    return (*kept, *TARGET_LABELS) if by_target else kept


def rules(alerts: tuple[Alert, ...], site: Site) -> dict[str, str]:
    """One rules file a domain, by path below the output folder; in each of its groups recordings stand before alerts."""
    found = {}
    for title, domain in catalog.DOMAINS.items():
        own = [alert for alert in alerts if alert.domain == title]
        signals = (*domain.signals.values(), *(alert.signal for alert in own))
        intervals = {*(rule.every for rule in slos.rules(title, site)), *(signal.every for signal in signals)}
        intervals |= {_every(source, site) for one in domain.recordings for source, _ in one.sources}
        ordered = sorted(intervals, key=lambda every: durations.seconds(every or "0"))
        groups = [_group(title, every, own, site) for every in ordered]
        groups = [group for group in groups if group["records"] or group["alerts"]]
        if groups:
            found[f"rules/{title}.yml"] = page("rules.yml.j2", {"domain": title, "groups": groups})
    return found


def _group(title: str, every: str, alerts: list[Alert], site: Site) -> dict[str, Any]:
    """The rules of a domain that are evaluated at one interval; an empty one is the site's."""
    domain = catalog.DOMAINS[title]
    records = [_record(rule.record, rule.expr, rule.labels, site) for rule in slos.rules(title, site) if rule.every == every]
    records += [
        _record(signal.recorded_as, signal.expr, (), site)
        for signal in domain.signals.values()
        if signal.recorded_as and signal.every == every
    ]
    records += [
        _record(name, source, added, site)
        for recording in domain.recordings
        for name, source, added in _parts(recording)
        if _every(source, site) == every
    ]
    return {
        "name": f"{title}-{every}" if every else title,
        "interval": site.scaled(every or site.prometheus.evaluation_interval),
        "records": records,
        "alerts": [_rule(alert, site) for alert in alerts if alert.signal.every == every],
    }


def _record(name: str, expr: Expr, added: tuple[tuple[str, str], ...], site: Site) -> dict[str, Any]:
    return {"record": name, "expr": expr.for_rule(factor=site.profile.factor), "labels": added}


def _every(source: Selector, site: Site) -> str:
    """How often a series is recorded under a second name: counters as often as rules are, histograms at every second scrape.

    Histograms are most of what is recorded, and no alert reads them. A panel's `$__rate_interval` is four scrapes: two samples.
    """
    if not isinstance(source.metric, Histogram):
        return ""
    return durations.text(2 * durations.seconds(site.prometheus.scrape_interval))


def _parts(recording: Recording) -> Iterator[tuple[str, Selector, tuple[tuple[str, str], ...]]]:
    """A counter as it is; a histogram as its three parts, so that `histogram_quantile()` works on the second name too."""
    for source, labels in recording.sources:
        suffixes = ("_bucket", "_sum", "_count") if isinstance(source.metric, Histogram) else ("",)
        for suffix in suffixes:
            yield recording.recorded_as + suffix, replace(source, name=source.name + suffix), labels


def _rule(alert: Alert, site: Site) -> dict[str, Any]:
    return {
        "name": alert.name,
        "expr": alert.promql,
        "for": alert.for_,
        "keep_firing_for": alert.keep_firing_for,
        "labels": labels(alert, site),
        "annotations": notes(alert, site),
    }


def render(site: Site, version: Version = OLDEST) -> dict[str, str]:
    """Every file's text, by its path below the output folder, for an Alertmanager of that version.

    Raises SettingsError when the site's overrides ask for what an alert does not offer, or a receiver for what this version
    does not.
    """
    overrides.check(site)
    alertmanager = {
        "alertmanager/alertmanager.yml": page("alertmanager.yml.j2", routes.context(site, version)),
        "alertmanager/notifications.tmpl": page("notifications.tmpl.j2", {"inbox": site.public(site.ports.inbox)}),
    }
    return rules(site_alerts(site), site) | alertmanager


def write(files: Mapping[str, str], out: Path) -> None:
    """Writes the files below `out`, each replaced as a whole; rules files that are no longer rendered are removed."""
    for name, content in files.items():
        replace_file(out / name, content)
    for left in (out / "rules").glob("*.yml") if any(name.startswith("rules/") for name in files) else ():
        if f"rules/{left.name}" not in files:
            left.unlink()
