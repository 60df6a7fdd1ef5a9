"""The exporter that asks from outside: a client of the stream, the API and the edge that knows nothing of how they work.

Probes run on a thread of their own (`watch.py`): a client that stays (`follower.py`) and tries at an interval (`tries.py`).
"""

from __future__ import annotations

import argparse

from exporters.base import Domain
from exporters.probe.goal import Goal, own
from exporters.probe.watch import Watch, collectors
from metrics.durations import seconds
from settings import SettingsError, Site
from settings.exporters import ProbeTarget

NAME = "probe"


def domains(site: Site, _options: argparse.Namespace) -> tuple[Domain, ...]:
    """A domain for each target that the site names; else for the appliance's own stream, where it has one.

    Raises SettingsError for a bad URL.
    """
    targets = site.exporters.probe.targets or ([own(site)] if site.workload else [])
    return tuple(_domain(site, target) for target in targets)


def _domain(site: Site, target: ProbeTarget) -> Domain:
    options = site.exporters.probe
    try:
        goal = Goal(target)
    except ValueError as error:
        raise SettingsError("site.yaml", f"exporters.probe.targets: {target.name}: {error}", "https://HOST:PORT") from error
    watch = Watch(goal, seconds(site.scaled(options.interval)), seconds(options.timeout))
    return Domain(
        NAME, "exporter-probe", tuple(collectors(watch)), target=target.name, prepare=watch.prepare, close=watch.close
    )  # fmt: skip
