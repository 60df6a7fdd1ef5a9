"""Who is told, how soon, how often: the values of Alertmanager's configuration, without any I/O.

Alerts of one name arrive together: ten thousand at once are a handful of notifications (docs/topics/notifications.md). What
joins a group that was told of already is told after that receiver's group interval: 5 s at the inbox, which keeps each
alert's arrival within the time that the appliance promises, and a minute for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from alerts import receivers, versions
from alerts.versions import OLDEST, Version
from metrics import slo_signals, stack
from settings import SettingsError, Site, locate
from settings.receivers import WEEKDAYS, MuteTime, Receiver

GROUP_WAIT = {"critical": "5s", "warning": "30s"}
INBOX_INTERVAL = "5s"
PEOPLE_INTERVAL = "1m"
REPEAT = "4h"
WATCHDOG_INTERVAL = "30s"
WATCHDOG_REPEAT = "1m"
BURNING = tuple(name for signal in slo_signals.PAIRS for name in signal.alerts.values())  # the fastest first
RESERVED = ("inbox", "nobody", "watchdog")
TEST_LABEL = "watchfloor_test"  # an alert with it goes to the receiver that it names, and nowhere else
_DAY_ENDS = "24:00"


@dataclass(frozen=True)
class Route:
    """Alerts of one severity, to one receiver; durations are Prometheus's, `mute` are names of mute times."""

    severity: str
    receiver: str
    group_wait: str
    group_interval: str
    mute: tuple[str, ...] = ()


def context(site: Site, version: Version = OLDEST) -> dict[str, Any]:
    """What `alertmanager.yml.j2` is filled with, for an Alertmanager of that version.

    Raises SettingsError for a receiver that has the name of one of the appliance's own, or that this version cannot serve.
    """
    _refuse_reserved(site)
    versions.check(site, version)
    outside = receivers.deadman(site.deadman, version)
    watchdog: list[tuple[str, dict[str, Any]]] = [("webhook_configs", receivers.inbox(site, send_resolved=False))]
    return {
        "times": {
            "critical_wait": site.scaled(GROUP_WAIT["critical"]),
            "inbox_interval": site.scaled(INBOX_INTERVAL),
            "repeat": site.scaled(REPEAT),
            "watchdog_interval": site.scaled(WATCHDOG_INTERVAL),
            "watchdog_repeat": site.scaled(WATCHDOG_REPEAT),
        },
        "tested": ["inbox", *(receiver.name for receiver in site.receivers)],
        "test_label": TEST_LABEL,
        "routes": tuple(_routes(site)),
        "burning": [(BURNING[place], BURNING[place + 1 :]) for place in range(len(BURNING) - 1)],
        "hosts": "|".join(re.escape(host.name) for host in site.hosts),
        "own_database": site.workload and not site.database.url_file and not site.exporters.postgres.targets,
        "jobs": {"postgres": stack.JOB_POSTGRES, "model_quality": stack.JOB_MODEL_QUALITY, "system": stack.JOB_SYSTEM},
        "mute_times": _yaml([_mute_time(times) for times in site.mute_times]),
        "inbox": _yaml(_receiver("inbox", [("webhook_configs", receivers.inbox(site, send_resolved=True))])),
        "watchdog": _yaml(_receiver("watchdog", watchdog + ([outside] if outside else []))),
        "receivers": [_yaml(_receiver(receiver.name, [receivers.configuration(receiver)])) for receiver in site.receivers],
    }


def _refuse_reserved(site: Site) -> None:
    for index, receiver in enumerate(site.receivers):
        if receiver.name in RESERVED:
            where = locate("receivers", index, "name")
            problem = f"receivers[{index}].name: {receiver.name!r} is the appliance's own receiver"
            raise SettingsError(where, problem, "give it another name")


def _routes(site: Site) -> Iterator[Route]:
    for severity, wait in GROUP_WAIT.items():
        yield Route(severity, "inbox", site.scaled(wait), site.scaled(INBOX_INTERVAL))
        for receiver in site.receivers:
            if severity in receiver.severities:
                yield _route(site, receiver, severity, wait)


def _route(site: Site, receiver: Receiver, severity: str, wait: str) -> Route:
    mute = () if severity == "critical" else tuple(receiver.mute)
    return Route(severity, receiver.name, site.scaled(wait), site.scaled(PEOPLE_INTERVAL), mute)


def _receiver(name: str, configured: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """A receiver of Alertmanager's: its name, and under each kind what is configured of it."""
    found: dict[str, Any] = {"name": name}
    for kind, config in configured:
        found.setdefault(kind, []).append(config)
    return found


def _mute_time(times: MuteTime) -> dict[str, Any]:
    """A mute time as Alertmanager has it; one that goes past midnight is two there, the second a day later."""
    if times.to > times.from_:
        parts = [(list(times.weekdays), times.from_, times.to)]
    else:
        later = [WEEKDAYS[(WEEKDAYS.index(day) + 1) % len(WEEKDAYS)] for day in times.weekdays]
        parts = [(list(times.weekdays), times.from_, _DAY_ENDS), (later, "00:00", times.to)]
    intervals = [
        {"times": [{"start_time": begin, "end_time": end}], "weekdays": days, "location": times.location}
        for days, begin, end in parts
        if begin != end
    ]
    return {"name": times.name, "time_intervals": intervals}


def _yaml(value: dict[str, Any] | list[dict[str, Any]]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")
