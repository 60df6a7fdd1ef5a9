"""What an alert is: the catalogue's entries as types, and what they become under one site's overrides.

Pure but for `read_catalogue()`, which reads the YAML files beside this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from alerts.errors import CatalogError
from metrics import catalog, durations, stack, stack_signals
from metrics.model import Signal
from metrics.query import Expr, Selector
from metrics.stack import DASHBOARD_OVERVIEW
from settings import Site
from settings.receivers import Severity
from settings.types import Duration, Override

FOLDER = Path(__file__).parent / "catalog"
LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")  # what Prometheus fills in
ALERT_NAME = r"^[A-Z][A-Za-z0-9]+$"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One alert as `alerts/catalog/<domain>.yaml` declares it.

    `signal` is a key of `metrics.catalog.signals()`; with a `level` the alert compares that threshold of the signal, without
    one the signal's expression is the alert's condition. `guard` is a second signal that must hold beside it. Texts may
    say `<< threshold >>` and `<< for >>`, which follow the site's overrides.
    """

    name: Annotated[str, msgspec.Meta(pattern=ALERT_NAME)]
    title: str
    signal: str
    level: Literal["warning", "critical"] | None = None
    guard: str = ""
    for_: Duration = msgspec.field(name="for", default="0s")
    keep_firing_for: Duration | None = None
    severity: Severity
    summary: str
    description: str
    impact: str
    cannot_see: str
    steps: Annotated[list[str], msgspec.Meta(min_length=1)]
    reason: str
    dashboard: str = DASHBOARD_OVERVIEW

    @property
    def plain_steps(self) -> list[str]:
        """The steps with a place to fill in by hand, as `SERVICE`, where Prometheus would fill in a label."""
        return [LABEL.sub(lambda found: found[1].upper(), step) for step in self.steps]


@dataclass(frozen=True)
class Alert:
    """One alert under one site: overrides applied, durations scaled by the profile."""

    domain: str
    entry: Entry
    signal: Signal
    guard: Expr | None
    threshold: float | None
    for_: str
    keep_firing_for: str | None
    severity: str
    factor: float

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.entry.name

    @property
    def _left(self) -> Expr:
        return Selector(None, self.signal.recorded_as) if self.signal.recorded_as else self.signal.expr

    @property
    def quantity(self) -> str:
        """What is compared with the threshold, as Prometheus evaluates it."""
        return self._left.for_rule(factor=self.factor)

    @property
    def promql(self) -> str:
        """The condition as Prometheus evaluates it."""
        left = self._left
        if self.threshold is None:
            return left.for_rule(factor=self.factor)
        condition: Expr = left.compare("<" if self.signal.bad_below else ">", self.threshold)
        if self.guard is not None:
            condition = condition.binary("and", self.guard, "")
        return condition.for_rule(factor=self.factor)


def number(value: float) -> str:
    """A threshold as texts and expressions write it: `80`, `0.05`."""
    return f"{value:.15g}"


def words(duration: str) -> str:
    """A Prometheus duration as a sentence says it: `5m` is `5 minutes`."""
    total = durations.seconds(duration)
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if total >= size and total % size == 0:
            return _counted(total / size, name)
    return _counted(total, "second")


def _counted(count: float, name: str) -> str:
    return f"{count:g} {name}" if count == 1 else f"{count:g} {name}s"


@cache
def read_catalogue(folder: Path = FOLDER) -> tuple[tuple[str, Entry], ...]:
    """(domain, entry) for every alert, by file and in the file's order.

    Raises CatalogError for a file that does not fit `Entry`, an unknown signal and a name used twice.
    """
    found: dict[str, tuple[str, Entry]] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), list[Entry])
        except (yaml.YAMLError, msgspec.ValidationError) as error:
            raise CatalogError(f"{path.name}: {error}: see the fields of alerts.model.Entry") from error
        for entry in entries:
            if entry.name in found:
                raise CatalogError(f"{path.name}: {entry.name}: stands in {found[entry.name][0]}.yaml too: keep one")
            _check(entry, path.name)
            found[entry.name] = (path.stem, entry)
    return tuple(found.values())


def _check(entry: Entry, file: str) -> None:
    signals = catalog.signals()
    for key in (entry.signal, entry.guard):
        if key and key not in signals:
            raise CatalogError(f"{file}: {entry.name}: signal {key!r} is not declared: one of {', '.join(signals)}")
    if entry.level and getattr(signals[entry.signal], entry.level) is None:
        raise CatalogError(f"{file}: {entry.name}: signal {entry.signal!r} has no threshold {entry.level!r}: declare it")
    if entry.guard and not entry.level:
        raise CatalogError(f"{file}: {entry.name}: has a guard but no level: a guard stands beside a comparison")


def resolve(domain: str, entry: Entry, override: Override | None, factor: float) -> Alert:
    """The alert under an override (already checked against its range) and a profile's factor."""
    override = override or Override()
    signals = catalog.signals()
    signal = signals[entry.signal]
    declared = getattr(signal, entry.level) if entry.level else None
    keep = entry.keep_firing_for
    return Alert(
        domain=domain,
        entry=entry,
        signal=signal,
        guard=signals[entry.guard].expr if entry.guard else None,
        threshold=declared if override.threshold is None else override.threshold,
        for_=durations.scaled(override.for_ or entry.for_, factor),
        keep_firing_for=durations.scaled(keep, factor) if keep else None,
        severity=override.severity or entry.severity,
        factor=factor,
    )


def site_alerts(site: Site) -> tuple[Alert, ...]:
    """Every alert that is enabled at this site; its overrides are applied, not checked (`alerts.overrides` does)."""
    found = (
        resolve(domain, entry, site.alerts.get(entry.name), site.profile.factor)
        for domain, entry in read_catalogue()
        if entry.name not in site.alerts or site.alerts[entry.name].enabled
    )
    return tuple(_of_jobs(alert, site) for alert in found)


def jobs(site: Site) -> tuple[str, ...]:
    """The scrape jobs that this site has, of the appliance's own."""
    if site.workload:
        return stack.JOBS
    of_targets = {
        stack.JOB_POSTGRES: site.watches_postgres,
        stack.JOB_REDIS: site.watches_redis,
        stack.JOB_PROBE: site.watches_streams,
    }
    return tuple(job for job in stack.JOBS if job not in stack.WORKLOAD_JOBS or of_targets.get(job))


def _of_jobs(alert: Alert, site: Site) -> Alert:
    """The alert; one that names every job leaves out those that this site does not have."""
    return alert if site.workload and not site.contained else naming(alert, jobs(site))


def naming(alert: Alert, wanted: Iterable[str]) -> Alert:
    """The alert; one that names every job names these."""
    if alert.entry.signal != "stack.target_absent":
        return alert
    return replace(alert, signal=replace(alert.signal, expr=stack_signals.absent_targets(wanted)))
