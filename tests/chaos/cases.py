"""What is done to whom, which alert must tell of it, and how long it may take until all is well again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compose.topology import SERVICES
from tests.appliance import Appliance
from tests.chaos.proxy import Link

FACTOR = 0.1  # by which the times of rules and scrapes are shorter than usual; those of the watchers are as ever
KILLED, HUNG, LATER = 10.0, 60.0, 30.0  # seconds until it must be back: killed; hung; after its link is there again
SERVED = 30.0  # seconds more until every client has heard something: its longest pause between two attempts to connect
DUE = 100 * FACTOR  # seconds until something that is down is told of; what is back before needs no alert
DEAD_MAN = "dead-man switch"  # of the inbox, for what takes Prometheus or Alertmanager away
FILL = "disk"
LINKED = ("slow", "cut")  # kinds that are done to a link


@dataclass
class World:
    """The appliance, and by service the link that leads to it. `mended`: when the fault's end began (monotonic s)."""

    appliance: Appliance
    links: Mapping[str, Link] = field(default_factory=dict)
    mended: float = 0.0


@dataclass(frozen=True)
class Case:
    """One fault. `alerts`: one of these must fire, if it is down for longer than `DUE`. `within`: seconds until it is back.

    They count from the beginning of what heals by itself (`heals`), else from the fault's end. `restarts`: it is another process
    then.
    """

    component: str
    kind: str
    within: float
    alerts: frozenset[str] = frozenset()
    heals: bool = False
    restarts: bool = False

    @property
    def name(self) -> str:
        """As it is chosen by."""
        return f"{self.component}:{self.kind}"


DOWN = frozenset({"TargetDown", "TargetAbsent", "ServiceDown"})  # each of a service that its labels name
# What tells of each component while it is away or hangs.
ALERTS = {
    "stream": DOWN | {"ProbeStreamFailing", "ProbeEndpointDown"},
    "postgres": DOWN | {"PostgresDown", "DatabaseWritesDelayed"},
    "bus": DOWN | {"BusDown", "RedisDown"},
    "cache-redis": DOWN | {"CacheRedisAway", "RedisDown"},
    "edge": DOWN | {"CacheEdgeAway", "ProbeEndpointDown"},
    "analysis": DOWN,
    "store": DOWN,
    "exporter-postgres": DOWN,
    "exporter-system": DOWN,
    "exporter-redis": DOWN,
    "exporter-probe": DOWN,
    "exporter-model_quality": DOWN,
    "watcher": DOWN,
    "watcher-guard": DOWN,
    "alertmanager": DOWN | {"NotificationsFailing", DEAD_MAN},
    "inbox": DOWN | {"NotificationsFailing"},
    "preview": DOWN,
    "prometheus": frozenset({DEAD_MAN}),
}
NOT_HERE = {"entrance": "it is off unless a site asks for it: tests/security/test_watched.py kills and halts it"}
_JOBS = {service.name: service.job for service in SERVICES}


def tells_of(component: str, labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels is about this component."""
    if labels["alertname"] not in DOWN:
        return True
    return labels.get("service", labels.get("job")) in (component, _JOBS.get(component))


def cases(*, root: bool = True) -> list[Case]:
    """All of them; without root those that can be done: no disk is filled then, and of links there are our clients' alone."""
    found = []
    for component, alerts in ALERTS.items():
        # Prometheus back in time, its own death makes no alert; the switch needs longer than a watcher does.
        stopped = alerts - {DEAD_MAN}
        found.append(Case(component, "kill", KILLED, heals=True, restarts=True))
        found.append(Case(component, "stop", HUNG, stopped, heals=True, restarts=True))
        found.append(Case(component, "away", KILLED, alerts, restarts=True))
        if root:
            found += [Case(component, kind, LATER, stopped | DOWN) for kind in LINKED]
        elif component in ("stream", "postgres"):
            found += [Case(component, kind, LATER) for kind in LINKED]
    return found + [Case(FILL, "fill", HUNG, frozenset({"DiskAlmostFull"}))] * root
