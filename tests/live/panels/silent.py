"""Why a query may have no data: the declared reason for which a metric is absent, or what narrows the query to nothing.

`make test` lacks a standby, a replica, TLS and more. The long form has all of it: it excuses only what this version of a server
cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from compose import postgres
from metrics import cache, catalog, stack, websocket
from metrics.redis import persistence
from tests.appliance import Appliance
from tests.live.panels.asking import Asked

# Metrics that are there while a query keeps nothing of them, on the appliance of `make test`.
KEPT_OUT: Mapping[str, str] = {
    stack.TARGET_FAILURE.name: "each server can be asked",
    persistence.SAVED.name: "neither Redis saves snapshots",
    websocket.QUEUE_WAIT.name: "the bus takes the place of the queue",
    stack.BACKUP_ATTEMPTS.name: "no backup was made",
    stack.INBOX_DETECTION.name: "no alert has been delivered yet",
    stack.INBOX_DELIVERY.name: "no alert has been delivered yet",
    cache.LOAD_DURATION.name: "in these seconds nothing had to be loaded",
}
# The same for queries, by place, of which other ones read the same metric.
KEPT_OUT_AT: Mapping[str, str] = {"Alerts and Notifications: What fires A": "no warning nor critical alert has fired"}
_OLDER = re.compile(r"the server is older than (\d+)")
_NEWER = re.compile(r"the server is (\d+) or newer")


def of_version(reason: str) -> bool:
    """Whether a declared reason is the version of PostgreSQL, and holds for the one that is installed."""
    version = max(postgres.installed())
    older, newer = _OLDER.match(reason), _NEWER.match(reason)
    return bool((older and version < int(older[1])) or (newer and version >= int(newer[1])))


def reasons(appliance: Appliance, asked: Sequence[Asked], *, long: bool = False) -> dict[str, str]:
    """Why queries have no data, by place; those that lack data without a reason are not in it."""
    silent = {one.place: catalog.read_by(one.expr) for one in asked if not one.has_data}
    absent = _absent(appliance, {name for names in silent.values() for name in names})
    found = {}
    for place, names in silent.items():
        known = [absent[name] for name in names if name in absent]
        known += [] if long else [KEPT_OUT[name] for name in names if name in KEPT_OUT]
        known += [] if long else [KEPT_OUT_AT[place]] if place in KEPT_OUT_AT else []
        if wanted := [reason for reason in known if not long or of_version(reason)]:
            found[place] = wanted[0]
    return found


def _absent(appliance: Appliance, names: set[str]) -> dict[str, str]:
    """Those of the metrics that have no series, and may have none: why."""
    may = {name: metric for name in names if (metric := catalog.find(name)) and metric.absent}
    series = {one: name for name, metric in may.items() for one in metric.series}
    pattern = "|".join(series)
    seen = appliance.query(f'count by (__name__) ({{__name__=~"{pattern}"}})') if series else []
    present = {series[one["metric"]["__name__"]] for one in seen}
    return {name: metric.absent for name, metric in may.items() if name not in present}
