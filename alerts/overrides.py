"""Whether `alerts:` in `site.yaml` asks for what the alerts offer; the first wrong place is told with its range."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from alerts.model import Entry, number, read_catalogue
from metrics import catalog
from metrics.model import Signal
from settings import SettingsError, Site, locate
from settings.types import Override

WATCHDOG = "Watchdog"
Locate = Callable[[str, str], str]


def _in_site_file(name: str, key: str) -> str:
    return locate("alerts", name, key) if key else locate("alerts", name)


def check(site: Site, where: Locate = _in_site_file) -> None:
    """Raises SettingsError for an unknown alert, a threshold where there is none, outside the signal's range or out of order."""
    entries = {entry.name: entry for _, entry in read_catalogue()}
    for name, override in site.alerts.items():
        if name not in entries:
            raise SettingsError(where(name, ""), f"alerts.{name}: no such alert", _nearest(name, list(entries)))
        if name == WATCHDOG and override != Override():
            fix = "remove it: the inbox takes its silence for a broken alerting"
            raise SettingsError(where(name, ""), f"alerts.{name}: cannot be changed", fix)
        _check_threshold(entries[name], override, where)
    _check_order(site, entries, where)


def _check_order(site: Site, entries: dict[str, Entry], where: Locate) -> None:
    """A warning that comes after its critical alert would never be seen: the critical one mutes it."""
    levels: dict[str, dict[str, tuple[Entry, float]]] = {}
    for entry in entries.values():
        declared = getattr(catalog.signals()[entry.signal], entry.level or "", None)
        if declared is not None:
            override = site.alerts.get(entry.name, Override())
            value = declared if override.threshold is None else override.threshold
            levels.setdefault(entry.signal, {})[entry.level or ""] = (entry, value)
    for signal, found in levels.items():
        if len(found) < 2:
            continue
        (warning, low), (critical, high) = found["warning"], found["critical"]
        if low == high or (low > high) != catalog.signals()[signal].bad_below:
            culprit = warning if site.alerts.get(warning.name, Override()).threshold is not None else critical
            problem = f"alerts.{culprit.name}.threshold: {warning.name} at {number(low)} would not come before"
            fix = "set the warning's threshold before the critical one's"
            raise SettingsError(where(culprit.name, "threshold"), f"{problem} {critical.name} at {number(high)}", fix)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else "known alerts are " + ", ".join(known)


def _check_threshold(entry: Entry, override: Override, where: Locate) -> None:
    if override.threshold is None:
        return
    key = f"alerts.{entry.name}.threshold"
    signal = catalog.signals()[entry.signal]
    if entry.level is None or signal.minimum >= signal.maximum:
        fix = "remove the key; for, severity and enabled can be set"
        raise SettingsError(where(entry.name, "threshold"), f"{key}: this alert compares with no threshold", fix)
    if not signal.minimum <= override.threshold <= signal.maximum:
        problem = f"{key}: is {number(override.threshold)}"
        raise SettingsError(where(entry.name, "threshold"), problem, f"give {allowed(signal)}")


def allowed(signal: Signal) -> str:
    """The range of a signal's threshold in words: `a number from 1 to 99 (percent)`."""
    unit = f" ({signal.unit.key})" if signal.unit.key else ""
    if signal.maximum == float("inf"):
        return f"a number of at least {number(signal.minimum)}{unit}"
    return f"a number from {number(signal.minimum)} to {number(signal.maximum)}{unit}"
